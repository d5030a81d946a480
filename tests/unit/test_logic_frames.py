"""Whole frames against one row at a time, and against the plain reading in `logic_reference`."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import logic_reference as reference
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from capstan.logic import FUNCTIONS, Layout, Table, parse

NOW = datetime(2024, 3, 10, 14, 30, tzinfo=UTC)
FORM_OF = {
    "record_id": "base",
    "num": "base",
    "txt": "base",
    "day": "base",
    "box": "base",
    "base_complete": "base",
    "visit_num": "visit",
    "visit_day": "visit",
    "call_num": "call",
    "call_txt": "call",
}
BOXES = {"box": {"1": "box___1", "-9": "box____9"}}
EVENTS = [("one_arm_1", 1), ("two_arm_1", 1), ("three_arm_1", 1), ("one_arm_2", 2)]
DESIGNATED = {
    ("one_arm_1", "base"),
    ("one_arm_1", "call"),
    ("two_arm_1", "visit"),
    ("three_arm_1", "base"),
    ("three_arm_1", "visit"),
    ("three_arm_1", "call"),
    ("one_arm_2", "base"),
}
REPEATING = {("one_arm_1", "call"), ("two_arm_1", ""), ("three_arm_1", "visit")}
COLUMNS = [*(name for name in FORM_OF if name not in BOXES), *BOXES["box"].values()]
LAYOUT = Layout(
    record_field="record_id",
    form_of=FORM_OF,
    checkboxes=BOXES,
    events=tuple((name, name.title(), arm, f"Arm {arm}") for name, arm in EVENTS),
    designated=frozenset(DESIGNATED),
    repeating=frozenset(REPEATING),
)
ALWAYS_TEXT = ["", "", "0", "1", "2.5", "-3", " 7", "1,5", "01", "abc", "ABC", "2024-01-31", "2023-02-30"]
ALWAYS_TEXT += ["2023-12-01 08:15", "2000-02-29", "1e2", "1.0"]

cells = st.sampled_from(ALWAYS_TEXT)
fields = st.sampled_from(
    ["num", "txt", "day", "box(1)", "box(-9)", "visit_num", "visit_day", "call_num", "call_txt"]
)
events = st.sampled_from(
    ["", "", "[one_arm_1]", "[two_arm_1]", "[three_arm_1]", "[one_arm_2]", "[event-name]"]
) | (st.sampled_from(["previous", "next", "first", "last"]).map(lambda which: f"[{which}-event-name]"))
instances = st.sampled_from(["", "", "", "[1]", "[2]", "[7]"]) | (
    st.sampled_from(["current", "previous", "next", "first", "last", "new"]).map(
        lambda which: f"[{which}-instance]"
    )
)
references = st.builds("{}[{}]{}".format, events, fields, instances) | st.sampled_from(
    ["[record-name]", "[event-name]", "[previous-event-name]", "[current-instance]", "[last-instance]"]
)
literals = st.sampled_from(
    ["0", "1", "2", "2.675", "10", "''", "'abc'", "'1'", "'01'", '"2024-01-01"', "true"]
)


def _compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    signs = st.sampled_from(
        ["+", "-", "*", "/", "%", "=", "<>", "!=", "<", "<=", ">", ">=", "and", "OR", "&&", "||"]
    )
    one = st.sampled_from(
        ["round", "rounddown", "roundup", "isnumber", "upper", "length", "year", "sum", "min"]
    )
    many = st.sampled_from(["sum", "min", "max", "mean", "median", "stdev", "concat"])
    return (
        st.builds("({}) {} ({})".format, inner, signs, inner)
        | st.builds("{}({})".format, one, inner)
        | st.builds("{}({}, {}, {})".format, many, inner, inner, inner)
        | st.builds("if({}, {}, {})".format, inner, inner, inner)
        | st.builds("datediff({}, {}, '{}', {})".format, inner, inner, st.sampled_from("yMdhms"), literals)
        | st.builds("contains({}, {})".format, inner, inner)
        | st.builds("left({}, {})".format, inner, literals)
        | st.builds("-({})".format, inner)
    )


expressions = st.recursive(references | literals, _compound, max_leaves=8)


@st.composite
def _places(draw: st.DrawFn) -> reference.Place:
    record, event = (
        draw(st.sampled_from(["1", "2", "10"])),
        draw(st.sampled_from([name for name, _ in EVENTS])),
    )
    instance = draw(st.integers(1, 3))
    repeating = [form for its, form in sorted(REPEATING) if its == event]
    if not repeating:
        return record, event, "", 0
    if repeating == [""]:
        return record, event, "", instance
    is_base = draw(st.booleans())
    return (record, event, "", 0) if is_base else (record, event, repeating[0], instance)


@st.composite
def _rows(draw: st.DrawFn) -> dict[reference.Place, dict[str, str]]:
    places = draw(st.lists(_places(), min_size=1, max_size=12, unique=True))
    return {
        place: {column: draw(cells) for column in COLUMNS if column != "record_id"} | {"record_id": place[0]}
        for place in places
    }


def _frame(rows: dict[reference.Place, dict[str, str]]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "redcap_event_name": event,
                "redcap_repeat_instrument": instrument,
                "redcap_repeat_instance": str(instance or ""),
                **cells,
            }
            for (_, event, instrument, instance), cells in rows.items()
        ],
        dtype="str",
    )


def _is_same(given: str, expected: str) -> bool:
    try:
        return math.isclose(float(given), float(expected), rel_tol=1e-9, abs_tol=1e-9)
    except ValueError:
        return given == expected


@settings(max_examples=300, deadline=None, derandomize=True)
@given(text=expressions, rows=_rows())
def test_a_frame_gives_what_the_plain_reading_gives_row_by_row(text, rows):
    project = reference.Project(rows, FORM_OF, BOXES, EVENTS, DESIGNATED, REPEATING, NOW)
    table = Table(_frame(rows), LAYOUT)

    given_texts = table.evaluate(parse(text), now=NOW)
    given_truths = table.truth(parse(text), now=NOW)

    expected = [reference.evaluate(text, project, place) for place in rows]
    pairs = list(zip(given_texts, map(reference.text_of, expected), strict=True))
    assert all(_is_same(given, wanted) for given, wanted in pairs), (text, pairs)
    assert given_truths.tolist() == [reference.truth_of(value) for value in expected], text


@settings(max_examples=100, deadline=None, derandomize=True)
@given(text=expressions, rows=_rows())
def test_a_row_alone_gives_what_it_gives_in_the_whole_frame(text, rows):
    data = _frame(rows)

    together = Table(data, LAYOUT).evaluate(parse(text), now=NOW)
    alone = [Table(data, LAYOUT).evaluate(parse(text), now=NOW, rows=[label]).iloc[0] for label in data.index]

    assert alone == together.tolist()


@settings(max_examples=50, deadline=None, derandomize=True)
@given(text=expressions, rows=_rows(), seed=st.integers(0, 1000))
def test_the_order_of_rows_does_not_matter(text, rows, seed):
    data = _frame(rows)
    shuffled = data.sample(frac=1, random_state=seed)

    values = Table(shuffled, LAYOUT).evaluate(parse(text), now=NOW)

    assert values.sort_index().tolist() == Table(data, LAYOUT).evaluate(parse(text), now=NOW).tolist()


ODD_TEXTS = ["", "0", "-0.0", "1e308", "-1e308", "9" * 400, "1e-320", "nan", "inf", "²", "today", "now"]
ODD_TEXTS += ["0000-01-01", "0001-01-01", "9999-12-31 23:59:59", "2024-01-01T09:00", "ééé", "a,b", "\n", "'"]
ODD_TEXTS += ["mdy", "true", "-3"]


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    name=st.sampled_from(sorted(set(FUNCTIONS) - {"datediff"})),
    count=st.integers(1, 4),
    rows=st.lists(st.tuples(*[st.sampled_from(ODD_TEXTS)] * 4), min_size=1, max_size=6),
)
def test_no_function_fails_whatever_the_values(name, count, rows):
    function = FUNCTIONS[name]
    count = max(function.fewest, min(count, function.most or count))
    data = pd.DataFrame(rows, columns=["a", "b", "c", "d"], dtype="str").assign(record_id="1")
    layout = Layout(
        "record_id", dict.fromkeys(["record_id", "a", "b", "c", "d"], "f"), missing_codes=frozenset({"nan"})
    )

    text = f"{name}({', '.join(['[a]', '[b]', '[c]', '[d]'][:count])})"
    given = Table(data, layout).evaluate(parse(f"concat({text}, datediff([a], [b], [c], [d]))"), now=NOW)

    assert given.map(type).eq(str).all()
