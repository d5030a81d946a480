"""Counts requests, and refuses those above what the account may make (7.3, step 4)."""

from __future__ import annotations

import threading
import time

from sandbox.twilio.config import Limits
from sandbox.twilio.refusals import Refused

_RETRY_AFTER_SECONDS = 1
_TOO_MANY = 20429


class Throttle:
    """Requests at once, and a bucket of one second of requests; of real time, as the clients are real."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now_open, self._left, self._filled_at = 0, 0.0, 0.0
        self.requests = 0

    def enter(self, limits: Limits) -> None:
        """Count a request that begins; raises `Refused` for one too many. Every one has to `leave`."""
        with self._lock:
            self.requests += 1
            self._now_open += 1
            too_many = limits.max_concurrent and self._now_open > limits.max_concurrent
            if too_many or not self._takes(limits.per_second, time.monotonic()):
                raise Refused(_TOO_MANY, retry_after=_RETRY_AFTER_SECONDS)

    def leave(self) -> None:
        with self._lock:
            self._now_open -= 1

    def _takes(self, per_second: int, now: float) -> bool:
        if not per_second:
            return True
        self._left = min(per_second, self._left + (now - self._filled_at) * per_second)
        self._filled_at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
