"""Warns of tokens that are not the sandbox's own, without repeating them."""

from __future__ import annotations

import logging
import threading
import time

_PAUSE_SECONDS = 10.0
_log = logging.getLogger("sandbox")


class StrangerWarning:
    """At most one warning in ten seconds; it counts those that were kept back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._refused = 0
        self._next = 0.0

    def warn(self) -> None:
        """Say that a token was refused: it may open a real project, and is then in the wrong place."""
        with self._lock:
            self._refused += 1
            if time.monotonic() < self._next:
                return
            self._next = time.monotonic() + _PAUSE_SECONDS
            count, self._refused = self._refused, 0
        _log.warning(
            "Refused a token that is not this sandbox's own (%d since the last warning). If it is that of a "
            "real project, see where it came from.",
            count,
        )
