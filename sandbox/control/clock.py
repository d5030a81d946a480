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


def freeze_clock(state: State, order: Order) -> Any:
    """Stop the clock `at` a moment (ISO, or epoch seconds), or where it stands; null lets it go again."""
    given = order.body.get("at", "")
    start = _moment_at(order) if given not in (None, "") else state.clock.epoch()
    with state.writing():
        state.set_clock(REAL if given is None else Course(start, time.time(), 0))
    # Who stops the clock later finds that all has happened that was due by then.
    state.twilio.advance(0)
    return show_clock(state, order)


def speed_clock(state: State, order: Order) -> Any:
    """Let the clock go `n` times as fast as time does, from where it stands."""
    return set_clock(state, Order(body={"speed": order.decimal("n", 1, low=0, high=MAX_SPEED)}))


def advance_clock(state: State, order: Order) -> Any:
    """Jump `seconds` ahead: messages go their way in order, and each webhook is posted before the next."""
    seconds = order.decimal("seconds", 0, low=0, high=MAX_ADVANCE_SECONDS)
    if datetime.fromtimestamp(state.clock.epoch(), UTC).year > LAST_YEAR:
        raise ApiError("The clock cannot go further.")
    count = state.twilio.advance(seconds)
    return {**show_clock(state, order), "events": count}


def _moment_at(order: Order) -> float:
    if isinstance(order.body["at"], str):
        return _read_moment(order.text("at"))
    low, high = (datetime(year, 1, 1, tzinfo=UTC).timestamp() for year in (FIRST_YEAR, LAST_YEAR))
    return order.decimal("at", 0, low=low, high=high)


def _read_moment(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
        # The log is sorted as text, for which a year needs its four digits.
        if FIRST_YEAR <= moment.year <= LAST_YEAR:
            return moment.timestamp()
    except (ValueError, OverflowError):
        pass
    raise ApiError("A moment is written like 2026-06-01T12:00:00.")
