"""Limits on a whole plan: repeats, gaps, caps and the budget; and places that repeat."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from time import process_time
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capstan.contact.list import plan_messages
from capstan.message import History, write_time
from tests.unit.message_cases import (
    FILES,
    LAYOUT,
    NOW,
    SIX,
    SMS,
    export_of,
    person,
    planned,
    rules_of,
    study_with,
    told,
)
from tests.unit.visit_cases import follow_up

SEVERAL = [{**SIX, "id": f"six{number}", "template": f"t{number}.txt.j2"} for number in range(5)]
TEXTS = {f"t{number}.txt.j2": f"Text {number} for {{{{ name }}}}" for number in range(5)}


def people(count: int) -> list[dict[str, str]]:
    return [
        person(str(number), phone=f"(206) 555-{100 + number:04}", name=f"N{number}")
        for number in range(count)
    ]


def limited(**limits: Any) -> dict[str, Any]:
    return {"limits": limits}


def test_the_same_text_goes_to_one_address_once() -> None:
    sharing = [person("1"), person("2"), person("3", name="Bob")]

    assert rules_of(study_with(), *sharing) == ["", "duplicate_address", ""]


def test_two_messages_to_a_participant_are_apart() -> None:
    study = study_with(*SEVERAL[:3], **limited(minutes_between=30))

    times = planned(study, files=TEXTS)["not_before"]

    assert list(times) == ["2026-07-01T19:00:00Z", "2026-07-01T19:30:00Z", "2026-07-01T20:00:00Z"]


def test_the_gap_counts_from_the_last_message_before_and_for_a_shared_phone() -> None:
    history = told(
        {"message": "hello", "record": "7", "at": "2026-07-01T18:50:00Z"},
        {"message": "hello", "record": "1", "at": "2026-07-01T18:45:00Z", "state": "cancelled"},
    )

    (row,) = planned(study_with(), history=history).to_dict("records")

    assert row["not_before"] == "2026-07-01T19:20:00Z"


def test_a_gap_that_ends_after_the_hours_waits_for_the_morning_or_is_too_late() -> None:
    evening = NOW + timedelta(hours=7, minutes=45)  # 19:45 in Los Angeles
    patient, hasty = (
        [{**each, "expires": expires} for each in SEVERAL[:2]] for expires in ("1 day", "1 hour")
    )

    waits = planned(study_with(*patient), now=evening, files=TEXTS)
    lost = planned(study_with(*hasty), now=evening, files=TEXTS)

    assert list(waits["not_before"]) == ["2026-07-02T02:45:00Z", "2026-07-02T16:00:00Z"]
    assert list(lost["rule"]) == ["", "closed_hours"]


def test_a_participant_gets_no_more_than_the_days_and_the_weeks_number() -> None:
    daily = study_with(*SEVERAL, **limited(participant_per_day=3))
    weekly = study_with(*SEVERAL, **limited(participant_per_day=9, participant_per_week=4))
    yesterday = told({"message": "hello", "at": "2026-06-30T19:00:01Z"})
    long_ago = told({"message": "hello", "at": "2026-06-24T18:59:59Z"})

    assert rules_of(daily, files=TEXTS) == ["", "", "", "cap_day_participant", "cap_day_participant"]
    assert rules_of(daily, files=TEXTS, history=yesterday).count("") == 2
    assert rules_of(weekly, files=TEXTS, history=yesterday).count("cap_week_participant") == 2
    assert rules_of(weekly, files=TEXTS, history=long_ago).count("cap_week_participant") == 1


def test_the_owner_of_a_shared_phone_gets_no_more_than_one_participant() -> None:
    sharing = [person(str(number), name=f"N{number}") for number in range(5)]

    assert rules_of(study_with(**limited(participant_per_day=2)), *sharing).count("") == 2


def test_a_run_and_a_day_have_their_numbers() -> None:
    today = told(
        *(
            {"record": str(100 + n), "address": f"+1206555{n:04}", "at": "2026-07-01T08:00:00Z"}
            for n in range(3)
        )
    )
    yesterday = told({"record": "100", "at": "2026-07-01T06:59:59Z"})

    assert rules_of(study_with(**limited(per_run=2)), *people(4)) == ["", "", "cap_run", "cap_run"]
    assert rules_of(study_with(**limited(per_day=4)), *people(4), history=today) == [
        "",
        "cap_day",
        "cap_day",
        "cap_day",
    ]
    assert rules_of(study_with(**limited(per_day=4)), *people(4), history=yesterday) == [""] * 4
    assert rules_of(study_with(**limited(per_run=0)), *people(1)) == ["cap_run"]


def test_who_is_removed_anyway_takes_nobodys_place() -> None:
    four = people(4)
    four[0]["ok"] = "0"

    assert rules_of(study_with(**limited(per_run=2)), *four) == ["no_consent", "", "", "cap_run"]


@pytest.mark.parametrize("state", ["suppressed", "cancelled", "expired"])
def test_what_nobody_got_counts_against_no_limit(state: str) -> None:
    policy = limited(participant_per_day=1, participant_per_week=1, per_day=1)
    history = told({"message": "hello", "at": "2026-07-01T18:59:00Z", "state": state})

    (row,) = planned(study_with(**policy), history=history).to_dict("records")

    assert (row["rule"], row["not_before"]) == ("", "2026-07-01T19:00:00Z")


def test_the_budget_is_one_of_segments_in_a_month_of_the_study() -> None:
    policy = {"sms": {**SMS, "price_per_segment": 0.5}, **limited(budget_per_month=3)}
    this_month = told({"record": "100", "at": "2026-07-01T07:00:00Z", "segments": "4"})
    last_month = told({"record": "100", "at": "2026-07-01T06:59:59Z", "segments": "4"})
    days_later = {"now": NOW + timedelta(days=10)}
    study = study_with({**SIX, "visit": {"name": "6 month", "status": ["due", "overdue"]}}, **policy)

    assert rules_of(study, *people(4), history=this_month, **days_later) == ["", "", "budget", "budget"]
    assert rules_of(study, *people(4), history=last_month, **days_later) == [""] * 4


def test_each_instance_of_a_repeating_event_is_an_occasion() -> None:
    layout = replace(LAYOUT, repeating=frozenset({("6_month_arm_2", "")}))
    study = study_with(
        {**SIX, "visit": None, "event": "6_month", "when": "[exam_date] <> ''", "template": "d.txt.j2"}
    )
    visits = [
        follow_up("1", "6_month_arm_2", redcap_repeat_instance=instance, exam_date=day)
        for instance, day in (("1", "2026-07-01"), ("2", ""), ("3", "2026-07-03"))
    ]

    stray = follow_up(
        "1",
        "6_month_arm_2",
        redcap_repeat_instrument="exam",
        redcap_repeat_instance="9",
        exam_date="2026-07-09",
    )

    plan = plan_messages(
        study,
        export_of(person(), *visits, stray),
        layout=layout,
        now=NOW,
        history=History.empty(),
        templates={"d.txt.j2": "{{ exam_date }}"},
    )

    assert plan[["instance", "occasion", "text"]].to_numpy().tolist() == [
        ["1", "6_month_arm_2 1", "2026-07-01"],
        ["3", "6_month_arm_2 3", "2026-07-03"],
    ]


def test_in_a_classic_project_there_are_no_events() -> None:
    layout = replace(LAYOUT, events=(), designated=frozenset(), repeating=frozenset())
    study = study_with(
        {**SIX, "visit": None, "when": "[name] <> ''", "to": "[phone]", "consent": "[ok] = '1'"}
    )
    study = study.model_copy(update={"visits": (), "arms": type(study.arms)()})
    row = {**person(), "redcap_event_name": ""}

    plan = plan_messages(
        study, export_of(row), layout=layout, now=NOW, history=History.empty(), templates=FILES
    )

    assert plan[["event", "occasion", "text", "rule"]].to_numpy().tolist() == [
        ["", "once", "Dear Ann, your visit is due.", ""]
    ]


STATES = st.sampled_from(["planned", "accepted", "delivered", "failed", "unknown", "suppressed", "cancelled"])
EARLIER = st.builds(
    lambda number, hours, state: {
        "record": str(number),
        "address": f"+1206555{100 + number:04}",
        "message": "hello",
        "at": write_time(NOW - timedelta(hours=hours)),
        "state": state,
    },
    st.integers(0, 5),
    st.integers(0, 200),
    STATES,
)


@settings(max_examples=8, deadline=None)
@given(
    earlier=st.lists(EARLIER, max_size=12),
    phones=st.lists(st.integers(0, 3), min_size=6, max_size=6),
    day=st.integers(1, 4),
    week=st.integers(1, 6),
    run=st.integers(0, 20),
)
def test_no_plan_is_above_a_limit(
    earlier: list[dict[str, str]], phones: list[int], day: int, week: int, run: int
) -> None:
    caps = {"participant_per_day": day, "participant_per_week": week, "per_run": run, "minutes_between": 0}
    study = study_with(*SEVERAL[:3], limits=caps)
    rows = [
        person(str(number), phone=f"(206) 555-{100 + phone:04}", name=f"N{number}")
        for number, phone in enumerate(phones)
    ]
    history = told(*earlier)

    plan = planned(study, *rows, history=history, files=TEXTS)
    sent = plan[plan["rule"] == ""]

    assert len(sent) <= run
    for whose in ("record", "address"):
        for hours, most in ((24, day), (168, week)):
            for name, count in sent[whose].value_counts().items():
                assert count + counted(history, whose, str(name), since=NOW - timedelta(hours=hours)) <= most


def counted(history: History, whose: str, name: str, *, since: datetime) -> int:
    return sum(
        row[whose] == name
        and row["state"] not in ("suppressed", "cancelled", "expired")
        and row["at"] >= write_time(since)
        for row in history.messages.to_dict("records")
    )


@settings(max_examples=5, deadline=None)
@given(phones=st.lists(st.integers(0, 2), min_size=4, max_size=4), gap=st.integers(1, 90))
def test_all_messages_to_a_person_are_a_gap_apart(phones: list[int], gap: int) -> None:
    study = study_with(*SEVERAL[:2], limits={"minutes_between": gap, "participant_per_day": 9})
    rows = [
        person(str(number), phone=f"(206) 555-{100 + phone:04}", name=f"N{number}")
        for number, phone in enumerate(phones)
    ]

    plan = planned(study, *rows, files=TEXTS)

    for whose in ("record", "address"):
        for _, mine in plan.groupby(whose):
            times = pd.to_datetime(mine["not_before"]).sort_values()
            assert (times.diff().dropna() >= pd.Timedelta(minutes=gap)).all()


@pytest.mark.parametrize("count", [10_000])
def test_ten_thousand_participants_are_planned_in_seconds(count: int) -> None:
    codes = (206, 212, 312, 415, 907)
    rows = [
        person(
            str(n),
            phone=f"({codes[n % 5]}) {200 + n // 10_000}-{n % 10_000:04}",
            mail=f"p{n}@example.org",
            name=f"N{n}",
        )
        for n in range(count)
    ]
    frame = export_of(*rows)
    study = study_with(limits={"per_run": count, "per_day": count})

    began = process_time()
    plan = plan_messages(study, frame, layout=LAYOUT, now=NOW, history=History.empty(), templates=FILES)

    assert process_time() - began < 15
    assert (plan["rule"] == "").all()
    assert len(plan) == count
