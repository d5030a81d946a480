"""The sandbox's one clock, which a test may stop, set, and let run faster."""

from __future__ import annotations

import time
from datetime import datetime
from typing import NamedTuple

STAMP = "%Y-%m-%d %H:%M:%S"


class Course(NamedTuple):
    """How the clock goes: it showed `start` when it was `since`, both in epoch seconds."""

    start: float
    since: float
    speed: float

    def at(self, real: float) -> float:
        return self.start + (real - self.since) * self.speed


REAL = Course(0.0, 0.0, 1.0)


class Clock:
    """Local time without a zone, as REDCap servers keep it, and the same as epoch seconds."""

    def __init__(self) -> None:
        self.course = REAL

    def freeze(self, moment: datetime | None) -> None:
        """Stop at a moment, or go with the computer's clock for None; without a zone it is local time."""
        self.course = REAL if moment is None else Course(moment.timestamp(), 0.0, 0.0)

    def run(self, start: float, *, speed: float) -> None:
        """Show `start` (epoch seconds) now, and go `speed` times as fast as time does; 0 stands still."""
        self.course = Course(start, time.time(), speed)

    @property
    def is_frozen(self) -> bool:
        return self.course.speed == 0

    def epoch(self) -> float:
        """Return now in epoch seconds."""
        return self.course.at(time.time())

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.epoch())  # noqa: DTZ006  # REDCap's clock has no zone

    def stamp(self) -> str:
        return self.now().strftime(STAMP)
