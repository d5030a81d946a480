"""Progress: long work says how far it has come, to whoever listens; short work says nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import Lock
from typing import Protocol

Advance = Callable[[int], None]
"""Is told how much more is done."""

PATIENCE_SECONDS = 2.0
"""Work that ends sooner is not told of."""


class Display(Protocol):
    """Shows one piece of work."""

    def tell(self, done: int, total: int) -> None:
        """Show how much is done, and of how much."""

    def end(self) -> None:
        """Show no more of it, however the work ended; called only if something was told."""


@dataclass(frozen=True)
class Listener:
    """Hears of work: `begin` gets the name of each piece and gives what shows it.

    That is told no more often than `every_seconds`.
    """

    begin: Callable[[str], Display]
    every_seconds: float


_LISTENERS: ContextVar[tuple[Listener, ...]] = ContextVar("listeners", default=())


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Tell a listener of the work within; one that listens already is told once."""
    others = tuple(one for one in _LISTENERS.get() if one != listener)
    token = _LISTENERS.set((*others, listener))
    try:
        yield
    finally:
        _LISTENERS.reset(token)


@contextmanager
def working(name: str, total: int, *, clock: Callable[[], float] = time.monotonic) -> Iterator[Advance]:
    """Do a piece of work of so many parts; what comes back is told of each part, from any thread.

    `name` holds nothing about a participant, for it is kept. Work within work is a part of it, and not
    told of.
    """
    listeners = _LISTENERS.get()
    token = _LISTENERS.set(())
    start = clock() + PATIENCE_SECONDS
    work = _Work(total, clock, [_Hearing(one.begin(name), one.every_seconds, start) for one in listeners])
    try:
        yield work.advance
        work.tell_end()
    finally:
        _LISTENERS.reset(token)
        work.close()


@dataclass
class _Hearing:
    display: Display
    every_seconds: float
    next_at: float
    has_heard: bool = False


@dataclass
class _Work:
    total: int
    clock: Callable[[], float]
    hearings: list[_Hearing]
    done: int = 0
    lock: Lock = field(default_factory=Lock)

    def advance(self, count: int) -> None:
        with self.lock:
            self.done += count
            for one in self.hearings:
                if self.clock() >= one.next_at:
                    self._tell(one)

    def tell_end(self) -> None:
        """Tell those who have heard of the work that it is done."""
        for one in self.hearings:
            if one.has_heard:
                self._tell(one)

    def close(self) -> None:
        """End what shows the work."""
        for one in self.hearings:
            if one.has_heard:
                one.display.end()

    def _tell(self, one: _Hearing) -> None:
        # More may come while it is worked on than there was.
        one.display.tell(self.done, max(self.total, self.done))
        one.has_heard = True
        one.next_at = self.clock() + one.every_seconds
