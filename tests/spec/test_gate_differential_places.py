"""The gate against the sandbox on places: records, events, forms and instances of the same rows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from gate_and_sandbox import Both, Row
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from checks.catalogue import CATALOGUE
from sandbox.server import Running

REFUSES = "refuses the import"
# What REDCap's own answer to a check is, beyond the words of the catalogue: it takes these, in its own way.
TAKEN = {"repeat_instance_invalid", "missing_key_column", "duplicate_row", "read_only_field"}
RUNS = settings(
    max_examples=80,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    database=None,
)
BASE = {"redcap_event_name": "start_arm_1"}
EXAM = {"redcap_event_name": "later_arm_1"}
CALL = {**EXAM, "redcap_repeat_instrument": "call"}
DIARY = {"redcap_event_name": "weekly_arm_1"}


@pytest.fixture(scope="module")
def both() -> Iterator[Both]:
    with Running() as sandbox:
        made = Both(sandbox, longitudinal=True)
        choices = {"select_choices_or_calculations": "1, One | 2, Two | a, Letter"}
        made.fields(
            [
                {"field_name": "record_id", "form_name": "info"},
                {"field_name": "word", "form_name": "info"},
                {"field_name": "teeth", "form_name": "exam"},
                {"field_name": "sum", "form_name": "exam", "field_type": "calc",
                 "select_choices_or_calculations": "[teeth]*2"},
                {"field_name": "photo", "form_name": "exam", "field_type": "file"},
                {"field_name": "likes", "form_name": "exam", "field_type": "checkbox", **choices},
                {"field_name": "outcome", "form_name": "call", "field_type": "radio", **choices},
                {"field_name": "day", "form_name": "diary"},
            ]
        )  # fmt: skip
        made.has("event", [_event(name, day) for day, name in enumerate(("Start", "Later", "Weekly"), 1)])
        places = [
            ("start", "info"),
            ("later", "exam"),
            ("later", "call"),
            ("weekly", "diary"),
            ("weekly", "exam"),
        ]
        made.has(
            "formEventMapping",
            [{"arm_num": "1", "unique_event_name": f"{event}_arm_1", "form": form} for event, form in places],
        )
        made.has(
            "repeatingFormsEvents",
            [
                {"event_name": "later_arm_1", "form_name": "call", "custom_form_label": ""},
                {"event_name": "weekly_arm_1", "form_name": "", "custom_form_label": ""},
            ],
        )
        made.ask()
        yield made


def _event(name: str, day: int) -> Row:
    return {
        "event_name": name,
        "arm_num": "1",
        "day_offset": str(day),
        "unique_event_name": f"{name.lower()}_arm_1",
    }


@pytest.mark.parametrize(
    ("row", "check"),
    [
        ({"record_id": "", **BASE, "word": "x"}, "record_blank"),
        ({"record_id": "x" * 101, **BASE, "word": "x"}, "record_blank"),
        ({"record_id": "a\x01b", **BASE, "word": "x"}, "record_blank"),
        ({"record_id": "a\nb", **BASE, "word": "x"}, "record_blank"),
        ({"record_id": "1", "redcap_event_name": "Start", "word": "x"}, "event_unknown"),
        ({"record_id": "1", "redcap_event_name": "START_ARM_1", "word": "x"}, "event_unknown"),
        ({"record_id": "1", "redcap_event_name": "start_arm_2", "word": "x"}, "event_unknown"),
        ({"record_id": "1", **BASE, "teeth": "3"}, "field_not_in_event"),
        ({"record_id": "1", **BASE, "likes___1": "1"}, "field_not_in_event"),
        ({"record_id": "1", **EXAM, "word": "x"}, "field_not_in_event"),
        ({"record_id": "1", **BASE, "exam_complete": "2"}, "field_not_in_event"),
        ({"record_id": "1", **EXAM, "outcome": "1"}, "field_not_on_row"),
        ({"record_id": "1", **CALL, "redcap_repeat_instance": "1", "teeth": "3"}, "field_not_on_row"),
        ({"record_id": "1", **CALL, "redcap_repeat_instance": "0", "outcome": "1"}, "repeat_instance_invalid"),
        ({"record_id": "1", **CALL, "redcap_repeat_instance": "-1", "outcome": "1"}, "repeat_instance_invalid"),
        ({"record_id": "1", **CALL, "redcap_repeat_instance": "1.0", "outcome": "1"}, "repeat_instance_invalid"),
        ({"record_id": "1", **CALL, "redcap_repeat_instance": "x", "outcome": "1"}, "repeat_instance_invalid"),
        ({"record_id": "1", **CALL, "redcap_repeat_instance": "\uff11", "outcome": "1"}, "repeat_instance_invalid"),
        ({"record_id": "1", **CALL, "redcap_repeat_instance": "", "outcome": "1"}, "repeat_instance_invalid"),
        ({"record_id": "1", **EXAM, "redcap_repeat_instance": "1", "teeth": "3"}, "repeat_instance_invalid"),
        ({"record_id": "1", **EXAM, "redcap_repeat_instance": "new", "teeth": "3"}, "repeat_instance_invalid"),
        ({"record_id": "1", **DIARY, "redcap_repeat_instance": "0", "day": "x"}, "repeat_instance_invalid"),
        ({"record_id": "1", **EXAM, "redcap_repeat_instrument": "exam", "redcap_repeat_instance": "1", "teeth": "3"},
         "repeat_form_invalid"),
        ({"record_id": "1", **DIARY, "redcap_repeat_instrument": "diary", "redcap_repeat_instance": "1", "day": "x"},
         "repeat_form_invalid"),
        ({"record_id": "1", **CALL, "redcap_repeat_instrument": "Call", "redcap_repeat_instance": "1", "outcome": "1"},
         "repeat_form_invalid"),
        ({"record_id": "1", **BASE, "wort": "x"}, "unknown_column"),
        ({"record_id": "1", **EXAM, "likes": "1"}, "unknown_column"),
        ({"record_id": "1", **EXAM, "likes___3": "1"}, "unknown_column"),
        ({"record_id": "1", **EXAM, "likes___1": "2"}, "checkbox_value"),
        ({"record_id": "1", **EXAM, "likes___a": "a"}, "checkbox_value"),
        ({"record_id": "1", **EXAM, "photo": "scan.png"}, "read_only_field"),
        ({"record_id": "1", **CALL, "redcap_repeat_instance": "1", "outcome": "A"}, "choice_unknown"),
        ({"record_id": "1", **CALL, "redcap_repeat_instance": "1", "outcome": "01"}, "choice_unknown"),
    ],
)  # fmt: skip
def test_both_stop_a_row_for_its_place(both: Both, row: Row, check: str) -> None:
    assert both.refused([row])
    assert check in set().union(*both.stopped([row]).values())


@pytest.mark.parametrize(
    "row",
    [
        {"record_id": "1", **BASE, "word": "x"},
        {"record_id": " 1 ", "redcap_event_name": " start_arm_1 ", "word": "x"},
        {"record_id": "1", **EXAM, "teeth": "3", "word": "", "outcome": ""},
        {"record_id": "1", **CALL, "redcap_repeat_instance": "7", "outcome": "a"},
        {"record_id": "1", **CALL, "redcap_repeat_instance": "new", "outcome": "1", "teeth": ""},
        {"record_id": "1", **DIARY, "redcap_repeat_instance": "2", "day": "x", "teeth": "3"},
        {"record_id": "1", **DIARY, "redcap_repeat_instance": "new", "day": "x"},
        {"record_id": "1", **EXAM, "likes___1": "1", "likes___2": "0", "likes___a": ""},
        {"record_id": "\u00c4\u00f6 7", **BASE, "word": "x"},
    ],
)
def test_both_take_a_row_at_its_place(both: Both, row: Row) -> None:
    assert not both.refused([row])
    assert not both.stopped([row])


@pytest.mark.parametrize(
    ("row", "check"),
    [
        ({"record_id": "1", "redcap_event_name": "", "word": "x"}, "event_blank"),
        ({"record_id": "1", **DIARY, "redcap_repeat_instance": "", "day": "x"}, "repeat_instance_invalid"),
        (
            {"record_id": "1", **CALL, "redcap_repeat_instance": "01", "outcome": "1"},
            "repeat_instance_invalid",
        ),
        ({"record_id": "1", **EXAM, "sum": "5"}, "read_only_field"),
    ],
)
def test_the_gate_stops_what_redcap_takes_in_its_own_way(both: Both, row: Row, check: str) -> None:
    assert not both.refused([row])
    assert set().union(*both.stopped([row]).values()) == {check}
    assert CATALOGUE[check].redcap != REFUSES


ROWS = st.fixed_dictionaries(
    {
        "redcap_event_name": st.sampled_from(["start_arm_1", "later_arm_1", "weekly_arm_1"]),
        "redcap_repeat_instrument": st.sampled_from(["", "", "call", "exam", "diary"]),
        "redcap_repeat_instance": st.sampled_from(
            ["", "", "1", "2", "new", "0", "1.5", "999999999", "9999999999"]
        ),
    },
    optional={
        "word": st.sampled_from(["", "x", " "]),
        "teeth": st.sampled_from(["", "3"]),
        "outcome": st.sampled_from(["", "1", "a", "A", "One"]),
        "likes___1": st.sampled_from(["", "1", "2"]),
        "day": st.sampled_from(["", "x"]),
        "exam_complete": st.sampled_from(["", "2", "3"]),
        "call_complete": st.sampled_from(["", "1", "x"]),
    },
)


@RUNS
@given(told=st.lists(ROWS, min_size=1, max_size=12))
def test_any_row_that_redcap_refuses_the_gate_stops_and_the_reverse(both: Both, told: list[Row]) -> None:
    rows = [{"record_id": f"r{number}", **row} for number, row in enumerate(told)]

    refused, stopped = both.refused(rows), both.stopped(rows)

    for row in rows:
        checks = stopped.get(row["record_id"], set())
        assert row["record_id"] not in refused or checks, row
        refusing = {check for check in checks if CATALOGUE[check].redcap == REFUSES} - TAKEN
        assert not refusing or row["record_id"] in refused, (row, refusing)
