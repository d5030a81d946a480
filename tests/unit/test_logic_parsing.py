"""Reading and checking expressions: what is refused, where, and in which words."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from capstan.errors import LogicError
from capstan.logic import Layout, Reference, check, parse

LAYOUT = Layout(
    record_field="record_id",
    form_of={"record_id": "base", "age": "base", "race": "base", "base_complete": "base"},
    checkboxes={"race": {"1": "race___1", "-9": "race____9"}},
    events=(("start_arm_1", "Start", 1, "Drug"),),
)
CLASSIC = Layout(record_field="record_id", form_of={"record_id": "base", "age": "base"})
PIECES = [
    *"()[],'\"+-*/%^=<>!&|#:. \n\t",
    "[age]",
    "[race(1)]",
    "[start_arm_1]",
    "and",
    "or",
    "if(",
    "round(",
    "1",
    "''",
]


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ("1 +", 3, "operand is missing"),
        ("(1 + 2", 0, "never closed"),
        ("round((1 + 2), 1", 5, "never closed"),
        ("round((1 + 2, 1)", 12, "comma"),
        ("1 + 2)", 5, "no opening"),
        ("([age] = 1))", 11, "no opening"),
        ("[age] =", 7, "operand is missing"),
        ("[age] = and 1", 8, "operand is missing before 'and'"),
        ("()", 1, "operand is missing"),
        ("round(1,,2)", 8, "operand is missing before ','"),
        ("[age] [age]", 6, "operator is missing"),
        ("1 < 2 < 3", 6, "chained"),
        ("2 ^ 3 ^ 4", 6, "brackets"),
        ("1, 2", 1, "comma"),
        ("[age] == 1", 7, "operand is missing before '='"),
        ("[age] & 1", 6, "write 'and'"),
        ("[age] = ‘1’", 8, "plain quote"),
        ("[age] = 'one", 8, "never closed"),
        ("[age = 1", 0, "square bracket"),
        ("1 + [age", 4, "square bracket"),
        ("1 $ 2", 2, "'$'"),
        ("1 + []", 4, "no reference"),
        ("1 + [two words]", 4, "no reference"),
        ("1 + [a][b][c]", 4, "no instance"),
        ("1 + [a b][c]", 4, "no event"),
        ("[event-nane] = ''", 0, "mean 'event-name'"),
        ("[aggregate-mean]", 0, "needs a field"),
        ("1 + rond(2)", 4, "mean 'round'"),
        ("not([age] = 1)", 0, "no 'not'"),
        ("today", 0, "in quotes"),
        ("1 + round", 4, "arguments in brackets"),
        ("if([age], 1)", 0, "takes 3 arguments; 2 were given"),
        ("round()", 0, "takes 1 to 2 arguments; 0 were given"),
        ("mod(1)", 0, "takes 2 arguments; 1 was given"),
        ("concat_ws('-')", 0, "at least 2 arguments"),
        ("1 + datediff([age], 'today', 'years')", 4, "one of y, M, d, h, m, s"),
        ("# note\n[age] =\n", 14, "operand is missing"),
    ],
)
def test_what_is_no_expression_is_refused_at_its_place(text, position, words):
    with pytest.raises(LogicError) as caught:
        parse(text)

    assert caught.value.position == position
    assert words in caught.value.message


def test_the_caret_stands_under_the_place_in_its_line():
    with pytest.raises(LogicError) as caught:
        parse("[age] = 1 and\nrond([age]) = 2\nor 1 = 1")

    assert str(caught.value).splitlines()[1:] == ["  rond([age]) = 2", "  ^"]


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ("1 + [agee]", 4, "mean 'age'"),
        ("[race]", 0, "name one choice"),
        ("[race(7)]", 0, "no choice (7)"),
        ("[age(1)]", 0, "no checkbox"),
        ("1 = [race___1]", 4, "[race(1)]"),
        ("[start_arm_2][age]", 0, "mean 'start_arm_1'"),
        ("[age] = 1 and [aggregate-mean:agee] > 1", 14, "mean 'age'"),
        ("[age:checked]", 0, "':checked'"),
    ],
)
def test_what_a_project_does_not_have_is_refused_at_its_place(text, position, words):
    with pytest.raises(LogicError) as caught:
        check(parse(text), LAYOUT)

    assert caught.value.position == position
    assert words in caught.value.message
    assert caught.value.expression == text


def test_an_event_in_a_project_without_events_is_refused():
    with pytest.raises(LogicError, match="has none"):
        check(parse("[start_arm_1][age]"), CLASSIC)


@pytest.mark.parametrize(
    "text",
    [
        "[age] > 1 and [race(-9)] = '1' and [RACE(1)] = \"0\"",
        "[start_arm_1][age][2] = [previous-event-name][age]",
        "[record-name] <> '' or [base_complete:label] = 'Complete'",
        "[aggregate-mean:age] > 3 and [survey-url:base] = ''",
        "",
    ],
)
def test_what_a_project_has_is_accepted(text):
    expression = parse(text)

    assert check(expression, LAYOUT) is None


def test_a_reference_has_its_parts_and_its_place():
    expression = parse("1 = [Visit_Arm_1][Race(Aa):Label][last-instance]")

    assert expression.references == (Reference("visit_arm_1", "race", "Aa", "label", "last-instance", 4),)


def test_two_brackets_are_field_and_instance_or_event_and_field():
    expression = parse("[a][3] + [a][current-instance] + [e][a] + [event-name][a][1]")

    parts = [(one.event, one.field, one.instance) for one in expression.references]

    assert parts == [("", "a", "3"), ("", "a", "current-instance"), ("e", "a", ""), ("event-name", "a", "1")]


def test_an_expression_says_which_fields_it_needs():
    expression = parse("[e][age] + [race(1)] + [aggregate-mean:weight] + [record-name] + [AGE]")

    assert expression.fields == {"age", "race", "weight"}
    assert expression.reads_other_rows


def test_an_expression_of_its_own_row_says_so():
    expression = parse("[age] > 1 and [event-name] = 'x'")

    assert not expression.reads_other_rows


def test_expressions_of_the_same_text_are_equal_and_can_be_keys():
    first, second = parse("[age] > 1"), parse.__wrapped__("[age] > 1")

    assert first == second
    assert hash(first) == hash(second)
    assert first != parse("[age] > 2")


@pytest.mark.parametrize(
    "text",
    [
        '[sex] = "0" and [given_birth] = "1"',
        "[lasttimetestmonth_q2] >= 12",
        "[shareresult_q14(8)] = '1'",
        " or ".join(f"[sites({number})] = '1'" for number in range(120)),
        "(" * 2000 + "1" + ")" * 2000,
        "if([a] = 1, " * 500 + "0" + ", 1)" * 500,
        " + ".join(["[a]"] * 5000),
    ],
)
def test_long_and_deep_expressions_are_read(text):
    expression = parse(text)

    assert expression.text == text
    assert expression.steps


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text() | st.lists(st.sampled_from(PIECES)).map("".join))
@example("[")
@example("'")
@example("\x00")
def test_any_text_is_an_expression_or_a_logic_error_inside_it(text):
    error = _error_of(text)

    assert error is None or (0 <= error.position <= len(text) and error.expression == text)


def _error_of(text):
    try:
        parse(text)
    except LogicError as error:
        return error
    return None
