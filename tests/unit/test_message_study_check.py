"""What a study file says of messages: read strictly, and compared with the project and the templates."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from capstan.errors import StudyError
from capstan.needs import message_fields
from capstan.study import Study
from capstan.study.check import check_study
from capstan.study.check_templates import advise_on_templates, check_templates
from tests.unit.demo_project import TEXT_LOG, demo_dictionary, demo_grid, demo_study

SMS = {"account": {"env": "A"}, "token": {"env": "T"}, "sender": "+12065550100"}
EMAIL = {"host": "smtp.example.org", "sender": "study@example.org"}
REMINDER = {
    "id": "six",
    "channel": "sms",
    "to": "[baseline_arm_1][part_mobile_number]",
    "consent": "[baseline_arm_1][part_text_ok] = '1'",
    "visit": {"name": "6 month", "status": ["due"]},
    "template": "six.txt.j2",
    "fallback": "letter",
    "log": TEXT_LOG,
}
LETTER = {
    "id": "letter",
    "channel": "email",
    "to": "[baseline_arm_1][part_email]",
    "consent": "[baseline_arm_1][part_consent_date] <> ''",
    "template": "six.txt.j2",
    "subject": "Your visit",
}
POLICY = {
    "sms": SMS,
    "email": EMAIL,
    "stop_when": [{"rule": "[baseline_arm_1][part_withdrawn] = '1'", "reason": "withdrawn"}],
}
FILES = {"six.txt.j2": "Dear {{ part_guardian_name }}, the visit is due on {{ due }}."}


def study_with(*messages: dict[str, Any], **parts: Any) -> Study:
    """The demo study with messages, and with changes to `messaging` (`policy`) and other parts."""
    policy = POLICY | parts.pop("policy", {})
    beside = ("partners", "monitors", "triggers")
    alone: dict[str, Any] = {"inbound": {}, "notify": {}, **{name: [] for name in beside}}
    return demo_study(messages=list(messages or (REMINDER, LETTER)), messaging=policy, **alone | parts)


def problems_of(study: Study) -> list[tuple[str, str]]:
    found = check_study(study, demo_dictionary(), grid=demo_grid())
    return [(problem.place, problem.text) for problem in found]


def test_messages_that_fit_the_project_have_no_problem() -> None:
    assert problems_of(study_with()) == []


REMINDERS: list[tuple[dict[str, Any], str, str]] = [
    ({"to": "[part_mobile_number]"}, "messages[0].to", "write [baseline_arm_1][part_mobile_number]"),
    ({"to": "[baseline_arm_1][part_mobile]"}, "messages[0].to", "There is no field 'part_mobile'"),
    ({"consent": "[baseline_arm_1][part_text_ok"}, "messages[0].consent", "[part_text_ok"),
    ({"when": "[exam_dat] = ''"}, "messages[0].when", "There is no field 'exam_dat'"),
    ({"language": "[lang]"}, "messages[0].language", "There is no field 'lang'"),
    ({"occasion": "[lang]"}, "messages[0].occasion", "There is no field 'lang'"),
    ({"values": {"child": "[kid]"}}, "messages[0].values.child", "There is no field 'kid'"),
    ({"visit": {"name": "6 months"}}, "messages[0].visit.name", "did you mean '6 month'"),
    ({"event": "6_month"}, "messages[0].event", "the visit has its own event"),
    ({"visit": None}, "messages[0].when", "it would never be sent"),
    ({"visit": None, "event": "7_month", "when": "1"}, "messages[0].event", "did you mean '6_month'"),
    ({"visit": None, "when": "[exam_date] = ''"}, "messages[0].when", "Say the event of exam_date"),
    ({"subject": "Hello"}, "messages[0]", "neither subject nor html"),
    ({"fallback": "leter"}, "messages[0].fallback", "did you mean 'letter'"),
    ({"fallback": "six"}, "messages[0].fallback", "there is no email message 'six'"),
    ({"survey": "exm"}, "messages[0].survey", "did you mean 'exam'"),
    ({"survey": "randomization"}, "messages[0].survey", "not designated for 6_month_arm_2"),
    ({"visit": None, "when": "1", "survey": "exam"}, "messages[0].survey", "give the message event or visit"),
    (
        {"log": TEXT_LOG | {"instrument": "sms_log"}},
        "messages[0].log.instrument",
        "did you mean 'sms_survey_log'",
    ),
    (
        {"log": TEXT_LOG | {"event": "baseline_arm_1"}},
        "messages[0].log.instrument",
        "not designated for baseline",
    ),
    (
        {"log": {"instrument": "exam"}},
        "messages[0].log.new_instance",
        "a second message would overwrite the first",
    ),
    (
        {"log": TEXT_LOG | {"fields": {"sid": "txt_sid"}}},
        "messages[0].log.fields.sid",
        "sms_survey_log has no field",
    ),
    (
        {"log": TEXT_LOG | {"fields": {"sid": "exam_date"}}},
        "messages[0].log.fields.sid",
        "has no field 'exam_date'",
    ),
    (
        {"log": TEXT_LOG | {"fields": {"sid": "txt_sent_at"}}},
        "messages[0].log.fields.sid",
        "does not take this",
    ),
    (
        {"log": TEXT_LOG | {"fields": {"sent_at": "txt_number"}}},
        "messages[0].log.fields.sent_at",
        "does not take this",
    ),
    (
        {"log": TEXT_LOG | {"fields": {"number": "txt_twilio_status"}}},
        "messages[0].log.fields.number",
        "not take",
    ),
    ({"visit": None, "when": "1"}, "messages[0].log.event", "the log needs one"),
]


@pytest.mark.parametrize(("changes", "place", "words"), REMINDERS)
def test_a_mistake_in_a_message_is_found_at_its_place(
    changes: dict[str, Any], place: str, words: str
) -> None:
    found = problems_of(study_with(REMINDER | changes, LETTER))

    assert any(where == place and words in text for where, text in found), found


def test_only_the_last_message_may_be_kept_if_the_study_says_so() -> None:
    log = {"instrument": "exam", "new_instance": False, "complete": ""}

    assert problems_of(study_with(REMINDER | {"log": log}, LETTER)) == []


def test_other_mistakes_in_messages_are_found() -> None:
    twice = problems_of(study_with(REMINDER, LETTER | {"id": "six"}))
    no_email = problems_of(study_with(policy={"email": None}))
    no_subject = problems_of(study_with(REMINDER, LETTER | {"subject": ""}))
    falls_twice = problems_of(study_with(REMINDER, LETTER | {"fallback": "letter"}))
    armless = problems_of(
        study_with(REMINDER | {"visit": None, "event": "6_month", "when": "1"}, LETTER, arms={})
    )

    assert ("messages[1].id", "another message is named 'six'; rename one.") in twice
    assert ("messages[1].channel", "there is no messaging.email; add it.") in no_email
    assert any(place == "messages[1].subject" for place, _ in no_subject)
    assert ("messages[1].fallback", "only a text message has a fallback; remove it.") in falls_twice
    assert any(place == "messages[0].event" and "is in 2 arms" in text for place, text in armless)


PARTS: list[tuple[dict[str, Any], str, str]] = [
    ({"policy": {"paused_until": "[part_consent_date]"}}, "messaging.paused_until", "Say the event of"),
    ({"policy": {"hours": {"zone": "[baseline_arm_1][zone]"}}}, "messaging.hours.zone", "no field 'zone'"),
    ({"policy": {"test_addresses": ["+1206555"]}}, "messaging.test_addresses[0]", "is no phone number"),
    ({"policy": {"test_addresses": ["a@b"]}}, "messaging.test_addresses[0]", "is no mail address"),
    (
        {"policy": {"mark": {"opted_out": {"event": "basline", "field": "part_text_ok", "value": 0}}}},
        "messaging.mark.opted_out.event",
        "did you mean",
    ),
    (
        {
            "policy": {
                "mark": {"bad_number": {"event": "baseline_arm_1", "field": "part_text_ok", "value": 7}}
            }
        },
        "messaging.mark.bad_number.field",
        'no choice for "7"',
    ),
    ({"notify": {"staff": {"email": ["ann"]}}}, "notify.staff.email[0]", "is no mail address"),
    ({"notify": {"staff": {"sms": ["12"]}}}, "notify.staff.sms[0]", "is no phone number"),
    (
        {"notify": {"staff": {"sms": ["+12065550101"]}}, "policy": {"sms": None}},
        "notify.staff.sms",
        "messaging.sms",
    ),
    ({"inbound": {"keywords": [{"words": ["Yes"]}]}}, "inbound.keywords[0].words", "'Yes' stops, starts or"),
    (
        {"inbound": {"keywords": [{"words": ["HERE"], "writes": {"field": "part_txt_ok", "value": 1}}]}},
        "inbound.keywords[0].writes.field",
        "did you mean 'part_text_ok'",
    ),
    ({"inbound": {"instrument": "exam", "event": "6_month"}}, "inbound.instrument", "exam does not repeat"),
    (
        {"inbound": {"instrument": "replies", "event": "6_month"}},
        "inbound.instrument",
        "no instrument 'replies'",
    ),
    (
        {"inbound": {"instrument": "sms_survey_log", "event": "6_month", "fields": {"text": "txt_numbr"}}},
        "inbound.fields.text",
        "did you mean 'txt_number'",
    ),
    (
        {
            "partners": [
                {
                    "name": "p",
                    "file": "r.csv",
                    "participant": "id",
                    "field": "part_id",
                    "compare": [{"column": "c", "event": "baseline_arm_1", "field": "part_text_ok"}],
                }
            ]
        },
        "partners[0].field",
        "there is no field 'part_id'",
    ),
    (
        {
            "partners": [
                {
                    "name": "p",
                    "file": "r.csv",
                    "participant": "id",
                    "compare": [
                        {
                            "column": "c",
                            "event": "baseline_arm_1",
                            "field": "part_text_ok",
                            "values": {"y": "yes", "n": "5"},
                        }
                    ],
                }
            ]
        },
        "partners[0].compare[0].field",
        'no choice for "5"',
    ),
]


@pytest.mark.parametrize(("parts", "place", "words"), PARTS)
def test_a_mistake_beside_the_messages_is_found_at_its_place(
    parts: dict[str, Any], place: str, words: str
) -> None:
    found = problems_of(study_with(**parts))

    assert any(where == place and words in text for where, text in found), found


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"messages": [REMINDER | {"consent": "  "}]}, "messages.0.consent"),
    (
        {"messages": [{key: value for key, value in REMINDER.items() if key != "consent"}]},
        "messages.0.consent",
    ),
    ({"messages": [REMINDER | {"template": "../secret.txt.j2"}]}, "must be a file of the folder templates"),
    ({"messages": [REMINDER | {"expires": "a while"}]}, "is not a length of time"),
    ({"messages": [REMINDER | {"visit": {"name": "x", "status": ["late"]}}]}, "messages.0.visit.status"),
    ({"messaging": {"hours": {"opens": "20:00", "closes": "09:00"}}}, "opens must be before closes"),
    ({"messaging": {"hours": {"opens": "9"}}}, "must be a time of day"),
    (
        {"messaging": {"sms": {key: value for key, value in SMS.items() if key != "sender"}}},
        "give sender or service",
    ),
    ({"messaging": {"sms": SMS | {"service": "MG12"}}}, "messaging.sms.service"),
    (
        {"messaging": {"email": EMAIL | {"user": "me"}}},
        "give user with one of password, oauth_token and oauth",
    ),
    ({"messaging": {"email": EMAIL | {"password": {"env": "P"}}}}, "or none of the four"),
    (
        {"partners": [{"name": "p", "participant": "id", "compare": [{"column": "c", "field": "f"}]}]},
        "url and file",
    ),
    (
        {
            "partners": [
                {
                    "name": "p",
                    "url": "http://x.org/r",
                    "participant": "id",
                    "compare": [{"column": "c", "field": "f"}],
                }
            ]
        },
        "url must begin with https://",
    ),
]


@pytest.mark.parametrize(("parts", "words"), REFUSED)
def test_what_cannot_be_meant_is_refused_when_the_file_is_read(parts: dict[str, Any], words: str) -> None:
    with pytest.raises((StudyError, ValueError), match=words.replace(".", r"\.")):
        demo_study(**parts)


def test_bare_clock_times_are_read_as_people_mean_them() -> None:
    study = demo_study(messaging={"hours": {"opens": "08:30", "closes": 1200}})

    assert (study.messaging.hours.opens, study.messaging.hours.closes) == ("08:30", "20:00")


def template_problems(files: dict[str, str], *, advice: bool = False, **parts: Any) -> list[tuple[str, str]]:
    message = REMINDER | parts.pop("message", {})
    study = study_with(message, LETTER, **parts)
    if advice:
        found = advise_on_templates(study, templates=files)
    else:
        found = check_templates(study, demo_dictionary(), grid=demo_grid(), templates=files)
    return [(problem.place, problem.text) for problem in found]


def test_templates_that_fit_have_no_problem_and_need_no_advice() -> None:
    assert template_problems(FILES) == []
    assert template_problems(FILES, advice=True) == []


TEMPLATES: list[tuple[str, dict[str, Any], str]] = [
    ("{{ part_guardian_nam }}", {}, "did you mean 'part_guardian_name'"),
    ("{{ part_guardian_name", {}, "Jinja2 cannot read it"),
    ("{{ elig_consent }}", {}, "or is a checkbox; say it as logic in values"),
    ("{{ survey_link }}", {}, "it uses survey_link; name the instrument in survey"),
    ("{{ queue_link }}", {}, "set queue_link: true"),
    ("{{ pfu_outcome }}", {"visit": None, "when": "1"}, "is not on the message's event"),
]


@pytest.mark.parametrize(("source", "message", "words"), TEMPLATES)
def test_a_mistake_in_a_template_is_found(source: str, message: dict[str, Any], words: str) -> None:
    found = template_problems({"six.txt.j2": source}, message=message)

    assert any(place == "messages[0].template" and words in text for place, text in found), found


def test_a_missing_template_is_found_for_messages_and_answers() -> None:
    replies = {"replies": {"help": "help.txt.j2"}, "keywords": [{"words": ["RIDE"], "reply": "ride.txt.j2"}]}
    files = {"ride.txt.j2": "Dear {{ name }}, we call you."}

    found = dict(template_problems(files, inbound=replies))

    assert found["messages[0].template"].startswith("templates/six.txt.j2: there is no such file")
    assert found["inbound.replies.help"].startswith("templates/help.txt.j2: there is no such file")
    assert found["inbound.keywords[0].reply"].startswith("an answer knows only the variable study, not name")


ADVICE: list[tuple[str, dict[str, Any], str]] = [
    ("a" * 460, {}, "it takes about 4 segments"),
    ("a" * 459, {}, ""),
    ("a" * 1601, {}, "about 1601 characters; 1600 is the most"),
    ("It’s due – today", {}, "more than twice as long to send: ’ –"),
    ("Reply YES to confirm", {}, "the answer YES stops or starts all texts"),
    ("Text CANCEL if you cannot come", {}, "the answer CANCEL"),
    ("Reply STOP to opt out", {}, ""),
    ("See https://bit.ly/x", {}, "public shorteners"),
    ("Hello", {"survey": "exam"}, "it does not use survey_link"),
    ("Hello", {"language": "if([exam_place] = 'home', 'es', '')"}, "there is no template in es"),
    ("Hello", {"approved": ["000000000000"]}, "which is not approved"),
]


@pytest.mark.parametrize(("source", "message", "words"), ADVICE)
def test_what_should_be_known_of_a_template_is_said(source: str, message: dict[str, Any], words: str) -> None:
    found = template_problems({"six.txt.j2": source}, advice=True, message=message)
    said = [text for place, text in found if place.startswith("messages[0]")]

    assert any(words in text for text in said) if words else said == []


def test_a_language_without_its_subject_is_mentioned() -> None:
    found = template_problems({**FILES, "six.es.txt.j2": "Hola"}, advice=True)

    assert found == [("messages[1].subjects", "there is no subject in es; the first one is used.")]


def test_the_fields_of_messages_are_those_of_rules_wordings_and_visits() -> None:
    study = study_with(REMINDER | {"values": {"child": "[baseline_arm_1][part_first_name]"}}, LETTER)
    files = {"six.txt.j2": "{{ part_guardian_name }} {{ child }} {{ due }}"}

    fields = message_fields(study, dictionary=demo_dictionary(), templates=files)

    assert {"part_mobile_number", "part_text_ok", "part_email", "part_withdrawn"} <= fields
    assert {"part_guardian_name", "part_first_name", "rand_date", "exam_complete", "rand_color"} <= fields
    assert not {"due", "child", "part_birth_date", "txt_number"} & fields


def test_a_project_without_events_needs_none_in_messages() -> None:
    dictionary = demo_dictionary()
    grid = replace(
        demo_grid(),
        events=(),
        arms={},
        designated=frozenset(("", form) for form in dictionary.forms),
        repeating=frozenset({("", "sms_survey_log")}),
    )
    message = {**REMINDER, "visit": None, "when": "[part_consent_date] <> ''", "to": "[part_mobile_number]"}
    message |= {"consent": "[part_text_ok] = '1'", "fallback": ""}
    policy = {"stop_when": [{"rule": "[part_withdrawn] = '1'", "reason": "withdrawn"}]}

    found = check_study(study_with(message, policy=policy), dictionary, grid=grid)

    assert [problem for problem in found if problem.place.startswith(("messages", "messaging"))] == []
