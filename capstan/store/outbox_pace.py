"""The clock of a sender: when each message may leave, so that no second holds more segments than it may.

All workers of all processes take their slots from one row. It holds two things: a schedule, at a little less
than the rate, which keeps messages apart; and what left within the last second, which is the limit itself.
What leaves late does not move the schedule, so the next ones make up for it, as far as the limit lets them. A
slot is given a little ahead, and the worker sleeps until it: what a claim takes on a slow disk delays none.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, func, select, update

from capstan.store.connection import Store
from capstan.store.outbox_rows import Pace, Slot, Wait
from capstan.store.outbox_tables import SENDER
from capstan.store.outbox_window import Leaving, earliest, read_leavings, still_counting, write_leavings
from capstan.store.upserts import insert_new

AHEAD = timedelta(seconds=0.25)
"""How far ahead a slot may be taken; well below a second, for within one the kill switch must hold."""

_TOLERANCE = timedelta(seconds=0.2)
# What keeps two seconds apart where messages are carried to the provider at different speeds.
_APART = timedelta(seconds=0.02)
_SLOW_FACTOR = 10
# Of 1600 characters in UCS-2.
_MOST_SEGMENTS = 24
_SECOND = timedelta(seconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class _Clock(NamedTuple):
    """A sender's row as it is now; `period_us` is the time in which it may send `Pace.most` segments."""

    next_us: int
    paused_until: datetime
    leavings: list[Leaving]
    period_us: int
    slowness: int


def free_from(connection: Connection, pace: Pace, *, now: datetime) -> datetime:
    """When the sender can take its next message."""
    return _free_at(_read(connection, pace, now=now), pace)


def busy_until(connection: Connection, pace: Pace, *, now: datetime) -> datetime:
    """About when the sender can take its next message, as somebody sees it who locks nothing."""
    row = connection.execute(select(SENDER).where(SENDER.c.name == pace.sender)).first()
    return now if row is None or _is_far(row, pace, now=now) else _free_at(_clock(row, pace, now=now), pace)


def take_slot(
    connection: Connection, pace: Pace, *, name: str, segments: int, now: datetime, ready_at: datetime
) -> Slot | None:
    """Take the sender's next slot for the attempt `name`, which begins at `ready_at` or later.

    None when it would be too far ahead, or the sender rests.
    """
    clock = _read(connection, pace, now=now)
    ready = _microseconds(ready_at)
    begins = max(ready, _begins_us(clock, pace, segments=segments))
    if begins > _microseconds(max(now + AHEAD, ready_at)) or clock.paused_until > ready_at:
        return None
    cost = _microseconds_of(pace.seconds_for(segments) * clock.slowness)
    # After a rest there is nothing to make up for, and who is to go slowly does not hurry.
    owed = clock.period_us if clock.leavings and clock.slowness == 1 else 0
    leaving = Leaving(name, begins + _TOLERANCE // _MICROSECOND, segments)
    _set(
        connection,
        pace.sender,
        next_free_us=max(clock.next_us, ready - owed) + cost,
        leavings=write_leavings([*clock.leavings, leaving]),
    )
    start = _EPOCH + begins * _MICROSECOND
    return Slot(start, start + _TOLERANCE, cost * _MICROSECOND)


def take_turn(store: Store, pace: Pace, *, name: str, segments: int, now: datetime) -> Slot | Wait:
    """Take a slot for what is no message of the outbox, or say when to ask again."""
    with store.write() as connection:
        free = free_from(connection, pace, now=now)
        if free > now + AHEAD:
            return Wait(free - AHEAD)
        slot = take_slot(connection, pace, name=name, segments=segments, now=now, ready_at=now)
        return slot or Wait(now + AHEAD / 4)


def note_left(connection: Connection, sender: str, *, name: str, left_at: datetime) -> None:
    """Say when an attempt left, so that later ones need not reckon with its latest moment."""
    left = _microseconds(left_at)
    noted = [one._replace(by_us=left) if one.name == name else one for one in _leavings(connection, sender)]
    _set(connection, sender, leavings=write_leavings(noted))


def return_slot(connection: Connection, sender: str, *, name: str, slot: Slot) -> None:
    """Give back the slot of an attempt that did not leave: others may use its time."""
    left = [one for one in _leavings(connection, sender) if one.name != name]
    earlier = SENDER.c.next_free_us - slot.cost // _MICROSECOND
    _set(connection, sender, leavings=write_leavings(left), next_free_us=earlier)


def lock_sender(connection: Connection, sender: str) -> None:
    """Let nobody else change a sender's pace until the transaction ends."""
    connection.execute(select(SENDER.c.name).where(SENDER.c.name == sender).with_for_update())


def slow_down(
    connection: Connection, sender: str, *, pause_until: datetime | None, slow_until: datetime | None
) -> None:
    """Let a sender rest, or go at a tenth of its rate, until a time; a longer rest that is on stays."""
    for name, until in (("paused_until", pause_until), ("slow_until", slow_until)):
        if until is not None:
            longer = func.coalesce(SENDER.c[name], _EPOCH) < until
            mine = update(SENDER).where(SENDER.c.name == sender, longer)
            connection.execute(mine.values({name: until}))


def _read(connection: Connection, pace: Pace, *, now: datetime) -> _Clock:
    """The sender's clock, locked; times in the future, left by a clock that was put back, do not count."""
    mine = select(SENDER).where(SENDER.c.name == pace.sender).with_for_update()
    row = connection.execute(mine).first()
    if row is None:
        new = {"name": pace.sender, "next_free_us": 0, "leavings": "[]"}
        connection.execute(insert_new(connection, SENDER).values(**new))
        row = connection.execute(mine).one()
    if _is_far(row, pace, now=now):
        _set(connection, pace.sender, next_free_us=_microseconds(now + _SECOND))
        row = connection.execute(mine).one()
    return _clock(row, pace, now=now)


def _clock(row: Row[Any], pace: Pace, *, now: datetime) -> _Clock:
    slowness = _SLOW_FACTOR if row.slow_until and now < row.slow_until else 1
    period = _microseconds_of(pace.period_seconds * slowness) + _APART // _MICROSECOND
    known = [one for one in read_leavings(row.leavings) if one.by_us <= _microseconds(now + 2 * _SECOND)]
    counted = still_counting(known, now_us=_microseconds(now), most=pace.most, period_us=period)
    return _Clock(row.next_free_us, row.paused_until or _EPOCH, counted, period, slowness)


def _is_far(row: Row[Any], pace: Pace, *, now: datetime) -> bool:
    return bool(row.next_free_us > _microseconds(now + _farthest(pace)))


def _free_at(clock: _Clock, pace: Pace) -> datetime:
    return max(_EPOCH + _begins_us(clock, pace, segments=1) * _MICROSECOND, clock.paused_until)


def _begins_us(clock: _Clock, pace: Pace, *, segments: int) -> int:
    allowed = earliest(clock.leavings, segments=segments, most=pace.most, period_us=clock.period_us)
    return max(clock.next_us, allowed)


def _leavings(connection: Connection, sender: str) -> list[Leaving]:
    mine = select(SENDER.c.leavings).where(SENDER.c.name == sender).with_for_update()
    return read_leavings(connection.execute(mine).scalar() or "[]")


def _set(connection: Connection, sender: str, **values: object) -> None:
    connection.execute(update(SENDER).where(SENDER.c.name == sender).values(**values))


def _farthest(pace: Pace) -> timedelta:
    """How far ahead a sender's next slot can be: the longest text, sent slowly, after all that is ahead."""
    return timedelta(seconds=pace.seconds_for(_MOST_SEGMENTS) * _SLOW_FACTOR) + 4 * AHEAD


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _microseconds_of(seconds: float) -> int:
    return round(seconds / _MICROSECOND.total_seconds())
