"""What is refused and in which order, segments, schedules, words, TwiML, patience: tables of facts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio_desk import NOON, NUMBER, TwilioDesk, open_desk

from sandbox.twilio.config import BadConfig, Limits
from sandbox.twilio.keywords import Word, read_word
from sandbox.twilio.moments import read_moment, spell
from sandbox.twilio.overrides import Patience, read_patience
from sandbox.twilio.receiving import Inbound
from sandbox.twilio.refusals import Refused
from sandbox.twilio.segments import count_segments
from sandbox.twilio.throttle import Throttle
from sandbox.twilio.twiml import PLAIN, Spoken, read_answer

LATER = "2026-06-01T13:00:00Z"
UNKNOWN_SERVICE = "MG" + "0" * 32
REFUSALS = [
    ({"To": ""}, 21604),
    ({"From": ""}, 21603),
    ({"Body": ""}, 21602),
    ({"Body": "x" * 1601}, 21617),
    ({"From": "", "MessagingServiceSid": UNKNOWN_SERVICE}, 21701),
    ({"StatusCallback": "http://my_host/status"}, 21609),
    ({"StatusCallback": "status"}, 21609),
    ({"StatusCallback": "https:///status"}, 21609),
    ({"StatusCallback": "https://host/" + "x" * 4000}, 21609),
    ({"From": "+12065550150"}, 21606),
    ({"From": "Study"}, 21606),
    ({"From": "not a sender at all"}, 21212),
    ({"To": "2065550100"}, 21211),
    ({"To": "+1206555"}, 21211),
    ({"To": "+19995550100"}, 21211),
    ({"To": NUMBER}, 21211),
    ({"To": "+17875550100"}, 21408),
    ({"To": "+447400123456"}, 21408),
    ({"ValidityPeriod": "0"}, 20001),
    ({"ValidityPeriod": "36001"}, 20001),
    ({"ScheduleType": "fixed", "SendAt": LATER}, 35118),
    ({"ScheduleType": "weekly", "SendAt": LATER}, 35114),
    # The first of several is what is told.
    ({"To": "", "From": "", "Body": ""}, 21604),
    ({"From": "", "Body": ""}, 21603),
    ({"Body": "", "StatusCallback": "status"}, 21602),
    ({"From": "+12065550150", "To": "2065550100"}, 21606),
    ({"To": "+12065550121", "ScheduleType": "fixed"}, 21610),
]
MAGIC = [
    ({"From": "+15005550001"}, 21212),
    ({"From": "+15005550007"}, 21606),
    ({"From": "+15005550008"}, 21611),
    ({"To": "+15005550001"}, 21211),
    ({"To": "+15005550002"}, 21612),
    ({"To": "+15005550003"}, 21408),
    ({"To": "+15005550004"}, 21610),
    ({"To": "+15005550009"}, 21614),
]
SCHEDULES = [
    ("", 35111),
    ("tomorrow", 35111),
    ("2026-06-01T12:05:00Z", 35115),
    ("2026-06-01T12:05:01Z", 0),
    ("2026-07-06T12:00:00Z", 0),
    ("2026-07-06T12:00:01Z", 35115),
    ("2026-05-31T12:00:00Z", 35115),
]
SEGMENTS = [
    ("", 0),
    ("a" * 160, 1),
    ("a" * 161, 2),
    ("a" * 306, 2),
    ("a" * 307, 3),
    ("€" * 80, 1),
    ("a" * 1600, 11),
    ("á" * 70, 1),
    ("á" * 71, 2),
    ("á" * 1600, 24),
    ("é" * 160, 1),
    # An escaped character is never split: 152 units and a pair do not fit into 153.
    ("a" * 152 + "€" + "a" * 151, 2),
    ("a" * 152 + "€" + "a" * 152, 3),
    ("😀" * 35, 1),
    ("😀" * 36, 2),
    ("👩‍👩‍👧" * 8 + "a" * 6, 1),
]
WORDS = [
    *(
        (word, Word.STOP)
        for word in ["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"]
    ),
    *((word, Word.START) for word in ["START", "YES", "UNSTOP"]),
    *((word, Word.HELP) for word in ["HELP", "INFO"]),
    (" stop \n", Word.STOP),
    ("Stop", Word.STOP),
    *((text, None) for text in ("OPT OUT", "please stop", "ALTO", "STOP.", "", "1")),
]
TWIML = [
    ("text/xml", "<Response/>", ([], "")),
    (
        "text/xml; charset=utf-8",
        "<Response><Message>Hi &amp; &lt;bye&gt;</Message></Response>",
        (["Hi & <bye>"], ""),
    ),
    (
        "application/xml",
        "<Response><Message><Body>A</Body></Message><Message>B</Message></Response>",
        (["A", "B"], ""),
    ),
    ("text/plain", "Traceback", (["Traceback"], PLAIN)),
    ("text/plain", "  ", ([], "")),
    ("application/json", "{}", ([], "12300")),
    ("", "hello", ([], "12300")),
    ("text/xml", "<Response><Message>", ([], "12100")),
    ("text/html", "<html><body>Error</body></html>", ([], "12100")),
    ("text/xml", "<Response>" + "<Message>x</Message>" * 11 + "</Response>", (["x"] * 10, "14109")),
    (
        "text/xml",
        '<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/hostname">]><Response><Message>&e;</Message></Response>',
        ([""], ""),
    ),
]
PATIENCE = [
    ("", Patience()),
    ("rc=5&rp=all", Patience(retries=5, reasons=frozenset({"all"}))),
    ("rc=9", Patience(retries=5)),
    ("ct=50&rt=20000", Patience(connect_seconds=0.1, read_seconds=15.0)),
    ("ct=2500&rt=1500&tt=9000", Patience(2.5, 1.5, 9.0)),
    ("rp=5xx,rt,nonsense", Patience(reasons=frozenset({"5xx", "rt"}))),
    ("ct=soon&rc=-1&rp=never", Patience()),
]
AGAIN = [
    ("rp=5xx", {"500", "503"}),
    ("rp=4xx,ct", {"404", "ct"}),
    ("rp=all", {"404", "500", "503", "ct", "rt"}),
    ("", {"ct"}),
]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TwilioDesk]:
    with open_desk(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize(("fields", "code"), REFUSALS + MAGIC)
def test_a_request_is_refused_with_the_first_code_that_fits(
    desk: TwilioDesk, fields: dict, code: int
) -> None:
    given = {"phone": fields.get("To", "+12065550160"), **{k: v for k, v in fields.items() if k != "To"}}

    refused = desk.refusal(**given)

    assert refused == code
    assert desk.exchange.reading.messages() == []


@pytest.mark.parametrize(("moment", "code"), SCHEDULES)
def test_a_schedule_is_from_five_minutes_to_35_days_ahead(desk: TwilioDesk, moment: str, code: int) -> None:
    refused = desk.refusal(MessagingServiceSid=desk.service, ScheduleType="fixed", SendAt=moment)

    assert refused == code


def test_a_scheduled_message_goes_at_its_moment(desk: TwilioDesk) -> None:
    sid = desk.create(MessagingServiceSid=desk.service, ScheduleType="fixed", SendAt=LATER)
    desk.exchange.advance(3599)
    before = desk.status(sid)

    desk.exchange.advance(10)

    assert before == ("scheduled", 0)
    assert desk.status(sid) == ("delivered", 0)
    assert desk.told(sid) == ["accepted", "queued", "sent", "delivered"]


def test_a_canceled_message_never_goes(desk: TwilioDesk) -> None:
    sid = desk.create(MessagingServiceSid=desk.service, ScheduleType="fixed", SendAt=LATER)
    desk.exchange.change(sid, {"Status": "canceled"})

    desk.exchange.advance(86_400)

    assert desk.status(sid) == ("canceled", 0)
    assert desk.told(sid) == ["canceled"]


def test_stop_holds_for_the_number_and_start_lifts_it(desk: TwilioDesk) -> None:
    phone, toll_free = "+12065550160", "+18885550100"
    codes = []
    for body in ("STOP", "START"):
        desk.exchange.receive(Inbound(phone, toll_free, "", body))
        codes.append((desk.refusal(phone, From=toll_free), desk.refusal(phone)))

    assert codes == [(21610, 0), (0, 0)]


def test_stop_holds_for_the_whole_service(desk: TwilioDesk) -> None:
    phone = "+12065550160"
    desk.exchange.receive(Inbound(phone, NUMBER, desk.service, "Quit"))
    sid = desk.create(phone, MessagingServiceSid=desk.service)

    desk.exchange.advance(2)

    assert desk.status(sid) == ("failed", 21610)


def test_with_redaction_the_words_are_left_to_the_account(desk: TwilioDesk) -> None:
    desk.exchange.configure({"redaction": True})
    desk.exchange.receive(Inbound("+12065550160", NUMBER, "", "STOP"))

    code = desk.refusal("+12065550160")

    assert code == 0
    assert desk.exchange.reading.opt_outs() == []


@pytest.mark.parametrize(("body", "count"), SEGMENTS)
def test_segments_are_counted_as_phones_do(body: str, count: int) -> None:
    assert count_segments(body) == count


@given(st.text(max_size=400))
def test_segments_hold_the_text_and_are_not_wasted(body: str) -> None:
    units = len(body.encode("utf-16-be")) // 2

    count = count_segments(body)

    assert (count == 0) == (body == "")
    assert count <= max(units, 1)
    assert count * 160 >= len(body)


@pytest.mark.parametrize(("body", "word"), WORDS)
def test_only_single_words_are_acted_on(body: str, word: Word | None) -> None:
    assert read_word(body) is word


@pytest.mark.parametrize(("content_type", "body", "said"), TWIML)
def test_answers_are_read_as_twiml_or_noted(
    content_type: str, body: str, said: tuple[list[str], str]
) -> None:
    found = read_answer(content_type, body.encode())

    assert ([one.text for one in found.messages], found.note) == said


def test_media_and_callbacks_of_replies_are_read() -> None:
    body = '<Response><Message statusCallback="http://a/b"><Body>A</Body><Media>http://c/d</Media></Message></Response>'

    found = read_answer("text/xml", body.encode())

    assert found.messages == [Spoken("A", ["http://c/d"], "http://a/b")]


@pytest.mark.parametrize(("fragment", "patience"), PATIENCE)
def test_a_fragment_says_how_patient_a_webhook_is(fragment: str, patience: Patience) -> None:
    assert read_patience(fragment) == patience


@pytest.mark.parametrize(("fragment", "again"), AGAIN)
def test_only_what_is_listed_is_tried_again(fragment: str, again: set[str]) -> None:
    patience = read_patience(fragment)

    assert {
        one for one in ("204", "302", "404", "500", "503", "ct", "rt") if patience.tries_again(one)
    } == again


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-06-01T12:00:00Z", 0),
        ("2026-06-01T12:00:00", 0),
        ("2026-06-01T14:00:00+02:00", 0),
        ("2026-06-01", -43_200),
    ],
)
def test_moments_without_a_zone_are_utc(text: str, seconds: int) -> None:
    assert read_moment(text) - NOON.timestamp() == seconds


def test_moments_are_spelled_for_clients_that_ignore_offsets() -> None:
    assert spell(NOON.timestamp()) == "Mon, 01 Jun 2026 12:00:00 +0000"


def test_requests_at_once_are_limited_and_those_that_ended_count_no_more() -> None:
    throttle, limits = Throttle(), Limits(max_concurrent=1)
    throttle.enter(limits)

    with pytest.raises(Refused) as refused:
        throttle.enter(limits)
    throttle.leave()
    throttle.leave()
    throttle.enter(limits)

    assert (refused.value.code, refused.value.headers) == (20429, {"Retry-After": "1"})
    assert throttle.requests == 3


def test_the_same_seed_makes_the_same_sids(tmp_path: Path) -> None:
    sids = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        with open_desk(tmp_path / name) as desk:
            desk.exchange.configure({"seed": "lesson 1"})
            sids.append([desk.create(), desk.create()])

    assert sids[0] == sids[1]
    assert len(set(sids[0])) == 2


def test_a_reset_forgets_messages_but_never_uses_a_sid_again(desk: TwilioDesk) -> None:
    first = desk.create("+12065550151")
    desk.exchange.reset()

    second = desk.create("+12065550151")

    assert first != second
    assert [one.sid for one in desk.exchange.reading.messages()] == [second]


@pytest.mark.parametrize(
    "changes",
    [
        {"numbers": []},
        {"numbers": [{"number": "206"}]},
        {"services": [{"sid": "MG1", "numbers": [NUMBER]}]},
        {"auth_token": "s3cret!"},
        {"colour": "blue"},
        {"delays": {"sent": -1}},
    ],
)
def test_a_configuration_that_cannot_be_used_changes_nothing(desk: TwilioDesk, changes: dict) -> None:
    before = desk.exchange.config

    with pytest.raises(BadConfig) as refused:
        desk.exchange.configure(changes)

    assert desk.exchange.config == before
    assert "s3cret" not in str(refused.value)
