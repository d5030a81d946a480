"""Keeps a connection far enough below the number of requests for which REDCap bans an address."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import Protocol


class Pace(Protocol):
    """What says when one more request may begin."""

    def wait(self) -> None:
        """Sleep until then; threads may call it at the same time."""


class Throttle:
    """Let at most `limit` requests begin within any `window_seconds`; share one between connections.

    REDCap bans an address for good above 600 requests a minute, surveys included (section A.6), so the
    default leaves room for people behind the same address.
    """

    def __init__(
        self,
        limit: int = 500,
        window_seconds: float = 60.0,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._starts: deque[float] = deque(maxlen=limit)
        self._window_seconds, self._clock, self._sleep = window_seconds, clock, sleep
        self._lock = Lock()

    def wait(self) -> None:
        """Sleep until one more request may begin; each caller books its own moment, so threads queue up."""
        with self._lock:
            now = self._clock()
            is_full = len(self._starts) == self._starts.maxlen
            start = max(now, self._starts[0] + self._window_seconds) if is_full else now
            self._starts.append(start)
        if start > now:
            self._sleep(start - now)
