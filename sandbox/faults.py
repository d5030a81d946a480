"""Faults that the next requests meet, so that clients can be tried on bad days."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import StrEnum

from starlette.types import Scope

TRANSPORT = "sandbox.transport"


class Kind(StrEnum):
    """What goes wrong; `late` faults come after the work was done."""

    STATUS = "status"
    HTML = "html"
    EMPTY = "empty"
    TRUNCATED = "truncated"
    CLOSE_BEFORE = "close_before"
    CLOSE_AFTER = "close_after"
    LATENCY = "latency"


@dataclass(frozen=True)
class Fault:
    """One fault: `status` of STATUS, `seconds` of LATENCY; `content` and `action` limit it to a method."""

    kind: Kind
    status: int = 503
    seconds: float = 0.0
    content: str = ""
    action: str = ""

    def fits(self, content: str, action: str) -> bool:
        """Whether a request is of the method that the fault is limited to."""
        return self.content in ("", content) and self.action in ("", action)


class Faults:
    """The faults that wait, oldest first."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, fault: Fault, count: int = 1) -> None:
        self._waiting += [fault] * count

    def clear(self) -> None:
        self._waiting.clear()

    def take(self, content: str, action: str) -> Fault | None:
        """Take the oldest fault that fits a request."""
        for index, fault in enumerate(self._waiting):
            if fault.fits(content, action):
                return self._waiting.pop(index)
        return None

    def __len__(self) -> int:
        return len(self._waiting)


async def close_socket(scope: Scope) -> None:
    """Cut the connection without an answer."""
    transport = scope.get(TRANSPORT)
    if transport is None:
        raise RuntimeError("only a served sandbox has a socket to close")
    transport.abort()
    # The server learns of it in the loop's next round, and then sends nothing more.
    await asyncio.sleep(0)
    await asyncio.sleep(0)
