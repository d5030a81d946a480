"""Which cell a reference means: events, instances, smart variables (redcap-api G.2)."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import pytest

from capstan.logic import Layout, Table, parse

NOW = datetime(2024, 3, 10, tzinfo=UTC)
LAYOUT = Layout(
    record_field="record_id",
    form_of={"record_id": "intake", "age": "intake", "weight": "visit", "call": "phone", "side": "phone2"},
    events=(
        ("start_arm_1", "Start", 1, "Drug"),
        ("gap_arm_1", "Gap", 1, "Drug"),
        ("visit_arm_1", "Visit", 1, "Drug"),
        ("end_arm_1", "End", 1, "Drug"),
        ("start_arm_2", "Start", 2, "Placebo"),
    ),
    designated=frozenset(
        {
            ("start_arm_1", "intake"),
            ("start_arm_1", "visit"),
            ("start_arm_1", "phone"),
            ("start_arm_1", "phone2"),
            ("visit_arm_1", "visit"),
            ("end_arm_1", "visit"),
            ("end_arm_1", "phone"),
            ("start_arm_2", "intake"),
        }
    ),
    repeating=frozenset(
        {("visit_arm_1", ""), ("start_arm_1", "phone"), ("start_arm_1", "phone2"), ("end_arm_1", "phone")}
    ),
    forms={"phone": "Phone call", "intake": "Intake"},
)
ROWS = {
    # label: record, event, instrument, instance, age, weight, call, side
    "base": ("1", "start_arm_1", "", "", "40", "70", "", ""),
    "gap": ("1", "gap_arm_1", "", "", "", "", "", ""),
    "visit 1": ("1", "visit_arm_1", "", "1", "", "71", "", ""),
    "visit 3": ("1", "visit_arm_1", "", "3", "", "73", "", ""),
    "end": ("1", "end_arm_1", "", "", "", "75", "", ""),
    "arm 2": ("1", "start_arm_2", "", "", "41", "", "", ""),
    "call 1": ("1", "start_arm_1", "phone", "1", "", "", "first", ""),
    "call 2": ("1", "start_arm_1", "phone", "2", "", "", "second", ""),
    "call 4": ("1", "start_arm_1", "phone", "4", "", "", "fourth", ""),
    "end call 2": ("1", "end_arm_1", "phone", "2", "", "", "late", ""),
    "side 1": ("1", "start_arm_1", "phone2", "1", "", "", "", "x"),
    "other": ("2", "start_arm_1", "", "", "50", "80", "", ""),
    "stray": ("4", "start_arm_1", "phone", "1", "", "", "only", ""),
    "lone": ("3", "end_arm_1", "", "", "", "", "", ""),
}
COLUMNS = ["record_id", "redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance"]
COLUMNS += ["age", "weight", "call", "side"]
TABLE = Table(pd.DataFrame.from_dict(ROWS, orient="index", columns=COLUMNS, dtype="str"), LAYOUT)


def value(row, text, **context):
    return TABLE.evaluate(parse(text), now=NOW, rows=[row], context=context.get("context")).iloc[0]


@pytest.mark.parametrize(
    ("row", "text", "expected"),
    [
        ("base", "[age]", "40"),
        ("end", "[age]", ""),
        ("call 1", "[call]", "first"),
        ("call 1", "[age]", "40"),
        ("call 1", "[record_id]", "1"),
        ("end call 2", "[weight]", "75"),
        ("side 1", "[call]", ""),
        ("base", "[call]", ""),
        ("visit 3", "[weight]", "73"),
        ("end", "[start_arm_1][age]", "40"),
        ("end", "[START_ARM_1][age]", "40"),
        ("arm 2", "[start_arm_1][age]", "40"),
        ("lone", "[start_arm_1][age]", ""),
        ("end", "[visit_arm_1][weight]", "71"),
        ("end", "[visit_arm_1][weight][3]", "73"),
        ("end", "[visit_arm_1][weight][2]", ""),
        ("visit 3", "[visit_arm_1][weight]", "73"),
        ("end", "[start_arm_1][call]", "first"),
        ("call 2", "[start_arm_1][call]", "second"),
        ("call 2", "[event-name][call]", "second"),
        ("end", "[start_arm_1][call][4]", "fourth"),
        ("end", "[start_arm_1][call][last-instance]", "fourth"),
        ("end", "[start_arm_1][call][first-instance]", "first"),
        ("base", "[call][2]", "second"),
        ("base", "[call][last-instance]", "fourth"),
        ("call 2", "[call][previous-instance]", "first"),
        ("call 1", "[call][previous-instance]", ""),
        ("call 1", "[call][next-instance]", "second"),
        ("call 2", "[call][next-instance]", ""),
        ("call 2", "[call][current-instance]", "second"),
        ("side 1", "[call][current-instance]", "first"),
        ("call 2", "[call][new-instance]", ""),
        ("base", "[call][current-instance]", ""),
        ("base", "[call][next-instance]", ""),
        ("stray", "[record_id]", "4"),
        ("stray", "[age]", ""),
        ("base", "[age][1]", "40"),
        ("base", "[age][2]", ""),
        ("base", "[call][0]", ""),
        ("visit 3", "[weight][first-instance]", "71"),
        ("other", "[call][last-instance]", ""),
    ],
)
def test_a_reference_finds_its_cell(row, text, expected):
    given = value(row, text)

    assert given == expected


@pytest.mark.parametrize(
    ("row", "text", "expected"),
    [
        ("end", "[previous-event-name][weight]", "71"),
        ("visit 1", "[previous-event-name][weight]", "70"),
        ("base", "[previous-event-name][weight]", ""),
        ("base", "[next-event-name][weight]", "71"),
        ("end", "[next-event-name][weight]", ""),
        ("end", "[first-event-name][weight]", "70"),
        ("end", "[first-event-name][age]", "40"),
        ("base", "[last-event-name][weight]", "75"),
        ("gap", "[next-event-name][call][2]", "late"),
        ("arm 2", "[previous-event-name][age]", ""),
        ("arm 2", "[first-event-name][age]", "41"),
    ],
)
def test_a_relative_event_skips_to_the_nearest_with_the_form_in_the_same_arm(row, text, expected):
    given = value(row, text)

    assert given == expected


@pytest.mark.parametrize(
    ("row", "text", "expected"),
    [
        ("base", "[record-name]", "1"),
        ("visit 1", "[event-name]", "visit_arm_1"),
        ("visit 1", "[event-label]", "Visit"),
        ("visit 1", "[event-number]", "3"),
        ("arm 2", "[event-number]", "1"),
        ("visit 1", "[previous-event-name]", "gap_arm_1"),
        ("visit 1", "[next-event-label]", "End"),
        ("visit 1", "[first-event-name]", "start_arm_1"),
        ("visit 1", "[last-event-label]", "End"),
        ("base", "[previous-event-name]", ""),
        ("arm 2", "[arm-number]", "2"),
        ("arm 2", "[arm-label]", "Placebo"),
        ("call 2", "[instrument-name]", "phone"),
        ("call 2", "[instrument-label]", "Phone call"),
        ("base", "[instrument-name]", ""),
        ("call 2", "[current-instance]", "2"),
        ("call 2", "[previous-instance]", "1"),
        ("call 1", "[previous-instance]", ""),
        ("call 2", "[next-instance]", "3"),
        ("call 2", "[first-instance]", "1"),
        ("call 2", "[last-instance]", "4"),
        ("call 2", "[new-instance]", "5"),
        ("base", "[last-instance]", ""),
        ("base", "[new-instance]", ""),
        ("base", "[aggregate-count:age]", "3"),
        ("base", "[aggregate-sum:age]", "131"),
        ("base", "[aggregate-mean:weight]", "73.8"),
        ("base", "[aggregate-min:age]", "40"),
        ("base", "[aggregate-max:age]", "50"),
        ("base", "[aggregate-median:age]", "41"),
        ("base", "[aggregate-stdev:age]", "5.5075705472861"),
        ("base", "[aggregate-unique:call]", "5"),
        ("base", "[user-name]", ""),
        ("base", "[survey-url:intake]", ""),
        ("base", "[project-id]", ""),
    ],
)
def test_a_smart_variable_stands_alone(row, text, expected):
    given = value(row, text)

    assert given == expected


def test_a_context_tells_what_data_cannot():
    given = value(
        "base",
        "[user-name] = 'mary' and [project-id] = 14",
        context={"user-name": "mary", "project-id": "14"},
    )

    assert given == "1"


def test_an_access_group_comes_from_its_column():
    data = TABLE.data.assign(redcap_data_access_group="site_a")

    given = Table(data, LAYOUT).evaluate(parse("[record-dag-name]"), now=NOW)

    assert set(given) == {"site_a"}


def test_a_classic_project_has_one_place_per_instance():
    layout = Layout(
        record_field="id",
        form_of={"id": "base", "sex": "base", "dose": "doses"},
        repeating=frozenset({("", "doses")}),
    )
    data = pd.DataFrame(
        {
            "id": ["a", "a", "a", "b"],
            "redcap_event_name": "",
            "redcap_repeat_instrument": ["", "doses", "doses", ""],
            "redcap_repeat_instance": ["", "1", "2", ""],
            "sex": ["0", "", "", "1"],
            "dose": ["", "10", "30", ""],
        },
        dtype="str",
    )

    given = Table(data, layout).evaluate(
        parse("concat_ws('/', [sex], [dose], [dose][previous-instance], [dose][last-instance])"), now=NOW
    )

    assert given.tolist() == ["0/30", "0/10/30", "0/30/10/30", "1"]


def test_a_repeating_event_without_a_number_is_its_first_instance():
    data = TABLE.data.copy()
    data.loc["visit 1", "redcap_repeat_instance"] = ""

    given = Table(data, LAYOUT).evaluate(parse("[visit_arm_1][weight][1]"), now=NOW, rows=["end"])

    assert given.tolist() == ["71"]


def test_of_two_rows_at_one_place_the_later_is_found():
    data = pd.concat([TABLE.data, TABLE.data.loc[["base"]].assign(age="44")], ignore_index=True)

    given = Table(data, LAYOUT).evaluate(parse("[start_arm_1][age]"), now=NOW, rows=[4])

    assert given.tolist() == ["44"]


@pytest.mark.parametrize("instance", ["0", "-1", "1.5", "x", "99999999"])
def test_a_row_with_an_instance_that_is_none_is_never_found(instance):
    bad = TABLE.data.loc[["side 1"]].assign(redcap_repeat_instance=instance, call="wrong", side="wrong")
    data = pd.concat([TABLE.data.drop("side 1"), bad])
    every_number = "concat([call][1], [call][5], [side][1], [side][0], [side][last-instance])"

    given = Table(data, LAYOUT).evaluate(parse(every_number), now=NOW, rows=["base"])

    assert given.tolist() == ["first"]
