"""News of what happens, for pages that show it while it does."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

_KEPT = 10_000


@dataclass(frozen=True)
class News:
    """Something became of a message: it was made, reached a status, was answered, came in, or was told of.

    `kind` is `message`, `status`, `reply`, `inbound` or `webhook`.
    """

    number: int
    at: float
    kind: str
    sid: str


class Feed:
    """The latest news, numbered from 1."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._news: deque[News] = deque(maxlen=_KEPT)
        self._count = 0

    def tell(self, kind: str, sid: str, *, at: float) -> None:
        with self._lock:
            self._count += 1
            self._news.append(News(self._count, at, kind, sid))

    def last(self) -> int:
        """Return the number of the latest."""
        with self._lock:
            return self._count

    def after(self, number: int) -> list[News]:
        """Return what is newer than a number."""
        with self._lock:
            return [one for one in self._news if one.number > number]
