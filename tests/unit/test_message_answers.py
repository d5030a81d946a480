"""Replies: who has the phone, what is answered and when, what staff are told, and where it is written."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from capstan.inbound_log import Written, plan_inbound
from capstan.message import is_answer, read_time
from capstan.notice import Cause, Happening
from capstan.phone_owners import phone_owners
from capstan.replies import Meaning, Reply, interpret
from capstan.replies.answers import NAMES, answer_to, may_repeat, plan_answer
from capstan.replies.news import reply_news, urgent_news
from capstan.study.messages import Inbound
from tests.unit.message_cases import LAYOUT, NOW, SIX, export_of, person, study_with

INBOUND = Inbound.model_validate(
    {
        "keywords": [{"words": ["RIDE"], "reply": "ride.txt.j2", "notify": True}],
        "replies": {"help": "help.txt.j2", "distress": "distress.txt.j2", "unknown": "thanks.txt.j2"},
    }
)
FILES = {"help.txt.j2": "{{ study }}: call us.", "ride.txt.j2": "A driver calls.", "thanks.txt.j2": "Thanks."}
NIGHT = datetime(2026, 7, 2, 8, 0, tzinfo=UTC)
SEATTLE = "+12065550100"


def answered(text: str, *, is_participant: bool = True) -> str:
    found = answer_to(interpret(text, INBOUND), INBOUND, is_participant=is_participant)
    return found.template if found else ""


@pytest.mark.parametrize(
    ("text", "to_participants", "to_strangers"),
    [
        ("HELP", "help.txt.j2", "help.txt.j2"),
        ("I want to die", "distress.txt.j2", "distress.txt.j2"),
        ("ride", "ride.txt.j2", ""),
        ("When shall we come?", "thanks.txt.j2", ""),
        ("STOP", "", ""),
        ("please stop texting me", "", ""),
        ("wrong number", "", ""),
        ("START", "", ""),
        ("I am driving", "", ""),
    ],
)
def test_every_meaning_has_its_answer_and_strangers_hear_of_help_only(
    text: str, to_participants: str, to_strangers: str
) -> None:
    assert answered(text) == to_participants
    assert answered(text, is_participant=False) == to_strangers


def test_a_study_without_a_template_answers_nothing() -> None:
    reply = interpret("HELP", Inbound())

    assert answer_to(reply, Inbound(), is_participant=True) is None


@pytest.mark.parametrize(
    ("text", "hours", "allowed"),
    [("ride", (1,), True), ("ride", (1, 2), False), ("ride", (1, 25), True), ("I want to die", (1,), False)],
)
def test_the_same_answer_is_given_twice_a_day_and_that_to_distress_once(
    text: str, hours: tuple[int, ...], allowed: bool
) -> None:
    answer = answer_to(interpret(text, INBOUND), INBOUND, is_participant=True)
    assert answer is not None

    assert may_repeat(answer, [NOW - timedelta(hours=hour) for hour in hours], now=NOW) is allowed


def plan(text: str, *, now: datetime = NOW, **policy: Any) -> dict[str, str]:
    answer = answer_to(interpret(text, INBOUND), INBOUND, is_participant=True)
    assert answer is not None
    known = {"sid": "SM1", "address": SEATTLE, "record": "1"}
    planned = plan_answer(answer, study_with(**policy), **known, templates=FILES, now=now)
    return {str(name): str(value) for name, value in planned.iloc[0].items()}


def test_an_answer_is_planned_for_now_and_named_by_its_reply() -> None:
    row = plan("ride")

    assert is_answer(row["message"])
    assert row["message"] in NAMES
    assert (row["occasion"], row["address"], row["record"], row["rule"]) == ("SM1", SEATTLE, "1", "")
    assert (row["text"], row["segments"]) == ("A driver calls.", "1")
    assert read_time(row["not_before"]) == NOW
    assert read_time(row["not_after"]) == NOW + timedelta(hours=12)


def test_at_night_an_answer_waits_for_the_morning_where_the_phone_is_but_not_one_to_help() -> None:
    keyword, help_ = plan("ride", now=NIGHT), plan("HELP", now=NIGHT)

    assert read_time(keyword["not_before"]) == datetime(2026, 7, 2, 16, 0, tzinfo=UTC)
    assert keyword["zones"] == "America/Los_Angeles"
    assert read_time(help_["not_before"]) == NIGHT
    assert help_["zones"] == ""


def test_an_answer_that_could_not_go_out_in_half_a_day_is_removed() -> None:
    assert plan("ride", hours={"opens": "23:00", "closes": "23:30"}, now=NIGHT)["rule"] == "closed_hours"


def test_until_a_study_is_live_only_test_phones_are_answered() -> None:
    assert plan("ride", live=False)["rule"] == "not_live"
    assert plan("ride", live=False, test_addresses=["206 555 0100"])["rule"] == ""


def test_phones_have_the_owners_that_messages_would_go_to_in_whatever_way_they_are_typed() -> None:
    rows = [
        person("1"),
        person("2", phone="206.555.0100"),
        person("3", phone="1 206 555 0177"),
        person("4", phone="none"),
    ]

    owners = phone_owners(study_with(), export_of(*rows), layout=LAYOUT, now=NOW)

    assert owners == {SEATTLE: frozenset({"1", "2"}), "+12065550177": frozenset({"3"})}


def test_a_study_that_mails_only_knows_nobody_by_phone() -> None:
    study = study_with(SIX | {"channel": "email", "to": "[baseline_arm_1][mail]", "subject": "x"})

    assert phone_owners(study, export_of(person("1")), layout=LAYOUT, now=NOW) == {}


def news(text: str, *records: str) -> list[Happening]:
    return list(reply_news(interpret(text, INBOUND), records=records, at=NOW))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("When?", "must read"),
        ("please stop texting me", "wish to stop"),
        ("wrong number", "wrong number"),
        ("STOP", "no more texts"),
        ("START", "texts again"),
        ("ride", "wrote RIDE"),
    ],
)
def test_staff_are_told_what_a_person_must_know_without_a_word_of_it(text: str, said: str) -> None:
    (told,) = news(text, "7")

    assert (told.cause, told.record) == (Cause.QUESTION, "7")
    assert said in told.text
    assert "7" not in told.text


@pytest.mark.parametrize("text", ["HELP", "I am driving"])
def test_of_what_needs_nobody_staff_are_not_told(text: str) -> None:
    assert news(text, "7") == []


def test_phones_of_nobody_and_of_several_are_told_too() -> None:
    assert "no participant has" in news("HELP")[0].text
    assert "several participants" in news("HELP", "7", "8")[0].text


def test_only_distress_is_urgent() -> None:
    urgent = list(urgent_news(Reply((Meaning.DISTRESS, Meaning.STOP)), sid="SM1", records=["7"], at=NOW))

    assert [(one.cause, one.record) for one in urgent] == [(Cause.DISTRESS, "7")]
    assert "capstan replies show SM1 --values" in urgent[0].text
    assert list(urgent_news(Reply((Meaning.STOP,)), sid="SM1", records=[], at=NOW)) == []


FIELDS = {"sender": "phone", "text": "name", "received_at": "gone", "sid": "zone"}
REPEATING = replace(LAYOUT, repeating=frozenset({("baseline_arm_1", "info")}))
REPLY = Written("SM1", NOW, "1", SEATTLE, "Hello")


def written(
    *replies: Written, rows: Any = (), layout: Any = REPEATING, **fields: str
) -> list[tuple[str, ...]]:
    inbound = {"event": "baseline_arm_1", "instrument": "info", "fields": fields or FIELDS}
    study = study_with().model_copy(update={"inbound": Inbound.model_validate(inbound)})
    events = {"1": "baseline_arm_1", "2": "baseline_arm_1", "3": ""}
    frame = plan_inbound(study, replies, present=export_of(*rows), layout=layout, events=events)
    return list(frame.itertuples(index=False, name=None))


def instance(number: int, **values: str) -> dict[str, str]:
    keys = {"redcap_repeat_instrument": "info", "redcap_repeat_instance": str(number)}
    return person("1") | dict.fromkeys(FIELDS.values(), "") | keys | values


def test_a_reply_gets_the_next_instance_with_the_time_of_the_study() -> None:
    (row,) = written(REPLY, rows=[instance(1, zone="SM0"), instance(4, zone="SMx")])

    assert row == ("1", "baseline_arm_1", "info", "5", SEATTLE, "Hello", "2026-07-01 12:00:00", "SM1")


def test_replies_of_one_run_get_instances_of_their_own() -> None:
    rows = written(REPLY, replace(REPLY, sid="SM2"), replace(REPLY, sid="SM3", record="2"))

    assert [row[0] + row[3] for row in rows] == ["11", "12", "21"]


def test_a_reply_that_is_there_keeps_its_instance() -> None:
    (row,) = written(REPLY, rows=[instance(1), instance(2, zone="SM1")])

    assert row[3] == "2"


def test_without_a_field_for_the_sid_time_and_sender_tell_replies_apart() -> None:
    fields = {name: field for name, field in FIELDS.items() if name != "sid"}
    there = instance(2, gone="2026-07-01 12:00:00", phone=SEATTLE)

    (same,), (other,) = (
        written(REPLY, rows=[there], **fields),
        written(replace(REPLY, received_at=NOW + timedelta(seconds=1)), rows=[there], **fields),
    )

    assert (same[3], other[3]) == ("2", "3")


def test_without_anything_that_tells_them_apart_every_reply_is_new() -> None:
    (row,) = written(REPLY, rows=[instance(2, name="Hello")], text="name")

    assert row[3:] == ("3", "Hello")


def test_where_the_event_repeats_the_instance_is_the_events() -> None:
    layout = replace(LAYOUT, repeating=frozenset({("baseline_arm_1", "")}))

    (row,) = written(REPLY, layout=layout)

    assert row[:4] == ("1", "baseline_arm_1", "", "1")


def test_a_participant_without_the_event_is_left_out() -> None:
    assert written(replace(REPLY, record="3")) == []


def test_a_field_for_phones_gets_the_number_as_people_of_its_country_write_it() -> None:
    layout = replace(REPEATING, validation={**REPEATING.validation, "phone": "phone"})

    rows = written(REPLY, replace(REPLY, sid="SM2", sender="78787"), layout=layout)

    assert [row[4] for row in rows] == ["(206) 555-0100", "78787"]
