"""The sandbox's clock, and the timetable that goes by it."""

from __future__ import annotations

import sqlite3
import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest

from sandbox.clock import Clock, Course
from sandbox.twilio.timetable import Timetable

WAIT_SECONDS = 10


def test_a_moment_without_a_zone_is_shown_as_it_was_given() -> None:
    clock = Clock()

    clock.freeze(datetime.fromisoformat("2026-06-01T12:34:56"))

    assert clock.stamp() == "2026-06-01 12:34:56"
    assert clock.is_frozen


def test_a_moment_with_a_zone_is_that_instant() -> None:
    moment = datetime(2026, 6, 1, 12, tzinfo=timezone(timedelta(hours=-7)))
    clock = Clock()

    clock.freeze(moment)

    assert datetime.fromtimestamp(clock.epoch(), UTC) == moment


@pytest.mark.parametrize(("speed", "shown"), [(0, 100), (1, 103), (60, 280)])
def test_a_course_goes_as_fast_as_it_is_told(speed: float, shown: float) -> None:
    course = Course(start=100, since=1000, speed=speed)

    assert course.at(1003) == shown


class Stumbling:
    """One event, which cannot be stored the first time."""

    def __init__(self) -> None:
        self.happened = threading.Event()
        self.tries = 0

    def next_due(self) -> float | None:
        return None if self.happened.is_set() else 0.0

    def happen_next(self, until: float) -> bool:
        self.tries += 1
        if self.tries == 1:
            raise sqlite3.OperationalError("database or disk is full")
        if self.happened.is_set():
            return False
        self.happened.set()
        return True

    def settle(self) -> None:
        return None


def test_what_a_full_disk_does_not_take_happens_later() -> None:
    schedule = Stumbling()
    timetable = Timetable(schedule, Clock(), advanced=lambda: None)
    timetable.wake()

    has_happened = schedule.happened.wait(WAIT_SECONDS)
    timetable.close()

    assert has_happened
    assert schedule.tries >= 2
