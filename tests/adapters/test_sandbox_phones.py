"""The sandbox's pages of phones over HTTP: conversations, buttons, the clock, and what was posted."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha1
from hmac import digest
from html import unescape
from zoneinfo import ZoneInfo

import pytest
import requests
from sandbox_clients import control, new_project, post
from twilio_bench import NUMBER, Bench, open_bench

from sandbox.pages.clockwork import morning_after, zone_of
from sandbox.server import Running
from sandbox.twilio.fates import FATES
from sandbox.twilio.refusals import meaning

PHONE, OTHER = "+12065550160", "+12065550161"
EVIL = "<img src=x onerror=alert(1)>'\"{{7*7}}</p>"


@pytest.fixture
def bench(server: Running) -> Iterator[Bench]:
    with open_bench(server) as opened:
        yield opened


def get(bench: Bench, path: str = "messages", **query: str) -> str:
    answer = requests.get(bench.server.control_url + path, params=query, timeout=9)
    assert answer.status_code == 200, answer.text
    return answer.text


def press(bench: Bench, path: str, **fields: str) -> str:
    """Send a form and return the page that follows."""
    answer = requests.post(f"{bench.server.control_url}messages/{path}", data=fields, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.text


def rows(page: str) -> list[str]:
    """Return the words of each row of a table."""
    body = page.partition("<tbody>")[2].partition("</tbody>")[0]
    return [" ".join(unescape(re.sub(r"<[^>]+>", " ", row)).split()) for row in body.split("</tr>")[:-1]]


def now(bench: Bench) -> str:
    return control(bench.server, "clock", method="GET")["utc"]


def test_the_list_says_who_wrote_last_what_is_unread_and_who_opted_out(bench: Bench) -> None:
    bench.send(PHONE, "Will you come?")
    bench.send(OTHER, "Will you come?")
    bench.send("+12065550112", "Will you come?")
    bench.advance(60)
    bench.control("inbound", {"from": OTHER, "to": NUMBER, "body": "stop"})
    bench.advance(60)

    found = rows(get(bench))

    assert [row.partition(" 2026")[0] for row in found] == [
        f"{OTHER} 2 unread opted out The study: You will get no more messages from this number. "
        "Reply START to get them again.",
        "+12065550112 The study: Will you come? undelivered 30005",
        f"{PHONE} 1 unread The study: Will you come?",
    ]
    assert found[2].endswith("1 1 $0.0083")


def test_what_was_looked_at_is_read_and_what_comes_later_is_not(bench: Bench) -> None:
    bench.send(body="first")
    bench.advance(1)
    get(bench, "messages/phone", number=PHONE)
    on_its_way = rows(get(bench))
    bench.advance(10)
    delivered = rows(get(bench))
    get(bench, "messages/phone", number=PHONE)

    read = rows(get(bench))

    assert ["unread" in found[0] for found in (on_its_way, delivered, read)] == [False, True, False]


def test_a_conversation_tells_what_became_of_each_message(bench: Bench) -> None:
    bench.send("+12065550112", "x" * 161)
    bench.advance(60)

    page = get(bench, "messages/phone", number="+12065550112")

    words = " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())
    assert "undelivered 12:00:02 · from +15005550006 · 2 segments · $0.01660" in words
    assert "30005: the number is not in use" in words
    assert "messages to it end with 30005" in words


def test_whatever_people_and_studies_write_is_shown_as_text(bench: Bench) -> None:
    bench.send(body=EVIL, status_callback=f"{bench.receiver.url}/status?m=<b>")
    bench.control("inbound", {"from": PHONE, "to": NUMBER, "body": EVIL})
    bench.control("inbound", {"from": "<b>1</b>", "to": NUMBER, "body": "x"})
    bench.advance(60)

    pages = [
        get(bench),
        get(bench, "messages/phone", number=PHONE),
        get(bench, "messages/phone", number="<b>1</b>"),
        get(bench, "messages/webhooks"),
    ]

    assert [word for page in pages for word in ("<img", "<b>1", "m=<b>") if word in page] == []
    assert [EVIL in unescape(page) for page in pages[:2]] == [True, True]


def test_what_is_written_there_goes_to_the_study(bench: Bench) -> None:
    bench.control(
        "config", {"services": [], "numbers": [{"number": NUMBER, "sms_url": bench.receiver.url + "/in"}]}
    )

    page = press(bench, "write", number=PHONE, to=NUMBER, body="two\r\nlines")
    bench.advance(0)

    assert "two\nlines" in page
    assert [one.fields["Body"] for one in bench.receiver.got] == ["two\nlines"]


def test_the_buttons_stop_and_start_opt_out_and_in(bench: Bench) -> None:
    stopped = press(bench, "write", number=PHONE, to=NUMBER, body="", word="STOP")
    refused = bench.post(To=PHONE, From=NUMBER, Body="x").json()["code"]
    started = press(bench, "write", number=PHONE, to=NUMBER, body="", word="START")

    taken = bench.post(To=PHONE, From=NUMBER, Body="x").status_code

    assert (refused, taken) == (21610, 201)
    assert ["opted out" in page for page in (stopped, started)] == [True, False]


@pytest.mark.parametrize(("digits", "code"), [("10", 30003), ("13", 30006)])
def test_a_phone_can_be_off_or_a_landline_for_a_while(bench: Bench, digits: str, code: int) -> None:
    changed = press(bench, "fate", number=PHONE, fate=digits)
    first = bench.send().sid
    kind = bench.client.lookups.v2.phone_numbers(PHONE).fetch(fields="line_type_intelligence")
    restored = press(bench, "fate", number=PHONE, fate="")
    second = bench.send().sid

    bench.advance(60)

    ends = [bench.client.messages(sid).fetch() for sid in (first, second)]
    assert [(one.status, one.error_code) for one in ends] == [("undelivered", code), ("delivered", None)]
    assert kind.line_type_intelligence["type"] == ("landline" if digits == "13" else "mobile")
    assert [f"end with {code}" in page for page in (changed, restored)] == [True, False]


@pytest.mark.parametrize("typed", ["(206) 555-0160", "+1 206 555 0160", "206.555.0160", PHONE])
def test_a_number_is_opened_however_it_is_spelled(bench: Bench, typed: str) -> None:
    page = press(bench, "start", number=typed)

    assert f"<h1>{PHONE}</h1>" in page


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        ("start", {"number": "nobody"}, 400),
        ("write", {"to": NUMBER, "body": "x"}, 404),
        ("write", {"number": PHONE, "to": "+12065550199", "body": "x"}, 400),
        ("write", {"number": PHONE, "to": NUMBER, "body": "x" * 1601}, 400),
        ("fate", {"number": PHONE, "fate": "99"}, 400),
        ("clock", {"turn": "back"}, 400),
    ],
)
def test_what_cannot_be_is_refused_with_a_page(bench: Bench, path: str, fields: dict, status: int) -> None:
    answer = requests.post(f"{bench.server.control_url}messages/{path}", data=fields, timeout=9)

    assert (answer.status_code, "SANDBOX" in answer.text) == (status, True)
    assert bench.state()["messages"] == []


def test_a_long_conversation_opens_at_its_end(bench: Bench) -> None:
    for number in range(60):
        bench.send(body=f"text {number}.", from_="55500", status_callback=None)

    pages = [get(bench, "messages/phone", number=PHONE, page=one) for one in ("", "1")]

    assert [["text 0." in page, "text 49." in page, "text 59." in page] for page in pages] == [
        [False, False, True],
        [True, True, False],
    ]


MORNINGS = [
    ("2026-06-01T12:00:00", "America/Los_Angeles", "2026-06-01T16:00:00"),
    ("2026-06-01T16:00:00", "America/Los_Angeles", "2026-06-02T16:00:00"),
    ("2026-03-08T03:00:00", "America/New_York", "2026-03-08T13:00:00"),
    ("2026-03-07T20:00:00", "America/New_York", "2026-03-08T13:00:00"),
    ("2026-11-01T02:00:00", "America/New_York", "2026-11-01T14:00:00"),
]


@pytest.mark.parametrize(("start", "zone", "end"), MORNINGS)
def test_nine_oclock_is_that_of_the_zone_over_changes_of_its_clock(start: str, zone: str, end: str) -> None:
    epochs = [datetime.fromisoformat(one).replace(tzinfo=UTC).timestamp() for one in (start, end)]

    assert morning_after(epochs[0], ZoneInfo(zone)) == epochs[1]


@pytest.mark.parametrize(
    ("phone", "zone"),
    [(PHONE, "America/Los_Angeles"), ("+13125550100", "America/Chicago"), ("+19075550100", ""), ("x", "")],
)
def test_a_phone_is_where_its_area_code_is(phone: str, zone: str) -> None:
    found = zone_of(phone)

    assert (found.key if found else "") == zone


def test_the_clock_is_hurried_stopped_and_let_go(bench: Bench) -> None:
    moments = []
    for turn in ("hour", "morning", "stop"):
        press(bench, "clock", number=PHONE, turn=turn)
        moments.append(now(bench))
    press(bench, "clock", turn="fast")
    speed = control(bench.server, "clock", method="GET")["speed"]
    press(bench, "clock", turn="real")

    assert moments == ["2026-06-01T13:00:00+00:00", *["2026-06-01T16:00:00+00:00"] * 2]
    assert speed == 60
    assert abs(datetime.fromisoformat(now(bench)).timestamp() - datetime.now(UTC).timestamp()) < 60


def test_advancing_to_the_end_leaves_nothing_pending_and_the_study_may_ask_redcap(bench: Bench) -> None:
    token = new_project(bench.server)
    asked: list[int] = []
    bench.receiver.meanwhile = lambda: asked.append(
        post(bench.server, token, "record", format="json").status_code
    )
    bench.control(
        "config", {"services": [], "numbers": [{"number": NUMBER, "sms_url": bench.receiver.url + "/in"}]}
    )
    answer = "<Response><Message>Thanks.</Message></Response>"
    bench.receiver.answers = [(204, "", "")] * 2 + [(200, "text/xml", answer)] * 500
    bench.send("+12065550157")
    bench.send("+12065550101", status_callback=None)

    page = press(bench, "clock", turn="rest")

    assert "Nothing is pending." in page
    assert set(asked) == {200}
    # The phone that answers everything is cut short after a hundred answers.
    assert len(asked) == 102
    assert {one["status"] for one in bench.state()["messages"]} == {"delivered", "received"}


def test_a_webhook_shows_its_tries_and_what_its_signature_is_made_of(bench: Bench) -> None:
    bench.receiver.answers = [(500, "", ""), (204, "", "")]
    sid = bench.send("+12065550103", status_callback=bench.callback + "#rc=1&rp=all").sid
    bench.advance(60)
    bench.send(OTHER)
    bench.advance(60)

    page = get(bench, "messages/webhooks", sid=sid)

    (signed,) = (unescape(one) for one in re.findall(r"<code>(http[^<]+)</code>", page))
    token = str(bench.server.addresses()["twilio_auth_token"])
    right = b64encode(digest(token.encode(), signed.encode(), sha1)).decode()
    assert signed.startswith(bench.callback + "AccountSid")
    assert f"<dd>{right}</dd>" in page
    assert bench.receiver.got[0].headers["X-Twilio-Signature"] == right
    assert re.findall(r'class="status (\w+)"[^>]*>(\w+)<', page) == [("bad", "500"), ("ok", "204")]
    assert OTHER not in page
    assert token not in page


def test_a_page_that_refreshes_has_no_box_to_lose_a_text_in(bench: Bench) -> None:
    still, live = (get(bench, "messages/phone", number=PHONE, live=one) for one in ("", "1"))

    assert ['http-equiv="refresh"' in page for page in (still, live)] == [False, True]
    assert ["<textarea" in page for page in (still, live)] == [True, False]


def test_every_code_of_a_fate_has_a_meaning() -> None:
    codes = {
        code
        for fate in FATES.values()
        for code in (fate.refusal, *(step.code for step in (*fate.steps, *fate.first)))
        if code
    }

    assert all(meaning(code) for code in (*codes, 14107, 30001, 11200, 11205, 12100, 12300, 14109))


def test_everything_can_be_forgotten_to_begin_again(bench: Bench) -> None:
    press(bench, "write", number=PHONE, to=NUMBER, body="STOP")

    page = press(bench, "clear")

    assert "Nobody has been written to yet" in page
    assert bench.send().status == "queued"
