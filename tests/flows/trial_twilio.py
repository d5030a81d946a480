"""The sandbox's Twilio on its worst day: it loses, repeats and delays answers, callbacks and lists."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from random import Random
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from live_study import serving_sandbox

from capstan.messaging import Twilio

SENDER = "+15005550006"

# The last two digits are the fate of a phone: arriving ones; statuses out of order, twice, before the answer,
# or without callbacks; and those whose first requests are refused or cut, or whose answers are lost or late.
_FATES = (*range(60, 80), 4, 5, 6, 8, 9, *range(27, 36))
PHONES = tuple(f"+1{area}55501{fate:02}" for area, fate in product((206, 212), _FATES))

_TOO_MANY = json.dumps({"code": 20429, "message": "Too many requests", "more_info": "", "status": 429})
# What may befall a request, and how often: after the message was made, and before.
_FAULTS: tuple[tuple[float, Mapping[str, Any]], ...] = (
    (0.06, {"method": "POST", "after": True, "close": True}),
    (0.03, {"method": "POST", "after": True, "close": True, "seconds": 2}),
    (0.04, {"method": "POST", "after": True, "status": 500}),
    (0.03, {"method": "POST", "after": True, "status": 201, "body": "{}"}),
    (0.03, {"method": "POST", "status": 429, "body": _TOO_MANY, "headers": {"Retry-After": "0"}}),
    (0.05, {"close": True}),
    (0.05, {"status": 503}),
)
_CALLBACKS_LOST, _CALLBACKS_TWICE = 0.2, 0.2

Heard = Callable[[str, str, str], None]


@dataclass(frozen=True)
class TrialTwilio:
    """A served sandbox; `callback_url` is where its callbacks are heard."""

    addresses: Mapping[str, str]
    callback_url: str = ""

    def open(self, *, timeout_seconds: tuple[float, float] = (3.05, 10.0)) -> Twilio:
        """Our own client of it."""
        return Twilio(
            self.addresses["twilio_account_sid"],
            self.addresses["twilio_auth_token"],
            sender=SENDER,
            base_url=self.addresses["twilio_url"],
            timeout_seconds=timeout_seconds,
        )

    def begin(self) -> None:
        """Forget everything, and let the sender be faster than any trial."""
        self._control("reset")
        self._control("config", {"numbers": [{"number": SENDER, "segments_per_second": 10_000}]})

    def spoil(self, seed: int) -> None:
        """Let the next requests come to grief, by chance."""
        self._control("config", {"delays": {"never": 2, "slow": 2}})
        faults = [
            {**fault, "count": 100_000, "probability": share, "seed": seed * len(_FAULTS) + number}
            for number, (share, fault) in enumerate(_FAULTS)
        ]
        self._control("faults", faults)

    def requests(self) -> int:
        """How many requests were ever made."""
        return int(self._state()["requests"])

    def counted(self) -> Counter[tuple[str, str]]:
        """How often each text was made for each phone."""
        return Counter({(one["to"], one["body"]): one["count"] for one in self._state()["counts"]})

    def _state(self) -> Any:
        return requests.get(f"{self.addresses['control_url']}state", timeout=60).json()

    def _control(self, path: str, body: Any = None) -> None:
        url = f"{self.addresses['control_url']}{path}"
        requests.post(url, json=body, timeout=60).raise_for_status()


@contextmanager
def serving_twilio() -> Iterator[TrialTwilio]:
    """Serve a sandbox in a process of its own, with one sender."""
    with serving_sandbox() as addresses:
        twilio = TrialTwilio({**addresses})
        # Its service would need the numbers that a trial takes away.
        twilio._control("config", {"services": []})
        yield twilio


@contextmanager
def hearing(twilio: TrialTwilio, heard: Heard, *, chance: Random) -> Iterator[TrialTwilio]:
    """Give callbacks to `heard`: our id, sid, status; some are lost, some come twice."""
    server = _Receiver(("127.0.0.1", 0), _handler(heard, chance))
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield TrialTwilio(twilio.addresses, f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()


class _Receiver(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def _handler(heard: Heard, chance: Random) -> type[BaseHTTPRequestHandler]:
    lock = Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            attempt = parse_qs(urlsplit(self.path).query)["m"][0]
            with lock:
                drawn = chance.random()
            times = 0 if drawn < _CALLBACKS_LOST else 2 if drawn > 1 - _CALLBACKS_TWICE else 1
            for _ in range(times):
                # One after another: threads that all want to write keep a store busy for long.
                with lock:
                    heard(attempt, form["MessageSid"][0], form["MessageStatus"][0])
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    return Handler
