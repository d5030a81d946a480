"""The clock card on the pages of phones: what time it is, here and there, and buttons that hurry it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

import phonenumbers.timezone
from starlette.responses import Response

from sandbox.clock import STAMP
from sandbox.control import clock
from sandbox.control.orders import Order
from sandbox.errors import ApiError
from sandbox.pages.asked import Asked, go_to
from sandbox.state import State
from sandbox.twilio.reading import Pending

FAST = 60
MORNING_HOUR = 9
HOUR_SECONDS = 3600
# Two machines that answer each other end after a hundred messages; a receiver that writes may never end.
MOST_ROUNDS = 500


class Turn(StrEnum):
    """What a button does to the clock."""

    STOP = "stop"
    FAST = "fast"
    HOUR = "hour"
    MORNING = "morning"
    REST = "rest"
    REAL = "real"


class Card(NamedTuple):
    """The clock: in UTC, where the phone is ('' for unknown), its speed, and what is still to come."""

    utc: str
    there: str
    zone: str
    speed: float
    pending: Pending


def clock_card(state: State, phone: str) -> Card:
    """Return what the card tells beside the sandbox's own time."""
    now, zone, pending = state.clock.epoch(), zone_of(phone), state.twilio.reading.pending()
    utc = datetime.fromtimestamp(now, UTC).strftime(STAMP)
    there = datetime.fromtimestamp(now, zone).strftime("%a %H:%M") if zone else ""
    return Card(utc, there, zone.key if zone else "", state.clock.course.speed, pending)


def turn(state: State, asked: Asked) -> Response:
    """Do what a button of the card says, and show the page again on which it was pressed."""
    phone = asked.text("number").strip()
    match asked.text("turn"):
        case Turn.HOUR:
            _advance(state, HOUR_SECONDS)
        case Turn.MORNING:
            now = state.clock.epoch()
            _advance(state, morning_after(now, zone_of(phone)) - now)
        case Turn.STOP:
            clock.freeze_clock(state, Order())
        case Turn.REST:
            _advance_to_the_end(state)
        case word:
            _set(state, word)
    return go_to("messages/phone", number=phone, told="set") if phone else go_to("messages", told="set")


def zone_of(phone: str) -> ZoneInfo | None:
    """Return the time zone of a number's area, None where there is none or are several."""
    try:
        number = phonenumbers.parse(phone)
    except phonenumbers.NumberParseException:
        return None
    zones = phonenumbers.timezone.time_zones_for_number(number)
    return ZoneInfo(zones[0]) if len(zones) == 1 and zones[0] != "Etc/Unknown" else None


def morning_after(epoch: float, zone: ZoneInfo | None) -> float:
    """Return the next nine o'clock in a zone, or by the sandbox's own clock; in epoch seconds."""
    now = datetime.fromtimestamp(epoch, zone)
    nine = now.replace(hour=MORNING_HOUR, minute=0, second=0, microsecond=0)
    return (nine if nine > now else nine + timedelta(days=1)).timestamp()


def _set(state: State, word: str) -> None:
    with state.writing():
        match word:
            case Turn.FAST:
                clock.speed_clock(state, Order(body={"n": FAST}))
            case Turn.REAL:
                clock.set_clock(state, Order())
            case _:
                raise ApiError("There is no such button.")


def _advance(state: State, seconds: float) -> None:
    clock.advance_clock(state, Order(body={"seconds": seconds}))


def _advance_to_the_end(state: State) -> None:
    """Jump to the last event until none is to come; what is answered may make new ones."""
    for _ in range(MOST_ROUNDS):
        due = state.twilio.reading.last_due()
        if due is None:
            return
        _advance(state, max(due - state.clock.epoch(), 0))
