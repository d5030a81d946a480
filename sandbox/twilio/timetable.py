"""Lets events happen when they are due: in a thread as the clock goes, or while the clock is advanced."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable
from typing import Protocol

from sandbox.clock import Clock
from sandbox.twilio.database import Closed

_LONGEST_WAIT_SECONDS = 3600.0
_RETRY_SECONDS = 1.0
_log = logging.getLogger("sandbox")


class Schedule(Protocol):
    """What is to happen; moments are epoch seconds."""

    def next_due(self) -> float | None:
        """Return when the next event is due."""

    def happen_next(self, until: float) -> bool:
        """Let the next event happen that is due `until` then; returns whether there was one."""

    def settle(self) -> None:
        """Wait until what has happened is told."""


class Timetable:
    """One thread, which starts when it is first woken."""

    def __init__(self, schedule: Schedule, clock: Clock, *, advanced: Callable[[], object]) -> None:
        self._schedule, self._clock, self._advanced = schedule, clock, advanced
        self._woken = threading.Event()
        self._turn = threading.Lock()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def wake(self) -> None:
        """Look again at what is due: something was added, or the clock was set."""
        self._woken.set()
        with self._starting:
            if self._thread is None and not self._is_closed:
                self._thread = threading.Thread(target=self._work, name="sandbox-messages", daemon=True)
                self._thread.start()

    def advance(self, seconds: float) -> int:
        """Let the clock jump from event to event, and each be told of before the next; returns how many."""
        with self._turn:
            speed, target = self._clock.course.speed, self._clock.epoch() + seconds
            self._clock.run(target - seconds, speed=0)
            try:
                count = self._happen_until(target)
            finally:
                self._clock.run(target, speed=speed)
        self._advanced()
        self.wake()
        return count

    def close(self) -> None:
        with self._starting:
            self._is_closed = True
        self._woken.set()
        if self._thread is not None:
            self._thread.join()

    def _happen_until(self, target: float) -> int:
        count = 0
        self._schedule.settle()
        while (due := self._schedule.next_due()) is not None and due <= target:
            self._clock.run(max(due, self._clock.epoch()), speed=0)
            count += self._schedule.happen_next(due)
            self._schedule.settle()
        return count

    def _work(self) -> None:
        wait: float | None = 0.0
        while not self._is_closed:
            self._woken.wait(wait)
            self._woken.clear()
            try:
                wait = self._catch_up()
            except Closed:
                return
            except sqlite3.OperationalError as error:
                _log.error("What became of a message could not be stored (%s).", error)
                wait = _RETRY_SECONDS

    def _catch_up(self) -> float | None:
        """Let all happen that is due; returns seconds to the next event, None where only a change helps."""
        with self._turn:
            while not self._is_closed and self._schedule.happen_next(self._clock.epoch()):
                pass
            due, speed = self._schedule.next_due(), self._clock.course.speed
        if due is None or not speed:
            return None
        return min(max(due - self._clock.epoch(), 0) / speed, _LONGEST_WAIT_SECONDS)
