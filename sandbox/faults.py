"""Faults that the next requests meet, so that clients can be tried on bad days."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from starlette.types import Scope

from sandbox.data.edits import Cell

TRANSPORT = "sandbox.transport"


class Kind(StrEnum):
    """What goes wrong."""

    STATUS = "status"
    HTML = "html"
    EMPTY = "empty"
    TRUNCATED = "truncated"
    CLOSE_BEFORE = "close_before"
    CLOSE_AFTER = "close_after"
    LATENCY = "latency"
    ROW_LATENCY = "row_latency"
    BAN = "ban"
    SECOND_WRITER = "second_writer"


@dataclass(frozen=True)
class SecondWrite:
    """A cell that another user edits."""

    project_id: int
    cell: Cell
    username: str


@dataclass(frozen=True)
class Fault:
    """One fault, and which requests meet it.

    `status` is that of STATUS, `seconds` that of the two latencies, `write` that of SECOND_WRITER. Of the
    requests that fit `content` and `action`, the first `after` pass; then `count` of them meet the fault,
    each with `probability`, which is drawn from `seed`.
    """

    kind: Kind
    status: int = 503
    seconds: float = 0.0
    content: str = ""
    action: str = ""
    after: int = 0
    count: int = 1
    probability: float = 1.0
    seed: int = 0
    write: SecondWrite | None = None

    def fits(self, content: str, action: str) -> bool:
        """Whether a request is of the method that the fault is limited to."""
        return self.content in ("", content) and self.action in ("", action)


class Waiting:
    """A fault that waits, and how many requests have yet to pass it and to meet it."""

    def __init__(self, fault: Fault) -> None:
        self.fault, self.left, self.to_pass = fault, fault.count, fault.after
        self._random = Random(fault.seed)

    def strikes(self) -> bool:
        """Count one fitting request, and say whether it meets the fault."""
        if self.to_pass > 0:
            self.to_pass -= 1
            return False
        if self._random.random() >= self.fault.probability:
            return False
        self.left -= 1
        return True


class Faults:
    """The faults that wait, oldest first, and how many of each kind were met."""

    def __init__(self) -> None:
        self._waiting: list[Waiting] = []
        self._met: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._waiting.append(Waiting(fault))

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()
            self._met.clear()

    def take(self, content: str, action: str) -> Fault | None:
        """Take the oldest fault that a request meets; one request meets one at most."""
        with self._lock:
            fitting = (one for one in self._waiting if one.fault.fits(content, action))
            struck = next((one for one in fitting if one.strikes()), None)
            if struck is None:
                return None
            self._met[struck.fault.kind.value] += 1
            self._waiting = [one for one in self._waiting if one.left > 0]
            return struck.fault

    def waiting(self) -> list[Waiting]:
        with self._lock:
            return list(self._waiting)

    def met(self) -> dict[str, int]:
        """Return how often each kind was met."""
        with self._lock:
            return dict(self._met)

    def __len__(self) -> int:
        return sum(one.left for one in self.waiting())


async def close_socket(scope: Scope) -> None:
    """Cut the connection without an answer."""
    transport = scope.get(TRANSPORT)
    if transport is None:
        raise RuntimeError("only a served sandbox has a socket to close")
    transport.abort()
    # The server learns of it in the loop's next round, and then sends nothing more.
    await asyncio.sleep(0)
    await asyncio.sleep(0)
