"""Who gets which message, and which rule removes whom."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from capstan.contact.list import LINK_COLUMNS, missing_links
from capstan.errors import LogicError, StudyError
from capstan.message import PLANNED_COLUMNS, RULES, MessageState, explain_rule, message_key, read_time
from capstan.variables import variable_logic
from capstan.wording import Template
from tests.unit.message_cases import (
    FILES,
    LAYOUT,
    MAIL,
    NOW,
    SIX,
    person,
    planned,
    rules_of,
    study_with,
    told,
)
from tests.unit.visit_cases import follow_up

ONCE = {**SIX, "id": "hello", "visit": None, "event": "baseline_arm_1", "when": "[name] <> ''"}


def test_a_due_visit_gives_one_message_with_everything_that_the_outbox_needs() -> None:
    (row,) = planned(study_with()).to_dict("records")

    assert row == {
        "message": "six",
        "record": "1",
        "event": "6_month_arm_2",
        "instance": "",
        "occasion": "6 month",
        "channel": "sms",
        "address": "+12065550100",
        "language": "en",
        "subject": "",
        "text": "Dear Ann, your visit is due.",
        "html": "",
        "segments": "1",
        "zones": "America/Los_Angeles",
        "not_before": "2026-07-01T19:00:00Z",
        "not_after": "2026-07-04T19:00:00Z",
        "rule": "",
    }


def test_an_empty_project_and_a_study_without_messages_have_an_empty_plan() -> None:
    nobody = planned(study_with(), person()).iloc[:0]
    nothing = planned(study_with().model_copy(update={"messages": ()}))

    assert list(nobody.columns) == list(nothing.columns) == list(PLANNED_COLUMNS)
    assert nothing.empty


def test_who_has_no_occasion_is_not_in_the_plan() -> None:
    later = person("2", rand_date="2026-06-30")
    unassigned = person("3", color="")

    plan = planned(study_with(), person(), later, unassigned)

    assert list(plan["record"]) == ["1"]


def test_when_narrows_the_occasions_of_a_visit() -> None:
    study = study_with({**SIX, "when": "[exam_date] = ''"})
    seen = follow_up("2", "6_month_arm_2", exam_date="2026-06-30")

    plan = planned(study, person(), person("2"), seen)

    assert list(plan["record"]) == ["1"]


CASES = [
    ({"ok": "0"}, {}, "no_consent"),
    ({"ok": ""}, {}, "no_consent"),
    ({"gone": "1"}, {}, "stopped:withdrawn"),
    ({"pause": "2026-07-02"}, {}, "paused"),
    ({"pause": "2026-07-01"}, {}, ""),
    ({"phone": ""}, {}, "no_address"),
    ({"phone": "  "}, {}, "no_address"),
    ({"phone": "206-555-O100"}, {}, "bad_address"),
    ({"phone": "5550100"}, {}, "bad_address"),
    ({"phone": "(206) 555-0100 ext 4"}, {}, "bad_address"),
    ({"name": ""}, {}, "blank_variable"),
    ({}, {"live": False}, "not_live"),
    ({}, {"live": False, "test_addresses": ["206 555 0100"]}, ""),
    ({"lang": "fr"}, {}, "no_wording"),
    ({"name": "Ann" * 600}, {}, "too_long"),
]


@pytest.mark.parametrize(("values", "policy", "rule"), CASES)
def test_each_rule_about_a_participant_removes_the_message(
    values: dict[str, str], policy: dict[str, object], rule: str
) -> None:
    study = study_with(
        {**SIX, "language": "[baseline_arm_1][lang]"},
        stop_when=[{"rule": "[baseline_arm_1][gone] = '1'", "reason": "withdrawn"}],
        paused_until="[baseline_arm_1][pause]",
        **policy,
    )

    assert rules_of(study, person(**values)) == [rule]


@pytest.mark.parametrize("reason", ["opted_out", "asked_to_stop", "bad_address", "blocked"])
def test_a_blocked_address_gets_nothing(reason: str) -> None:
    history = told(blocks=({"reason": reason},))

    assert rules_of(study_with(), history=history) == [reason]


def test_a_block_for_another_channel_or_another_address_stops_nobody() -> None:
    history = told(blocks=({"channel": "email"}, {"address": "+12065550101"}))

    assert rules_of(study_with(), history=history) == [""]


def test_of_several_blocks_the_wish_to_stop_is_named_and_an_unknown_reason_is_just_a_block() -> None:
    several = told(blocks=({"reason": "bad_address"}, {"reason": "opted_out"}))
    unknown = told(blocks=({"reason": "moon"},))

    assert rules_of(study_with(), history=several) == ["opted_out"]
    assert rules_of(study_with(), history=unknown) == ["blocked"]


@pytest.mark.parametrize("state", [state for state in MessageState if state is not MessageState.SUPPRESSED])
def test_a_message_that_was_ever_queued_is_not_queued_again(state: MessageState) -> None:
    assert rules_of(study_with(), history=told({"state": state})) == ["already"]


def test_a_suppressed_message_is_planned_anew() -> None:
    assert rules_of(study_with(), history=told({"state": MessageState.SUPPRESSED})) == [""]


def test_another_occasion_another_record_and_another_message_do_not_count() -> None:
    at = {"at": "2026-06-01T19:00:00Z"}
    history = told({"occasion": "12 month", **at}, {"record": "2", **at}, {"message": "hello", **at})

    assert rules_of(study_with(), history=history) == [""]


REMINDER = {**SIX, "limits": {"every": "7 days", "per_participant": 3}}


@pytest.mark.parametrize(
    ("before", "occasion", "rule"),
    [
        ([], "6 month", ""),
        (["2026-06-25T19:00:00Z"], "6 month #2", "too_soon"),
        (["2026-06-24T19:00:00Z"], "6 month #2", ""),
        (["2026-06-10T19:00:00Z", "2026-06-20T19:00:00Z"], "6 month #3", ""),
        (
            ["2026-06-01T19:00:00Z", "2026-06-10T19:00:00Z", "2026-06-20T19:00:00Z"],
            "6 month #4",
            "cap_message",
        ),
    ],
)
def test_a_reminder_is_repeated_after_its_time_and_not_more_often_than_it_may(
    before: list[str], occasion: str, rule: str
) -> None:
    names = ["6 month", "6 month #2", "6 month #3"]
    history = told(*({"at": at, "occasion": name} for at, name in zip(before, names, strict=False)))

    plan = planned(study_with(REMINDER), history=history)

    assert plan[["occasion", "rule"]].to_numpy().tolist() == [[occasion, rule]]


def test_a_cancelled_reminder_keeps_its_number_and_counts_against_no_limit() -> None:
    at = "2026-06-01T19:00:00Z"
    history = told(
        {"at": at, "state": "cancelled"},
        {"at": at, "occasion": "6 month #2"},
        {"at": at, "occasion": "6 month #3", "state": "expired"},
    )

    plan = planned(study_with(REMINDER), history=history)

    assert plan[["occasion", "rule"]].to_numpy().tolist() == [["6 month #4", ""]]


def test_the_study_may_name_the_occasion_and_a_blank_name_is_the_visit() -> None:
    study = study_with({**SIX, "occasion": "[baseline_arm_1][pause]"})

    plan = planned(study, person(pause="2026-07-09"), person("2", phone="206 555 0102"))

    assert list(plan["occasion"]) == ["2026-07-09", "6 month"]


def test_a_message_of_an_event_is_judged_on_it_with_and_without_data() -> None:
    study = study_with({**ONCE, "event": "6_month", "when": "[exam_date] = ''"})
    seen = follow_up("2", "6_month_arm_2", exam_date="2026-06-30")

    plan = planned(study, person(), person("2"), seen, person("3", color="3"))

    assert plan[["record", "event", "occasion"]].to_numpy().tolist() == [
        ["1", "6_month_arm_2", "6_month_arm_2"],
        ["3", "6_month_arm_3", "6_month_arm_3"],
    ]


def test_a_message_to_the_participant_as_a_whole_is_sent_once() -> None:
    study = study_with({**ONCE, "event": "", "when": "[baseline_arm_1][name] <> ''"})
    visit = follow_up("1", "6_month_arm_2", exam_date="2026-06-30")

    plan = planned(study, person(), visit)

    assert plan[["event", "instance", "occasion", "rule"]].to_numpy().tolist() == [["", "", "once", ""]]


def test_the_address_is_in_one_form_and_one_that_is_none_stays_as_it_was_typed() -> None:
    plan = planned(study_with(), person(phone="206.555.0100"), person("2", phone="n/a"))

    assert list(plan["address"]) == ["+12065550100", "n/a"]


FALL_BACK = (SIX | {"fallback": "mail"}, MAIL)


@pytest.mark.parametrize("phone", ["", "n/a"])
def test_an_email_stands_in_for_a_phone_that_cannot_be_texted(phone: str) -> None:
    plan = planned(study_with(*FALL_BACK), person(phone=phone))

    assert list(plan["message"]) == ["six", "mail"]
    assert plan["rule"].iloc[0] in ("no_address", "bad_address")
    assert plan.iloc[1][["occasion", "address", "subject", "rule"]].tolist() == [
        "6 month",
        "ann@example.org",
        "Your visit",
        "",
    ]


def test_a_phone_that_failed_for_good_is_replaced_by_email_too() -> None:
    history = told({"state": "failed"}, blocks=({"reason": "bad_address"},))

    assert rules_of(study_with(*FALL_BACK), history=history) == ["bad_address", ""]


@pytest.mark.parametrize("state", ["delivered", "accepted", "unknown", "review", "cancelled"])
def test_nobody_gets_an_email_for_a_text_that_may_have_arrived(state: str) -> None:
    history = told({"state": state}, blocks=({"reason": "bad_address"},))

    assert rules_of(study_with(*FALL_BACK), history=history) == ["bad_address"]


@pytest.mark.parametrize("reason", ["opted_out", "asked_to_stop"])
def test_who_opted_out_of_texts_is_not_written_to_instead(reason: str) -> None:
    assert rules_of(study_with(*FALL_BACK), history=told(blocks=({"reason": reason},))) == [reason]


def test_the_fallback_needs_its_own_consent() -> None:
    study = study_with(FALL_BACK[0], MAIL | {"consent": "[baseline_arm_1][pause] <> ''"})

    assert rules_of(study, person(phone="")) == ["no_address", "no_consent"]


def test_a_language_without_text_is_the_default_and_a_variant_is_used_where_there_is_one() -> None:
    study = study_with({**SIX, "language": "if([baseline_arm_1][lang] = '2', 'ES', '')"})

    plan = planned(study, person(), person("2", lang="2", phone="206 555 0102"))

    assert plan[["language", "text"]].to_numpy().tolist() == [
        ["en", "Dear Ann, your visit is due."],
        ["es", "Hola Ann, su visita."],
    ]


def test_only_approved_wordings_are_sent() -> None:
    english = Template("en", "", FILES["six.txt.j2"], "").version
    study = study_with(
        {**SIX, "approved": [english], "language": "if([baseline_arm_1][lang] = '2', 'es', '')"}
    )

    assert rules_of(study, person(), person("2", lang="2", phone="206 555 0102")) == ["", "not_approved"]
    assert rules_of(study, files={**FILES, "six.txt.j2": "Dear {{ name }}!"}) == ["not_approved"]


def test_the_time_zone_is_the_participants_field_then_the_area_code_then_the_study() -> None:
    study = study_with(hours={"zone": "[baseline_arm_1][zone]"})
    people = [
        person("1", zone="America/New_York"),
        person("2", zone="Mars/Olympus", phone="(907) 555-0101"),
        person("3", phone="(808) 555-0102"),
        person("4", phone="+1 500 555 0006"),
    ]

    zones = planned(study, *people)["zones"]

    assert list(zones) == [
        "America/New_York",
        "America/Adak America/Anchorage",
        "Pacific/Honolulu",
        "America/Los_Angeles",
    ]


def test_what_is_planned_at_night_waits_for_the_morning_there() -> None:
    night = NOW.replace(hour=8)  # 01:00 in Los Angeles, 04:00 in New York

    times = planned(study_with(), person(), person("2", phone="(212) 555-0101"), now=night)["not_before"]

    assert list(times) == ["2026-07-01T16:00:00Z", "2026-07-01T13:00:00Z"]


def test_what_would_expire_before_the_hours_open_is_not_sent() -> None:
    evening = NOW.replace(day=2, hour=4)  # 21:00 in Los Angeles

    assert rules_of(study_with({**SIX, "expires": "11 hours"}), now=evening) == ["closed_hours"]
    assert rules_of(study_with({**SIX, "expires": "12 hours"}), now=evening) == [""]


LINKED = {**ONCE, "survey": "info", "template": "link.txt.j2"}
LINK_FILES = {"link.txt.j2": "Dear {{ name }}: {{ survey_link }}"}


def test_a_link_is_asked_for_last_and_put_in_when_it_is_there() -> None:
    study = study_with(LINKED)
    people = (person(), person("2", ok="0"))
    first = planned(study, *people, files=LINK_FILES)
    wanted = missing_links(study, first)

    second = planned(study, *people, files=LINK_FILES, links=wanted.assign(link="https://r.example.org/?s=1"))

    assert list(first["rule"]) == ["no_link", "no_consent"]
    assert wanted.to_numpy().tolist() == [["info", "1", "baseline_arm_1", "", ""]]
    assert list(second["rule"]) == ["", "no_consent"]
    assert second["text"].iloc[0] == "Dear Ann: https://r.example.org/?s=1"
    assert missing_links(study, second).empty


def test_the_link_of_the_survey_queue_belongs_to_the_participant() -> None:
    study = study_with({**LINKED, "survey": "", "queue_link": True})
    files = {"link.txt.j2": "{{ queue_link }}"}
    wanted = missing_links(study, planned(study, files=files))
    links = pd.DataFrame([["", "1", "", "", "https://r.example.org/?sq=1"]], columns=list(LINK_COLUMNS))

    plan = planned(study, files=files, links=links)

    assert wanted.to_numpy().tolist() == [["", "1", "", "", ""]]
    assert list(plan["text"]) == ["https://r.example.org/?sq=1"]


def test_a_stand_in_for_a_link_is_never_sent() -> None:
    plan = planned(study_with(LINKED), files=LINK_FILES)

    assert list(plan["rule"]) == ["no_link"]


def test_a_variable_may_come_from_another_event_by_its_name_or_as_logic_and_choices_are_labels() -> None:
    study = study_with(
        {**SIX, "template": "a.txt.j2", "values": {"child": "concat([baseline_arm_1][name], '!')"}}
    )
    files = {
        "a.txt.j2": "{{ child }} {{ name }} {{ lang }} {{ due | date('%m/%d') }} {{ visit }} {{ study }} {{ today }}"
    }

    (text,) = planned(study, person(lang="2"), files=files)["text"]

    assert text == "Ann! Ann Spanish 07/05 6 month Trial 2026-07-01"


def test_a_field_is_read_here_only_if_it_is_on_every_event_that_the_message_may_have() -> None:
    (message,) = study_with().messages
    events = ("6_month_arm_2", "6_month_arm_3")
    half = replace(LAYOUT, designated=LAYOUT.designated - {("6_month_arm_3", "exam")})
    one = replace(LAYOUT, designated=frozenset({("6_month_arm_2", "exam")}))
    logic = {
        name: variable_logic("exam_date", message=message, events=events, layout=layout)
        for name, layout in (("both", LAYOUT), ("half", half), ("one", one))
    }

    assert logic == {"both": "[exam_date:label]", "half": "", "one": "[6_month_arm_2][exam_date:label]"}


def test_a_wording_with_an_unknown_variable_raises() -> None:
    with pytest.raises(StudyError, match="six names nmae, which is no field"):
        planned(study_with(), files={"six.txt.j2": "{{ nmae }}"})


def test_a_missing_template_raises_and_so_does_logic_about_an_unknown_field() -> None:
    with pytest.raises(StudyError, match=r"templates/six\.txt\.j2"):
        planned(study_with(), files={})
    with pytest.raises(LogicError, match="fone"):
        planned(study_with({**SIX, "to": "[baseline_arm_1][fone]"}))


def test_every_rule_has_words_and_that_of_a_study_speaks_for_itself() -> None:
    assert all(text and text[0].islower() and not text.endswith(".") for text in RULES.values())
    assert explain_rule("no_consent") == "the consent rule does not hold"
    assert explain_rule("stopped:withdrawn") == "withdrawn"


def test_times_read_back() -> None:
    (row,) = planned(study_with()).to_dict("records")

    assert read_time(row["not_before"]) == NOW


def test_a_key_differs_with_each_of_its_parts_and_with_nothing_else() -> None:
    parts = {"study": "a", "host": "h", "project_id": 1, "message": "m", "record": "r", "occasion": "o"}
    changes = [parts | {name: 2 if name == "project_id" else "x"} for name in parts]
    shifted = parts | {"message": "mr", "record": ""}

    keys = {message_key(**each) for each in [parts, dict(parts), shifted, *changes]}

    assert len(keys) == 1 + 1 + len(parts)


def test_a_day_has_24_hours_also_when_the_clock_is_changed() -> None:
    eve = NOW.replace(month=10, day=31)
    study = study_with({**ONCE, "expires": "1 day", "limits": {"every": "1 day"}})
    just_now, long_ago = (
        told({"message": "hello", "occasion": "baseline_arm_1", "at": at})
        for at in ("2026-10-31T19:00:01Z", "2026-10-31T19:00:00Z")
    )
    files = {**FILES, "six.txt.j2": "Hello"}

    (row,) = planned(study, now=eve, files=files).to_dict("records")
    next_day = eve.replace(month=11, day=1)

    assert row["not_after"] == "2026-11-01T19:00:00Z"
    assert rules_of(study, now=next_day, history=just_now, files=files) == ["too_soon"]
    assert rules_of(study, now=next_day, history=long_ago, files=files) == [""]


@pytest.mark.parametrize("pause", ["soon", "9999-12-31", "2026-02-30"])
def test_a_pause_whose_end_cannot_be_read_has_not_ended(pause: str) -> None:
    study = study_with(paused_until="[baseline_arm_1][pause]")

    assert rules_of(study, person(pause=pause)) == ["paused"]


def test_one_occasion_is_planned_once_however_many_places_have_it() -> None:
    both = (
        FALL_BACK[0] | {"occasion": "'visit'"},
        MAIL | {"occasion": "'visit'", "visit": {"name": "6 month"}},
    )
    study = study_with(*both)

    plan = planned(study, person(phone=""))

    assert plan[["message", "occasion", "rule"]].to_numpy().tolist() == [
        ["six", "visit", "no_address"],
        ["mail", "visit", ""],
        ["mail", "visit", "already"],
    ]


def test_participants_who_share_a_phone_each_get_their_own_link() -> None:
    study = study_with({**LINKED, "template": "same.txt.j2"})
    files = {"same.txt.j2": "Please answer: {{ survey_link }}"}
    people = (person("1"), person("2"))
    wanted = missing_links(study, planned(study, *people, files=files))

    plan = planned(
        study, *people, files=files, links=wanted.assign(link="https://r.example.org/" + wanted["record"])
    )

    assert list(wanted["record"]) == ["1", "2"]
    assert list(plan["rule"]) == ["", ""]


def test_a_language_may_be_written_in_any_case() -> None:
    study = study_with({**SIX, "language": "'pt-br'"}, language="en-US")

    plan = planned(study, files={"six.txt.j2": "Hi", "six.pt-BR.txt.j2": "Oi"})

    assert plan[["language", "text", "rule"]].to_numpy().tolist() == [["pt-br", "Oi", ""]]


def test_nothing_of_a_participant_is_in_the_words_of_the_objects() -> None:
    assert "555" not in repr(told({}))
