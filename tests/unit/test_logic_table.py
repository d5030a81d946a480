"""Tables: which rows are computed, in which index, and what stays out of sight."""

from __future__ import annotations

import ast
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import capstan.logic
from capstan.errors import LogicError
from capstan.logic import Layout, Table, calculate, evaluate, parse, truth
from capstan.logic.words import as_number, as_numbers, as_objects

NOW = datetime(2024, 3, 10, tzinfo=UTC)
LAYOUT = Layout(
    record_field="record_id", form_of={"record_id": "f", "age": "f", "note": "f", "never_exported": "f"}
)
DATA = pd.DataFrame(
    {
        "record_id": ["1", "2", "3"],
        "redcap_event_name": "",
        "redcap_repeat_instrument": "",
        "redcap_repeat_instance": "",
        "age": ["60", "61", ""],
        "note": ["MARKED-VALUE", "", "x"],
    },
    index=[10, 20, 30],
    dtype="str",
)
OUR_PACKAGES = {"capstan", "checks", "cli", "flows", "receiver", "sandbox", "studies", "tasks"}


@pytest.mark.parametrize(
    ("rows", "labels"),
    [
        (None, [10, 20, 30]),
        ([30, 10], [30, 10]),
        (pd.Index([20]), [20]),
        (np.array([True, False, True]), [10, 30]),
        (pd.Series([False, True, False], index=[10, 20, 30]), [20]),
        ([], []),
        (np.array([False, False, False]), []),
    ],
)
def test_only_the_wanted_rows_are_computed_in_their_order(rows, labels):
    table = Table(DATA, LAYOUT)

    ages = table.evaluate(parse("[age]"), now=NOW, rows=rows)
    ones = table.evaluate(parse("1"), now=NOW, rows=rows)

    assert ages.to_dict() == DATA["age"].loc[labels].to_dict()
    assert list(ages.index) == list(ones.index) == labels


def test_a_label_that_data_does_not_have_is_refused():
    with pytest.raises(KeyError, match="1 labels"):
        Table(DATA, LAYOUT).evaluate(parse("[age]"), now=NOW, rows=[10, 99])


def test_values_are_text_and_truths_are_truths():
    expression = parse("[age] >= 61")

    texts, truths = (compute(expression, DATA, layout=LAYOUT, now=NOW) for compute in (evaluate, truth))

    assert texts.dtype == "str"
    assert texts.tolist() == ["0", "1", "0"]
    assert truths.dtype == bool
    assert truths.tolist() == [False, True, False]


def test_the_empty_expression_is_blank_and_holds_everywhere():
    expression = parse(" \n# nothing yet")

    assert evaluate(expression, DATA, layout=LAYOUT, now=NOW).tolist() == ["", "", ""]
    assert calculate(expression, DATA, layout=LAYOUT, now=NOW).tolist() == ["", "", ""]
    assert truth(expression, DATA, layout=LAYOUT, now=NOW).all()


@pytest.mark.parametrize(
    ("sign", "expected"), [("<", "10001"), (">", "01100"), ("=", "00010"), ("<>", "11101"), ("<=", "10011")]
)
def test_two_columns_of_text_compare_row_by_row(sign, expected):
    ages, notes = ["m", "z", "b", "c", "A"], ["n", "d", "B", "c", "a"]
    data = pd.DataFrame({"record_id": list("12345"), "age": ages, "note": notes}, dtype="str")

    given = evaluate(parse(f"[age] {sign} [note]"), data, layout=LAYOUT, now=NOW)

    assert "".join(given) == expected


def test_a_known_field_without_a_column_is_blank():
    given = evaluate(parse("[never_exported] = ''"), DATA, layout=LAYOUT, now=NOW)

    assert given.tolist() == ["1", "1", "1"]


def test_a_project_without_repeat_columns_is_computed():
    data = DATA[["record_id", "age"]]

    given = evaluate(parse("[age] + 1"), data, layout=LAYOUT, now=NOW)

    assert given.tolist() == ["61", "62", ""]


@pytest.mark.parametrize(
    "text", ["[age]", "[age] > 1 and 1 = 1", "[age][2]", "datediff([age], 'today', 'd')", "3"]
)
def test_a_frame_without_rows_gives_none(text):
    given = Table(DATA.iloc[:0], LAYOUT).evaluate(parse(text), now=NOW)

    assert len(given) == 0


def test_an_unknown_field_is_a_logic_error_and_no_key_error():
    with pytest.raises(LogicError, match="mean 'age'"):
        Table(DATA, LAYOUT).truth(parse("[agee] > 1"), now=NOW)


def test_a_thousand_nested_conditions_are_computed():
    text = "if([age] = 1, 1, " * 1000 + "[age]" + ")" * 1000

    given = Table(DATA, LAYOUT).calculate(parse(text), now=NOW)

    assert given.tolist() == ["60", "61", ""]


def test_now_is_the_clock_on_the_wall_of_its_zone():
    early_in_the_east = datetime.fromisoformat("2024-03-11T01:00:00+10:00")

    given = Table(DATA, LAYOUT).evaluate(parse("day('today')"), now=early_in_the_east)

    assert set(given) == {"11"}


def test_no_value_shows_in_a_table_or_its_columns():
    table = Table(DATA, LAYOUT)
    table.evaluate(parse("concat([note], 'y')"), now=NOW)

    shown = repr(table) + repr(table._columns) + repr(table._keys) + repr(table._smart)

    assert "MARKED" not in shown


def test_the_package_imports_nothing_of_the_project_but_its_errors():
    files = sorted(Path(capstan.logic.__file__).parent.glob("*.py"))
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))]

    imported = {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    imported |= {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    ours = {name for name in imported if name.partition(".")[0] in OUR_PACKAGES}

    assert len(files) > 10
    assert {name for name in ours if not name.startswith("capstan.logic")} == {"capstan.errors"}


@given(st.lists(st.text(alphabet="0123456789+-.,eE \t\n\x0b\x1c٣a", max_size=7), min_size=64, max_size=90))
def test_many_numbers_are_read_as_each_one_is(texts: list[str]) -> None:
    many = as_numbers(as_objects(texts))

    assert np.array_equal(many, [as_number(text) for text in texts], equal_nan=True)
