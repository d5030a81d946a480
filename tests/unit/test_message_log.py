"""The log of messages: which row each attempt gets, and what stands in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from capstan.contact.marks import Marked, MarkKind, mark_for, wanted_marks
from capstan.delivery import Channel
from capstan.log_entry import Entry, Trace
from capstan.logic import Layout
from capstan.message.log import NO_EVENT, TAKEN, LogPlan, Place, plan_log
from capstan.study import Study
from tests.unit.message_cases import LAYOUT, SIX, study_with

SENT = datetime(2026, 7, 1, 19, 0, 5, tzinfo=UTC)
EVENT = "6_month_arm_2"
FIELDS = {"number": "log_to", "sid": "log_sid", "status": "log_status", "error_code": "log_code"}
TIMES = {"sent_at": "log_at", "updated_at": "log_heard"}
LOG = {"instrument": "log", "fields": FIELDS | TIMES}
COLUMNS = ("record_id", "redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance")


def layout(*, repeating: tuple[str, str] | None = (EVENT, "log"), **parts: Any) -> Layout:
    names = (*FIELDS.values(), *TIMES.values(), "log_complete")
    return replace(
        LAYOUT,
        form_of={**LAYOUT.form_of, **dict.fromkeys(names, "log")},
        repeating=frozenset([repeating]) if repeating else frozenset(),
        **parts,
    )


def study(**log: Any) -> Study:
    return study_with({**SIX, "log": LOG | log})


def entry(name: str = "a", **parts: Any) -> Entry:
    sid = parts.pop("sid", f"SM-{name}")
    trace = Trace(sid, parts.pop("at", SENT))
    values: dict[str, Any] = {
        "attempt": name,
        "number": 1,
        "message": "six",
        "channel": Channel.SMS,
        "event": EVENT,
        "instance": "",
        "status": "sent",
        "code": 0,
        "heard_at": SENT + timedelta(minutes=1),
        "trace": trace,
        "traces": (trace,),
        "chosen": "",
        "is_confirmed": False,
        "record": "1",
        "address": "+12065550100",
        "text": "hello",
    }
    return Entry(**values | parts)


def held(*rows: tuple[str, str, str, dict[str, str]]) -> pd.DataFrame:
    """Rows of record 1: event, repeat instrument, instance, and values."""
    names = [*COLUMNS, *FIELDS.values(), *TIMES.values(), "log_complete"]
    lines = [{**dict(zip(COLUMNS, ("1", *row[:3]), strict=True)), **row[3]} for row in rows]
    return pd.DataFrame(lines, columns=names, dtype="str").fillna("")


def planned(*entries: Entry, present: pd.DataFrame | None = None, **parts: Any) -> LogPlan:
    events = parts.pop("events", {})
    log, repeating = parts.pop("log", {}), parts.pop("repeating", (EVENT, "log"))
    known = layout(repeating=repeating, **parts)
    return plan_log(
        study(**log), entries, present=held() if present is None else present, layout=known, events=events
    )


def test_each_attempt_gets_the_next_instance_that_nobody_has() -> None:
    present = held((EVENT, "log", "1", {"log_sid": "SM-old"}), (EVENT, "log", "4", {"log_sid": "SM-x"}))

    plan = planned(entry("a"), entry("b", number=2), present=present)

    assert plan.places == {"a": Place("1", EVENT, "log", "5"), "b": Place("1", EVENT, "log", "6")}
    assert not plan.refused


def test_an_attempt_keeps_the_instance_that_was_chosen_before_the_crash() -> None:
    plan = planned(entry("new", number=2), entry("a", chosen="1"))

    assert plan.places["a"].instance == "1"
    assert plan.places["new"].instance == "2"


def test_what_arrived_before_the_crash_is_known_again() -> None:
    present = held((EVENT, "log", "3", {"log_sid": "SM-a", "log_at": "2026-07-01 12:00:05"}))

    plan = planned(entry("a", chosen="3"), present=present)

    assert plan.places["a"].instance == "3"


def test_a_chosen_instance_that_somebody_else_used_is_given_up() -> None:
    present = held((EVENT, "log", "3", {"log_sid": "SM-of-a-person"}))

    plan = planned(entry("a", chosen="3"), present=present)

    assert plan.places["a"].instance == "4"


def test_a_confirmed_instance_is_updated_whatever_it_holds() -> None:
    present = held((EVENT, "log", "3", {"log_sid": "corrected by hand"}))

    plan = planned(entry("a", chosen="3", is_confirmed=True, status="delivered"), present=present)

    assert plan.rows[Place("1", EVENT, "log", "3")]["log_status"] == "delivered"


def test_a_repeating_event_gets_a_new_instance_of_the_event() -> None:
    plan = planned(entry("a"), present=held((EVENT, "", "2", {})), repeating=(EVENT, ""))

    assert plan.places["a"] == Place("1", EVENT, "", "3")


def test_fields_that_hold_an_earlier_message_are_refused_and_left_alone() -> None:
    present = held((EVENT, "", "", {"log_sid": "SM-earlier", "log_at": "2026-06-01 12:00:00"}))

    plan = planned(entry("a"), present=present, repeating=None, log={"new_instance": False})

    assert not plan.rows
    assert list(plan.refusals(TAKEN)["record"]) == ["1"]


def test_a_second_attempt_of_the_same_message_replaces_the_first_in_fields() -> None:
    first = Trace("SM-first", SENT - timedelta(hours=4))
    present = held((EVENT, "", "", {"log_sid": "SM-first", "log_at": "2026-07-01 08:00:05"}))
    again = entry("b", traces=(first, Trace("SM-b", SENT)))

    plan = planned(again, present=present, repeating=None, log={"new_instance": False})

    assert plan.rows[Place("1", EVENT)]["log_sid"] == "SM-b"


def test_two_messages_for_the_same_fields_are_not_both_written() -> None:
    plan = planned(entry("a"), entry("b", number=2), repeating=None, log={"new_instance": False})

    assert set(plan.places) == {"a"}
    assert len(plan.refusals(TAKEN)) == 1


def test_a_participant_without_the_event_is_refused() -> None:
    plan = planned(entry("a"), log={"event": "6_month"}, events={("1", "6_month"): ""})

    assert len(plan.refusals(NO_EVENT)) == 1


@pytest.mark.parametrize(
    ("validation", "text"),
    [
        ("", "2026-07-01 12:00:05"),
        ("datetime_seconds_mdy", "2026-07-01 12:00:05"),
        ("datetime_dmy", "2026-07-01 12:00"),
        ("date_mdy", "2026-07-01"),
    ],
)
def test_times_are_the_studys_own_and_as_long_as_the_field(validation: str, text: str) -> None:
    plan = planned(entry("a"), validation={"log_at": validation})

    assert plan.rows[plan.places["a"]]["log_at"] == text


@pytest.mark.parametrize(
    ("validation", "text"), [("phone", "(206) 555-0100"), ("", "+12065550100"), ("integer", "+12065550100")]
)
def test_a_number_is_written_as_its_field_wants_it(validation: str, text: str) -> None:
    plan = planned(entry("a"), validation={"log_to": validation})

    assert plan.rows[plan.places["a"]]["log_to"] == text


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("delivered", "4"),
        ("accepted", "2"),
        ("sending", "2"),
        ("sent", "2"),
        ("read", "4"),
        ("canceled", "9"),
    ],
)
def test_a_status_is_the_code_of_the_choice_that_comes_next_to_it(status: str, code: str) -> None:
    choices = {"log_status": {"2": "Queued", "4": "Delivered", "8": "Undelivered", "9": "Failed"}}

    plan = planned(entry("a", status=status), choices=choices)

    assert plan.rows[plan.places["a"]]["log_status"] == code


@pytest.mark.parametrize(
    ("status", "channel", "complete"),
    [
        ("sent", Channel.SMS, None),
        ("delivered", Channel.SMS, "2"),
        ("failed", Channel.SMS, "2"),
        ("sent", Channel.EMAIL, "2"),
    ],
)
def test_a_form_is_complete_once_nothing_more_can_happen(
    status: str, channel: Channel, complete: str | None
) -> None:
    plan = planned(entry("a", status=status, channel=channel))

    assert plan.rows[plan.places["a"]].get("log_complete") == complete


@pytest.mark.parametrize(("status", "code"), [("undelivered", "30003"), ("delivered", "")])
def test_a_code_is_written_only_of_what_failed(status: str, code: str) -> None:
    plan = planned(entry("a", status=status, code=30003))

    assert plan.rows[plan.places["a"]]["log_code"] == code


@pytest.mark.parametrize(
    ("channel", "code", "status", "kind"),
    [
        (Channel.SMS, 21610, "failed", MarkKind.OPTED_OUT),
        (Channel.SMS, 30005, "undelivered", MarkKind.BAD_NUMBER),
        (Channel.SMS, 30003, "undelivered", None),
        (Channel.SMS, 21610, "delivered", None),
        (Channel.EMAIL, 550, "failed", None),
    ],
)
def test_ends_of_texts_ask_for_marks(channel: Channel, code: int, status: str, kind: MarkKind | None) -> None:
    assert mark_for(channel, code=code, status=status) is kind


def test_marks_are_written_once_per_record_where_the_study_says() -> None:
    mark = {"event": "baseline_arm_1", "field": "ok", "value": "0"}
    marked = [
        Marked("1", MarkKind.OPTED_OUT),
        Marked("1", MarkKind.OPTED_OUT),
        Marked("2", MarkKind.BAD_NUMBER),
    ]
    events = {(record, "baseline_arm_1"): "baseline_arm_1" for record in "12"}

    frame = wanted_marks(study_with(mark={"opted_out": mark}), marked, layout=LAYOUT, events=events)

    assert frame[["record_id", "ok"]].to_numpy().tolist() == [["1", "0"]]
