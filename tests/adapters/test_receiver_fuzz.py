"""Requests that nobody would send: never a 500, nothing kept, nothing of them in an answer or in the log."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from receiver_cases import SECRETS, Receiver, serving

import receiver.patience
import receiver.reading

MARK = "R7x9mark"
FORM = "application/x-www-form-urlencoded"
FUZZ = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SECRETS.items():
            patch.setenv(name, value)
        patch.setattr(receiver.reading, "BODY_SECONDS", 0.3)
        patch.setattr(receiver.patience, "HEAD_SECONDS", 0.3)
        with serving(tmp_path_factory.mktemp("receiver")) as running:
            yield running


def exchange(served: Receiver, sent: bytes, *, is_whole: bool = True) -> bytes:
    """Send bytes as they are, and read until the receiver closes or is silent."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as connection:
        connection.sendall(sent)
        if is_whole:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        try:
            while part := connection.recv(65536):
                answer += part
        except ConnectionResetError:
            return answer
    return answer


def status_of(answer: bytes) -> int:
    found = re.match(rb"HTTP/1\.1 ([0-9]{3}) ", answer)
    return int(found[1]) if found else 0


def request(method: bytes, path: bytes, headers: list[tuple[bytes, bytes]], body: bytes) -> bytes:
    lines = [b"%s %s HTTP/1.1" % (method, path), b"Host: x", *(b"%s: %s" % pair for pair in headers)]
    return b"\r\n".join([*lines, b"Content-Length: %d" % len(body), b"", body])


def check(served: Receiver, answer: bytes, *, kept: int) -> None:
    """Nothing broke, nothing was kept, nothing was repeated."""
    assert status_of(answer) not in (500, 204, 200)
    assert MARK.encode() not in answer
    assert served.count() == kept
    assert not any(MARK in line or served.trigger_path[8:] in line for line in served.log.lines)
    assert not any(" 500 " in line for line in served.log.lines)


FORMS = st.dictionaries(
    st.sampled_from(["record", "project_id", "redcap_url", "project_url", "instrument", "x", ""]),
    st.sampled_from(
        ["", "14", "https://redcap.test/", "http://[", "\x00", "\ud800", MARK, "é" * 3000, "exam"]
    ),
    max_size=6,
)


@FUZZ
@given(
    st.sampled_from([b"POST", b"GET", b"PUT", b"HEAD", b"TRACE", b"X"]),
    st.sampled_from(
        [
            "{trigger}",
            "/redcap/",
            "/twilio/status?m=",
            "/twilio/inbound",
            "/partner/robot",
            "/ready/",
            "/studies/demo/runs/",
            "/studies/demo/data-docs/",
            "/calendars/demo/",
        ]
    ),
    st.binary(max_size=40),
    st.sampled_from([FORM, "application/json", "multipart/form-data; boundary=x", MARK, ""]),
    st.one_of(
        st.binary(max_size=300), st.text(max_size=100).map(lambda text: text.encode("utf-8", "replace"))
    ),
)
@example(b"POST", "{trigger}", b"", FORM, b"record=%" + MARK.encode())
@example(b"POST", "/partner/robot", b"", "application/json", b'{"a":' * 9000)
@example(b"POST", "/partner/%2e%2e%2fscanner", b"", FORM, b"a=1")
def test_bytes_that_are_no_request_of_ours(
    served: Receiver, method: bytes, path: str, tail: bytes, kind: str, body: bytes
) -> None:
    where = path.format(trigger=served.trigger_path).encode() + tail.hex().encode() + MARK.encode()
    headers = [
        (b"Content-Type", kind.encode()),
        (b"X-Mark", MARK.encode()),
        (b"X-Forwarded-For", tail.hex().encode()),
    ]
    before = served.count()
    answer = exchange(served, request(method, where, headers, body))

    check(served, answer, kept=before)


@FUZZ
@given(FORMS, st.booleans())
def test_fields_that_are_no_trigger(served: Receiver, fields: dict[str, str], is_right: bool) -> None:
    pairs = "&".join(
        f"{name}={''.join(f'%{byte:02x}' for byte in value.encode('utf-8', 'surrogatepass'))}"
        for name, value in fields.items()
    )
    path = served.trigger_path if is_right else "/redcap/wrong"
    before = served.count()
    answer = exchange(
        served, request(b"POST", path.encode(), [(b"Content-Type", FORM.encode())], pairs.encode())
    )

    check(served, answer, kept=before)


@FUZZ
@given(st.binary(max_size=400))
@example(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n")
@example(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n")
@example(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nhello")
@example(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n")
@example(b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
@example(b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
def test_bytes_that_are_no_http(served: Receiver, sent: bytes) -> None:
    before = served.count()

    check(served, exchange(served, sent), kept=before)


def test_a_body_that_does_not_end_is_waited_for_no_longer_than_is_reasonable(served: Receiver) -> None:
    head = f"POST {served.trigger_path} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: 50\r\n\r\nrec"
    answer = exchange(served, head.encode(), is_whole=False)

    assert status_of(answer) == 408


@pytest.mark.parametrize("sent", [b"", b"POST /redcap/x HTTP/1.1\r\nHost: x\r\n"])
def test_a_head_that_does_not_end_is_hung_up_on(served: Receiver, sent: bytes) -> None:
    assert exchange(served, sent, is_whole=False) == b""


def test_after_all_this_the_receiver_still_takes_a_trigger(served: Receiver) -> None:
    before = served.count()

    assert served.tell(1).status_code == 204
    assert served.count() == before + 1
