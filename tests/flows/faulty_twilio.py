"""A Twilio that counts what it was sent, and loses, repeats and delays what it says of it."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from threading import Lock, Thread
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

ACCOUNT = f"AC{'0' * 8}{'5' * 24}"
TOKEN = "0123456789abcdef0123456789abcdef"
SENDER = "+15005550006"

# What may happen to a request, and how often.
FATES = {
    "answered": 64,
    "answer lost": 8,  # made, then the connection is closed
    "answer late": 4,  # made, and answered when the client has gone
    "made late": 2,  # made only when the client has gone
    "failed after": 6,  # made, then status 500
    "empty answer": 3,  # made, then {}
    "failed before": 5,  # not made, status 503
    "lost before": 5,  # not made, the connection is closed
    "throttled": 3,  # not made, status 429
}
MADE = frozenset({"answered", "answer lost", "answer late", "made late", "failed after", "empty answer"})

Heard = Callable[[str, str, str], None]


class Sent(NamedTuple):
    """A message that was made: when, and what it says."""

    sid: str
    to: str
    body: str
    at: float


class FaultyTwilio:
    """Takes messages over HTTP with faults by chance; `heard` gets the callbacks: our id, sid, status."""

    def __init__(
        self,
        chance: random.Random,
        *,
        fates: dict[str, int] = FATES,
        late_seconds: float = 0.6,
        latency_seconds: float = 0.01,
    ) -> None:
        self.sent: list[Sent] = []
        self.fates: Counter[str] = Counter()
        self.calls: Queue[tuple[float, str, str, str]] = Queue()
        self._chance, self._weights, self._late, self._latency = chance, fates, late_seconds, latency_seconds
        self._lock = Lock()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    @contextmanager
    def serving(self) -> Iterator[FaultyTwilio]:
        """Serve on loopback."""
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()

    def post(self, form: dict[str, str]) -> tuple[str, str]:
        """Take a message; returns its fate and the answer's body."""
        time.sleep(self._latency)
        with self._lock:
            fate = self._chance.choices(list(self._weights), list(self._weights.values()))[0]
            self.fates[fate] += 1
        if fate == "made late":
            time.sleep(self._late)
        return fate, self._make(form) if fate in MADE else ""

    def listed(self, to: str) -> str:
        """The messages to a number, newest first."""
        with self._lock:
            found = [_resource(one) for one in reversed(self.sent) if one.to == to]
        return json.dumps({"messages": found, "page": 0, "page_size": 200, "next_page_uri": None})

    def take_calls(self, heard: Heard) -> None:
        """Make the callbacks that are due."""
        for _ in range(self.calls.qsize()):
            due, attempt, sid, status = self.calls.get()
            if due > time.monotonic():
                self.calls.put((due, attempt, sid, status))
            else:
                heard(attempt, sid, status)

    def counted(self) -> Counter[tuple[str, str]]:
        """How often each text was made for each number."""
        return Counter((one.to, one.body) for one in self.sent)

    def _make(self, form: dict[str, str]) -> str:
        with self._lock:
            one = Sent(f"SM{len(self.sent):032x}", form["To"], form["Body"], time.time())
            self.sent.append(one)
            if "StatusCallback" in form:
                self._plan_calls(parse_qs(urlsplit(form["StatusCallback"]).query)["m"][0], one.sid)
        return json.dumps(_resource(one))

    def _plan_calls(self, attempt: str, sid: str) -> None:
        """Most callbacks come, some twice, in any order, at once or late; a third of messages has none."""
        if self._chance.random() < 0.35:
            return
        for status in self._chance.sample(["queued", "sent", "delivered"], 3):
            for _ in range(self._chance.choice((0, 1, 1, 1, 2))):
                due = time.monotonic() + self._chance.choice((0, 0.1, 1.0, 4.0))
                self.calls.put((due, attempt, sid, status))


def _resource(one: Sent) -> dict[str, object]:
    return {
        "sid": one.sid,
        "to": one.to,
        "body": one.body,
        "status": "queued",
        "direction": "outbound-api",
        "num_segments": "1",
        "error_code": None,
        "date_created": format_datetime(datetime.fromtimestamp(one.at, UTC)),
    }


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *args: object) -> None:
        """Say nothing: clients are killed here."""


def _handler(twilio: FaultyTwilio) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # One packet for an answer: several wait for one another.
        wbufsize = -1

        def do_GET(self) -> None:
            to = parse_qs(urlsplit(self.path).query)["To"][0]
            self._answer(200, twilio.listed(to))

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"])).decode()
            fate, body = twilio.post({name: values[0] for name, values in parse_qs(raw).items()})
            if fate in ("answer lost", "lost before", "made late"):
                self.close_connection = True
            elif fate == "answer late":
                time.sleep(0.6)
                self._answer(201, body)
            elif fate == "throttled":
                error = {"code": 20429, "message": "Too many requests", "more_info": "", "status": 429}
                self._answer(429, json.dumps(error), retry_after="0")
            else:
                status = {"failed after": 500, "failed before": 503}.get(fate, 201)
                self._answer(status, body if fate == "answered" else "{}")

        def _answer(self, status: int, body: str, retry_after: str = "") -> None:
            data = body.encode()
            try:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                if retry_after:
                    self.send_header("Retry-After", retry_after)
                self.end_headers()
                self.wfile.write(data)
            except OSError:
                # The client was killed, or did not wait.
                self.close_connection = True

        def log_message(self, *args: object) -> None:
            pass

    return Handler
