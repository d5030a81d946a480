"""What one POST to Twilio came to, for every answer that a server can give, and that it is made once."""

from __future__ import annotations

import json
import logging
import pickle
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest
from certificates import server_context
from scripted_server import PAGE, Reply, serving

from capstan.delivery import Outcome
from capstan.errors import MessagingError, MessagingUnavailable
from capstan.messaging import Text, Twilio

ACCOUNT = f"AC{'0' * 8}{'5' * 24}"
TOKEN = "0123456789abcdef0123456789abcdef"
PHONE, WORDS = "+12065550123", "Marigold, your visit is tomorrow"
SID = f"SM{'a1' * 16}"
TEXT = Text("row-1", PHONE, WORDS, "http://127.0.0.1:1/status?m=row-1", 600)
SINCE = datetime(2026, 1, 1, tzinfo=UTC)


def twilio(url: str, **options) -> Twilio:
    options = {"sender": "+15005550006", "timeout_seconds": (2.0, 0.3), **options}
    return Twilio(ACCOUNT, TOKEN, base_url=url.removesuffix("/api/"), **options)


def resource(**changes: object) -> dict[str, object]:
    plain = {
        "sid": SID,
        "body": WORDS,
        "status": "queued",
        "direction": "outbound-api",
        "num_segments": "1",
        "error_code": None,
        "date_created": "Thu, 15 Oct 2026 20:12:31 +0000",
    }
    return {**plain, **changes}


def created(**changes: object) -> Reply:
    return Reply(json.dumps(resource(**changes)), 201)


def refused(status: int, code: int, **headers: str) -> Reply:
    body = {"code": code, "message": f"about {PHONE}", "more_info": "", "status": status}
    return Reply(json.dumps(body), status, headers=headers)


def problem(status: int, code: int) -> Reply:
    """The newer form of an error (RFC 9457)."""
    return Reply(json.dumps({"type": "", "title": f"about {PHONE}", "status": status, "code": code}), status)


def test_an_answer_says_when_the_text_left() -> None:
    with serving(created()) as server:
        before = datetime.now(UTC)
        answer = twilio(server.url).send(TEXT)

    assert answer.left_at is not None
    assert before <= answer.left_at <= datetime.now(UTC)


def test_a_text_whose_time_to_leave_is_over_stays_here() -> None:
    with serving(created()) as server:
        connected = twilio(server.url)
        late = connected.send(replace(TEXT, leave_by=datetime.now(UTC) - timedelta(seconds=1)))
        then = connected.send(TEXT)

    assert (late.outcome, late.left_at) == (Outcome.NOT_SENT, None)
    assert then.outcome is Outcome.ACCEPTED
    assert len(server.forms) == 1


ANSWERS = [
    (created(), Outcome.ACCEPTED, 0),
    (created(sid=f"MM{'0f' * 16}", status="accepted", num_segments="0"), Outcome.ACCEPTED, 0),
    (refused(429, 20429), Outcome.THROTTLED, 20429),
    (refused(429, 21611), Outcome.THROTTLED, 21611),
    (problem(429, 20429), Outcome.THROTTLED, 20429),
    (Reply(PAGE, 429), Outcome.THROTTLED, 0),
    (refused(400, 21610), Outcome.REJECTED, 21610),
    (refused(400, 21211), Outcome.REJECTED, 21211),
    (refused(403, 21408), Outcome.REJECTED, 21408),
    (refused(400, 99999), Outcome.REJECTED, 99999),
    (problem(400, 21614), Outcome.REJECTED, 21614),
    (refused(401, 20003), Outcome.HALT, 20003),
    (refused(403, 99999), Outcome.HALT, 99999),
    (refused(404, 20404), Outcome.HALT, 20404),
    (refused(400, 21606), Outcome.HALT, 21606),
    (refused(400, 21609), Outcome.HALT, 21609),
    (Reply(PAGE, 400), Outcome.HALT, 0),
    (Reply(PAGE, 403), Outcome.HALT, 0),
    (Reply(PAGE, 404), Outcome.HALT, 0),
    (Reply("[]", 407), Outcome.HALT, 0),
    (Reply(PAGE, 408), Outcome.UNKNOWN, 0),
    (refused(500, 20500), Outcome.UNKNOWN, 20500),
    (refused(503, 20503), Outcome.UNKNOWN, 20503),
    (Reply(PAGE, 502), Outcome.UNKNOWN, 0),
    (Reply("", 302, headers={"Location": "http://127.0.0.1:1/"}), Outcome.UNKNOWN, 0),
    (Reply("{}", 201), Outcome.UNKNOWN, 0),
    (Reply(PAGE, 201), Outcome.UNKNOWN, 0),
    (Reply("", 201), Outcome.UNKNOWN, 0),
    (Reply("[]", 201), Outcome.UNKNOWN, 0),
    (Reply("null", 201), Outcome.UNKNOWN, 0),
    (created(sid=5), Outcome.UNKNOWN, 0),
    (created(sid="<html>"), Outcome.UNKNOWN, 0),
    (Reply(json.dumps(resource()), 201, sent=40), Outcome.UNKNOWN, 0),
    (Reply(drops=True), Outcome.UNKNOWN, 0),
    (Reply(status=201, hangs=True), Outcome.UNKNOWN, 0),
]


@pytest.mark.parametrize(("reply", "outcome", "code"), ANSWERS)
def test_each_answer_comes_to_its_outcome_after_one_post(reply: Reply, outcome: Outcome, code: int) -> None:
    with serving(reply) as server:
        answer = twilio(server.url).send(TEXT)

    assert (answer.outcome, answer.code) == (outcome, code)
    assert server.methods == ["POST"]
    assert "Marigold" not in repr(answer)
    assert PHONE not in repr(answer)


def test_an_accepted_message_has_its_name_status_and_segments() -> None:
    with serving(created(num_segments="3")) as server:
        answer = twilio(server.url).send(TEXT)

    assert (answer.sid, answer.status, answer.segments) == (SID, "queued", 3)


def test_a_post_says_all_that_twilio_must_know() -> None:
    with serving(created()) as server:
        twilio(server.url, service=f"MG{'0' * 32}").send(TEXT)

    assert server.forms[0] == {
        "To": PHONE,
        "From": "+15005550006",
        "MessagingServiceSid": f"MG{'0' * 32}",
        "Body": WORDS,
        "StatusCallback": TEXT.callback_url,
        "ValidityPeriod": "600",
    }


@pytest.mark.parametrize(("seconds", "sent"), [(-5, "1"), (0, "1"), (36_001, "36000"), (90_000, "36000")])
def test_the_time_in_the_queue_stays_within_what_twilio_takes(seconds: int, sent: str) -> None:
    with serving(created()) as server:
        twilio(server.url).send(Text("row-1", PHONE, WORDS, valid_for_seconds=seconds))

    assert server.forms[0]["ValidityPeriod"] == sent


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        (
            {"Date": "Thu, 15 Oct 2026 20:00:00 GMT", "Retry-After": "Thu, 15 Oct 2026 20:01:30 GMT"},
            90,
        ),
        ({"Retry-After": "soon"}, 1),
        ({"Retry-After": "²"}, 1),
        ({"Retry-After": "9" * 400}, 86_400),
        ({}, 1),
    ],
)
def test_a_throttled_message_waits_as_long_as_twilio_says(headers: dict[str, str], seconds: float) -> None:
    with serving(refused(429, 20429, **headers)) as server:
        answer = twilio(server.url).send(TEXT)

    assert answer.retry_after_seconds == seconds


def test_a_full_queue_waits_for_hours_and_too_many_calls_for_a_second() -> None:
    with serving(refused(429, 21611), refused(429, 20429)) as server:
        client = twilio(server.url)
        waits = [client.send(TEXT).retry_after_seconds for _ in range(2)]

    assert waits == [4 * 3600, 1]


def test_a_text_that_cannot_be_encoded_is_rejected_before_anything_is_sent() -> None:
    with serving(created()) as server:
        answer = twilio(server.url).send(Text("row-1", PHONE, "\ud800"))

    assert answer.outcome is Outcome.REJECTED
    assert server.methods == []


def test_a_refused_connection_is_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    assert twilio(f"http://127.0.0.1:{port}").send(TEXT).outcome is Outcome.NOT_SENT


def test_a_name_that_nobody_knows_is_not_sent() -> None:
    assert twilio("http://nowhere.invalid:1").send(TEXT).outcome is Outcome.NOT_SENT


def test_a_certificate_that_does_not_hold_is_not_sent(tmp_path) -> None:
    with tls_server(server_context(tmp_path)) as (url, requests):
        answer = twilio(url).send(TEXT)

    assert answer.outcome is Outcome.NOT_SENT
    assert requests == []


def test_a_server_without_tls_at_a_tls_address_is_not_sent() -> None:
    with serving(created()) as server:
        answer = twilio(server.url.replace("http:", "https:")).send(TEXT)

    assert answer.outcome is Outcome.NOT_SENT


@pytest.mark.parametrize("is_open", [True, False])
def test_a_proxy_that_lets_nothing_through_leaves_it_not_sent(monkeypatch, is_open: bool) -> None:
    with serving(Reply()) as server:
        if not is_open:
            server.stop()
        monkeypatch.setenv("HTTPS_PROXY", server.url)
        answer = Twilio(f"AC{'ab' * 16}", TOKEN, sender="+15005550006").send(TEXT)

    assert answer.outcome is Outcome.NOT_SENT


@pytest.mark.parametrize("farewell", [b"", b"\x17\x03\x03\x00\x20" + b"x" * 32])
def test_tls_that_breaks_after_the_request_leaves_it_unknown(tmp_path, farewell: bytes) -> None:
    context = server_context(tmp_path)
    with tls_server(context, farewell=farewell) as (url, requests):
        client = twilio(url)
        client._client.http_client.session.verify = str(tmp_path / "certificate.pem")
        answer = client.send(TEXT)

    assert answer.outcome is Outcome.UNKNOWN
    assert len(requests) == 1


def test_a_connection_that_is_used_again_and_lost_leaves_it_unknown() -> None:
    with keeping_server([created(), Reply(drops=True)]) as url:
        client = twilio(url)
        outcomes = [client.send(TEXT).outcome for _ in range(2)]

    assert outcomes == [Outcome.ACCEPTED, Outcome.UNKNOWN]


def test_threads_that_share_a_client_each_get_their_own_answer() -> None:
    def by_text(form: dict[str, str]) -> Reply:
        number = int(form["Body"])
        return refused(429, 20429, **{"Retry-After": str(number)}) if number % 2 else created()

    found: dict[int, float] = {}
    with serving(by=by_text) as server:
        client = twilio(server.url, timeout_seconds=(5.0, 5.0))

        def work(numbers: range) -> None:
            for number in numbers:
                found[number] = client.send(Text(str(number), PHONE, str(number))).retry_after_seconds

        threads = [Thread(target=work, args=(range(first, 40, 4),)) for first in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert found == {number: number if number % 2 else 0 for number in range(40)}


def page(*rows: dict[str, object], following: str | None = None) -> Reply:
    return Reply(json.dumps({"messages": rows, "page": 0, "page_size": 200, "next_page_uri": following}))


def test_listing_reads_all_pages_and_only_what_we_sent_since() -> None:
    old = resource(sid=f"SM{'1' * 32}", date_created="Thu, 31 Dec 2025 23:59:59 +0000")
    reply = resource(sid=f"SM{'2' * 32}", direction="inbound")
    failed = resource(sid=f"SM{'3' * 32}", status="failed", error_code=21610, body=None)
    pages = [page(resource(), old, following="/2010-04-01/Messages.json?Page=1"), page(reply, failed)]
    with serving(*pages) as server:
        found = twilio(server.url).listed(PHONE, since=SINCE)

    assert [(one.sid, one.text, one.status, one.code) for one in found] == [
        (SID, WORDS, "queued", 0),
        (f"SM{'3' * 32}", "", "failed", 21610),
    ]
    assert found[0].created_at == datetime(2026, 10, 15, 20, 12, 31, tzinfo=UTC)


def test_a_message_that_twilio_does_not_have_is_none() -> None:
    with serving(refused(404, 20404)) as server:
        found = twilio(server.url).fetch(SID)

    assert found is None


READS = {
    "listed": lambda client: client.listed(PHONE, since=SINCE),
    "fetch": lambda client: client.fetch(SID),
    "forget": lambda client: client.forget(SID, whole=False),
    "number_type": lambda client: client.number_type(PHONE),
    "account_status": lambda client: client.account_status(),
    "owns_sender": lambda client: client.owns_sender(),
}
UNAVAILABLE = [
    refused(429, 20429),
    refused(503, 20503),
    Reply(PAGE, 200),
    Reply("{}", 200),
    Reply(drops=True),
    Reply(PAGE, 302),
]


@pytest.mark.parametrize("read", ["listed", "fetch", "forget", "account_status"])
@pytest.mark.parametrize("reply", UNAVAILABLE)
def test_a_question_without_usable_answer_may_be_asked_again(read: str, reply: Reply) -> None:
    if reply.body == "{}" and read in ("forget", "account_status"):
        reply = Reply("[]", 200)
    with serving(reply) as server, pytest.raises(MessagingUnavailable) as caught:
        READS[read](twilio(server.url))

    assert PHONE not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("reply", [refused(401, 20003), Reply(PAGE, 404), Reply(PAGE, 407)])
def test_a_question_that_is_refused_says_where_to_look(read: str, reply: Reply) -> None:
    with serving(reply) as server, pytest.raises(MessagingError, match="capstan doctor") as caught:
        READS[read](twilio(server.url))

    assert not caught.value.retryable
    assert PHONE not in str(caught.value)


def test_nothing_that_identifies_is_logged(caplog) -> None:
    caplog.set_level(logging.DEBUG)
    with serving(page(resource())) as server:
        client = twilio(server.url)
        client.listed(PHONE, since=SINCE)
        client.send(TEXT)

    assert not [word for word in ("12065550123", "Marigold", TOKEN) if word in caplog.text]


def test_a_connection_and_its_messages_show_and_keep_no_secret() -> None:
    client = twilio("http://127.0.0.1:1")

    with pytest.raises(TypeError, match="not written to files"):
        pickle.dumps(client)
    assert repr(client) == "<Twilio>"
    assert PHONE not in repr(TEXT)
    assert "Marigold" not in repr(TEXT)


@contextmanager
def tls_server(context: ssl.SSLContext, *, farewell: bytes = b"") -> Iterator[tuple[str, list[bytes]]]:
    """A server that reads one request through TLS and then breaks off, after bytes that are no TLS."""
    requests: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        raw, _ = listener.accept()
        with raw:
            try:
                secured = context.wrap_socket(raw, server_side=True)
            except ssl.SSLError:
                return
            requests.append(secured.recv(65536))
            bare = socket.socket(fileno=secured.detach())
            bare.sendall(farewell)
            bare.close()

    thread = Thread(target=serve, daemon=True)
    thread.start()
    with listener:
        yield f"https://127.0.0.1:{listener.getsockname()[1]}", requests
        thread.join(5)


@contextmanager
def keeping_server(replies: list[Reply]) -> Iterator[str]:
    """A server that keeps its connection open between the replies and closes it instead of the last."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            for reply in replies:
                connection.recv(65536)
                if not reply.drops:
                    body = reply.raw()
                    head = f"HTTP/1.1 {reply.status} X\r\nContent-Length: {len(body)}\r\n\r\n"
                    connection.sendall(head.encode() + body)

    thread = Thread(target=serve, daemon=True)
    thread.start()
    with listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join(5)
