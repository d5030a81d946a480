"""Controls of the one clock: stop it, let it run faster, and jump ahead with all that happens meanwhile."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from sandbox.clock import REAL, Course
from sandbox.control.orders import Order
from sandbox.errors import ApiError
from sandbox.state import State

FIRST_YEAR, LAST_YEAR = 1000, 9000
MAX_SPEED = 100_000
MAX_ADVANCE_SECONDS = 20 * 366 * 86_400


def show_clock(state: State, _: Order) -> Any:
    """Show the clock, and how fast it goes."""
    clock = state.clock
    utc = datetime.fromtimestamp(clock.epoch(), UTC).isoformat(timespec="seconds")
    return {"now": clock.stamp(), "utc": utc, "speed": clock.course.speed, "is_frozen": clock.is_frozen}


def set_clock(state: State, order: Order) -> Any:
    """Stop the clock at `now` (ISO), let it run at `speed` from there, or go with the computer's for null."""
    moment, speed = order.text("now"), order.decimal("speed", 0, low=0, high=MAX_SPEED)
    has_speed = order.text("speed") != ""
    if not moment and not has_speed:
        state.set_clock(REAL)
    else:
        start = _read_moment(moment) if moment else state.clock.epoch()
        state.set_clock(Course(start, time.time(), speed))
    return show_clock(state, order)


def advance_clock(state: State, order: Order) -> Any:
    """Jump `seconds` ahead: messages go their way in order, and each webhook is posted before the next."""
    seconds = order.decimal("seconds", 0, low=0, high=MAX_ADVANCE_SECONDS)
    if datetime.fromtimestamp(state.clock.epoch(), UTC).year > LAST_YEAR:
        raise ApiError("The clock cannot go further.")
    count = state.twilio.advance(seconds)
    return {**show_clock(state, order), "events": count}


def _read_moment(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
        # The log is sorted as text, for which a year needs its four digits.
        if FIRST_YEAR <= moment.year <= LAST_YEAR:
            return moment.timestamp()
    except (ValueError, OverflowError):
        pass
    raise ApiError("now must be a moment like 2026-06-01T12:00:00.")
