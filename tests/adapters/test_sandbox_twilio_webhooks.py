"""The sandbox's webhooks: signed, in order or not, tried again, and what is answered to them."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import requests
from twilio.request_validator import RequestValidator
from twilio.twiml.messaging_response import MessagingResponse
from twilio_bench import NUMBER, Bench, open_bench, receiving

from sandbox.server import Running

PHONE = "+12065550160"
COMMON = {"AccountSid", "ApiVersion", "From", "MessageSid", "MessageStatus", "SmsSid", "SmsStatus", "To"}


@pytest.fixture
def bench(server: Running) -> Iterator[Bench]:
    with open_bench(server) as opened:
        yield opened


def listen_at(bench: Bench, path: str = "/in") -> None:
    """Let inbound messages to the first number go to the receiver, without a service."""
    bench.control(
        "config", {"services": [], "numbers": [{"number": NUMBER, "sms_url": bench.receiver.url + path}]}
    )


def write(bench: Bench, body: str, phone: str = PHONE, **more) -> None:
    bench.control("inbound", {"from": phone, "to": NUMBER, "body": body, **more})
    bench.advance(0)


def replies(bench: Bench) -> list[tuple[str, str, int | None]]:
    found = [one for one in bench.state()["messages"] if one["direction"] == "outbound-reply"]
    return [(one["body"], one["status"], one["error_code"]) for one in found]


def test_status_callbacks_have_twilios_fields_and_signature(bench: Bench) -> None:
    sid = bench.send("+12065550112").sid

    bench.advance(10)

    sent, ended = bench.receiver.got
    assert sent.is_signed
    assert ended.is_signed
    assert set(sent.fields) == COMMON
    assert set(ended.fields) == {*COMMON, "ErrorCode", "RawDlrDoneDate"}
    assert (ended.fields["MessageSid"], ended.fields["ErrorCode"]) == (sid, "30005")
    assert ended.fields["RawDlrDoneDate"] == "2606011200"


def test_a_changed_post_has_a_wrong_signature(bench: Bench) -> None:
    bench.send()
    bench.advance(10)
    got = bench.receiver.got[0]
    token = str(bench.server.addresses()["twilio_auth_token"])
    signature = got.headers["X-Twilio-Signature"]

    changed = {**got.fields, "MessageStatus": "failed"}

    assert RequestValidator(token).validate(bench.callback, got.fields, signature)
    assert not RequestValidator(token).validate(bench.callback, changed, signature)


def test_a_shared_key_signs_with_sha_256(bench: Bench) -> None:
    key = {"algorithm": "HMAC_SHA256", "key": "webhooks_sharedkey_1", "secret": "shared"}
    bench.control("config", {"signature": key})
    with receiving("shared") as receiver:
        bench.send(status_callback=receiver.url + "/status")
        bench.advance(10)

    assert [one.is_signed for one in receiver.got] == [True, True]
    named = receiver.got[0].headers["X-Twilio-Webhooks-Signature-Settings"]
    assert named == "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"


def test_an_address_in_the_message_goes_before_that_of_the_service(bench: Bench) -> None:
    service = {"sid": bench.service, "numbers": [NUMBER], "status_callback": bench.receiver.url + "/service"}
    bench.control("config", {"services": [service]})
    for more in ({}, {"status_callback": None}):
        bench.send(messaging_service_sid=service["sid"], **more)

    bench.advance(10)

    paths = [one.path for one in bench.receiver.got]
    assert sorted(paths) == ["/service"] * 3 + ["/status?m=7"] * 3


@pytest.mark.parametrize(
    ("digits", "statuses"),
    [
        ("00", ["sent", "delivered"]),
        ("03", ["delivered"]),
        ("04", ["delivered", "sent"]),
        ("05", ["sent", "delivered", "delivered"]),
        ("09", []),
    ],
)
def test_callbacks_come_in_the_order_of_the_number(bench: Bench, digits: str, statuses: list[str]) -> None:
    sid = bench.send(f"+120655501{digits}").sid

    bench.advance(10)

    assert bench.receiver.statuses() == statuses
    assert bench.client.messages(sid).fetch().status == "delivered"


def test_callbacks_may_come_before_the_answer(bench: Bench) -> None:
    sid = bench.send("+12065550106").sid

    assert bench.receiver.statuses() == ["sent", "delivered"]
    assert {one.fields["MessageSid"] for one in bench.receiver.got} == {sid}


def test_a_receiver_may_ask_the_api_meanwhile(bench: Bench) -> None:
    seen = []
    bench.receiver.meanwhile = lambda: seen.append(bench.client.messages(sid).fetch().status)
    sid = bench.send().sid

    bench.advance(10)

    assert seen == ["sent", "delivered"]


FRAGMENTS = [
    ("", [500], ["500"]),
    ("#rc=5&rp=5xx", [500, 503, 204], ["500", "503", "204"]),
    ("#rc=2&rp=all", [404, 500, 500, 204], ["404", "500", "500"]),
    ("#rc=3&rp=4xx", [404, 500], ["404", "500"]),
]


@pytest.mark.parametrize(("fragment", "answers", "outcomes"), FRAGMENTS)
def test_failed_posts_are_tried_again_as_the_fragment_asks(
    bench: Bench, fragment: str, answers: list[int], outcomes: list[str]
) -> None:
    bench.receiver.answers = [(status, "", "") for status in answers]
    bench.send("+12065550102", status_callback=bench.callback + fragment)

    bench.advance(10)

    posted = bench.state()["callbacks"][0]
    assert [one["outcome"] for one in posted["attempts"]] == outcomes
    assert {one.path for one in bench.receiver.got} == {"/status?m=7"}
    assert {one.headers["I-Twilio-Idempotency-Token"] for one in bench.receiver.got} == {posted["token"]}
    assert all(one.is_signed for one in bench.receiver.got)


def test_where_nobody_listens_it_is_tried_once_more(bench: Bench) -> None:
    with receiving("x") as gone:
        url = gone.url
    bench.send("+12065550102", status_callback=url)

    bench.advance(10)

    posted = bench.state()["callbacks"][0]
    assert ([one["outcome"] for one in posted["attempts"]], posted["note"]) == (["ct", "ct"], "11205")


def test_a_slow_receiver_is_given_up_after_its_time(bench: Bench) -> None:
    answered = threading.Event()
    bench.receiver.meanwhile = lambda: answered.wait(5)
    bench.send("+12065550102", status_callback=bench.callback + "#rt=100")

    bench.advance(10)
    answered.set()

    posted = bench.state()["callbacks"][0]
    assert ([one["outcome"] for one in posted["attempts"]], posted["note"]) == (["rt"], "11200")


def test_other_hosts_are_called_only_if_they_are_listed(bench: Bench) -> None:
    url = bench.receiver.url.replace("127.0.0.1", "sandbox-host.localhost")
    bench.send("+12065550102", status_callback=url)
    bench.advance(10)

    posted = bench.state()["callbacks"][0]

    assert [one["outcome"] for one in posted["attempts"]] == ["refused"]
    assert "callback_hosts" in posted["note"]
    assert bench.receiver.got == []


def test_addresses_that_are_none_do_no_harm(bench: Bench) -> None:
    listen_at(bench, "/in")
    odd = '<Response><Message statusCallback="http://[x">a</Message><Message statusCallback="soon">b</Message></Response>'
    bench.receiver.answers = [(200, "text/xml", odd)]
    write(bench, "hello")
    bench.control("config", {"numbers": [{"number": NUMBER, "sms_url": "http://[x"}]})
    write(bench, "again")

    bench.advance(10)

    assert [one[1] for one in replies(bench)] == ["delivered", "delivered"]
    assert [one["attempts"][0]["outcome"] for one in bench.state()["callbacks"]] == ["200", "refused"]


def test_redirects_are_not_followed(bench: Bench) -> None:
    bench.receiver.answers = [(302, "", bench.receiver.url + "/elsewhere")]
    bench.send("+12065550102")

    bench.advance(10)

    assert [one.path for one in bench.receiver.got] == ["/status?m=7"]
    assert bench.state()["callbacks"][0]["attempts"][0]["outcome"] == "302"


def test_an_inbound_message_is_posted_with_its_fields(bench: Bench) -> None:
    listen_at(bench)

    write(bench, "Grüße & 😀", media=["http://127.0.0.1/a.png"])

    got = bench.receiver.got[0]
    assert got.is_signed
    assert (got.fields["Body"], got.fields["From"], got.fields["To"]) == ("Grüße & 😀", PHONE, NUMBER)
    assert (got.fields["NumMedia"], got.fields["MediaUrl0"]) == ("1", "http://127.0.0.1/a.png")
    assert got.fields["SmsStatus"] == "received"
    assert got.fields["FromCity"] == ""
    assert "OptOutType" not in got.fields
    assert bench.client.messages(got.fields["MessageSid"]).fetch().direction == "inbound"


@pytest.mark.parametrize(
    ("body", "kind"), [("STOP", "STOP"), ("yes", "START"), ("Info", "HELP"), ("ok", None)]
)
def test_a_service_tells_of_its_words(bench: Bench, body: str, kind: str | None) -> None:
    service = {"sid": bench.service, "numbers": [NUMBER], "inbound_request_url": bench.receiver.url + "/in"}
    bench.control("config", {"services": [service]})

    write(bench, body)

    assert bench.receiver.got[0].fields.get("OptOutType") == kind
    assert bench.receiver.got[0].fields["MessagingServiceSid"] == service["sid"]


def test_stop_ends_messages_and_is_answered_once_by_twilio(bench: Bench) -> None:
    listen_at(bench)
    write(bench, "stop")

    refused = bench.post(To=PHONE, From=NUMBER, Body="x").json()

    assert refused["code"] == 21610
    assert len(replies(bench)) == 1
    assert [one["phone"] for one in bench.state()["opt_outs"]] == [PHONE]


def test_twiml_becomes_replies(bench: Bench) -> None:
    listen_at(bench)
    answer = MessagingResponse()
    answer.message("Thanks & see you <soon>")
    answer.message("Second")
    bench.receiver.answers = [(200, "text/xml", str(answer))]
    write(bench, "hello")

    bench.advance(10)

    assert replies(bench) == [("Thanks & see you <soon>", "delivered", None), ("Second", "delivered", None)]


MISTAKES = [
    ((200, "text/plain", "Traceback"), "text/plain was sent as a text", 1),
    ((200, "application/json", "{}"), "12300", 0),
    ((200, "text/xml", "<Response"), "12100", 0),
    ((500, "text/xml", "<Response><Message>x</Message></Response>"), "11200", 0),
    ((200, "text/xml", "<Response>" + "<Message>x</Message>" * 12 + "</Response>"), "14109", 10),
]


@pytest.mark.parametrize(("answer", "note", "count"), MISTAKES)
def test_a_receivers_mistakes_are_noted(bench: Bench, answer: tuple, note: str, count: int) -> None:
    listen_at(bench)
    bench.receiver.answers = [answer]

    write(bench, "hello")

    assert bench.state()["callbacks"][0]["note"] == note
    assert len(replies(bench)) == count


def test_replies_to_somebody_who_opted_out_fail(bench: Bench) -> None:
    listen_at(bench)
    bench.receiver.answers = [(200, "text/xml", "<Response><Message>Sorry!</Message></Response>")]
    write(bench, "STOP")

    bench.advance(10)

    assert [one[1:] for one in replies(bench)] == [("delivered", None), ("failed", 21610)]


def test_more_than_fifteen_replies_in_half_a_minute_fail(bench: Bench) -> None:
    listen_at(bench)
    ten = "<Response>" + "<Message>x</Message>" * 10 + "</Response>"
    bench.receiver.answers = [(200, "text/xml", ten)] * 2
    write(bench, "a")
    write(bench, "b")

    bench.advance(60)

    assert [one[2] for one in replies(bench)] == [None] * 15 + [14107] * 5


TEXTS = [
    ("50", ["1"]),
    ("51", ["STOP"]),
    ("52", ["please stop texting me"]),
    ("53", ["HELP"]),
    ("54", ["ALTO"]),
    ("56", ["Yes, I can come.", "But only after 4 pm."]),
    ("58", ["START"]),
]


@pytest.mark.parametrize(("digits", "texts"), TEXTS)
def test_some_people_answer(bench: Bench, digits: str, texts: list[str]) -> None:
    listen_at(bench)
    bench.send(f"+120655501{digits}", status_callback=None)

    bench.advance(60)

    assert [one.fields["Body"] for one in bench.receiver.got] == texts


def test_a_picture_can_be_fetched(bench: Bench) -> None:
    listen_at(bench)
    bench.send("+12065550159", status_callback=None)
    bench.advance(60)
    own = bench.server.addresses()

    url = bench.receiver.got[0].fields["MediaUrl0"]
    answer = requests.get(url, auth=(own["twilio_account_sid"], own["twilio_auth_token"]), timeout=9)

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/png")
    assert answer.content.startswith(b"\x89PNG")


def test_two_machines_that_answer_each_other_are_cut_short(bench: Bench) -> None:
    listen_at(bench)
    bench.receiver.answers = [(200, "text/xml", "<Response><Message>We got it.</Message></Response>")] * 500
    bench.send("+12065550157", status_callback=None)

    bench.advance(86_400)

    assert len(bench.receiver.got) == 100


def test_others_do_not_answer_replies(bench: Bench) -> None:
    listen_at(bench)
    bench.receiver.answers = [(200, "text/xml", "<Response><Message>We got it.</Message></Response>")] * 9
    bench.send("+12065550150", status_callback=None)

    bench.advance(86_400)

    assert [one.fields["Body"] for one in bench.receiver.got] == ["1"]
    assert len(replies(bench)) == 1
