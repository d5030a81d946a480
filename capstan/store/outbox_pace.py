"""The clock of a sender: each message takes a slot, so that no second holds more segments than it may.

All workers of all processes take their slots from one row. A slot is given a little ahead, and the worker
sleeps until it: what a claim takes on a slow disk does not delay the message.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, case, func, or_, select, update

from capstan.store.outbox_rows import Claimed, Pace, Slot
from capstan.store.outbox_tables import SENDER
from capstan.store.upserts import insert_new

AHEAD = timedelta(seconds=0.25)
"""How far ahead a slot may be taken; well below a second, for within one the kill switch must hold."""

_SLOW_FACTOR = 10
# Of 1600 characters in UCS-2.
_MOST_SEGMENTS = 24
_SECOND = timedelta(seconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def free_from(connection: Connection, pace: Pace, *, now: datetime) -> datetime:
    """When the sender can take its next message."""
    mine = select(SENDER.c.next_free_us, SENDER.c.paused_until).where(SENDER.c.name == pace.sender)
    row = connection.execute(mine).first()
    if row is None:
        connection.execute(insert_new(connection, SENDER).values(name=pace.sender, next_free_us=0))
        return _EPOCH
    next_free: datetime = _EPOCH + row.next_free_us * _MICROSECOND
    if next_free > now + _farthest(pace):
        # The computer's clock was put back: nobody shall wait until it is as late again.
        next_free = now + _SECOND
        mine_now = update(SENDER).where(SENDER.c.name == pace.sender)
        connection.execute(mine_now.values(next_free_us=_microseconds(next_free)))
    return max(next_free, row.paused_until or _EPOCH)


def take_slot(
    connection: Connection, pace: Pace, *, segments: int, now: datetime, ready_at: datetime
) -> Slot | None:
    """Take the sender's next slot, which begins at `ready_at` or later; None when another was faster."""
    slow_until = connection.execute(select(SENDER.c.slow_until).where(SENDER.c.name == pace.sender)).scalar()
    factor = _SLOW_FACTOR if slow_until and now < slow_until else 1
    cost = round(pace.seconds_for(segments) * factor / _MICROSECOND.total_seconds())
    ready, free = _microseconds(ready_at), SENDER.c.next_free_us
    this = update(SENDER).where(
        SENDER.c.name == pace.sender,
        free <= _microseconds(max(now + AHEAD, ready_at)),
        or_(SENDER.c.paused_until.is_(None), SENDER.c.paused_until <= ready_at),
    )
    advanced = this.values(next_free_us=case((free > ready, free), else_=ready) + cost).returning(free)
    ends = connection.execute(advanced).scalar()
    if ends is None:
        return None
    begins = _EPOCH + (ends - cost) * _MICROSECOND
    return Slot(begins, begins + pace.tolerance, begins + cost * _MICROSECOND)


def make_up_for(connection: Connection, claimed: Claimed, *, left_at: datetime) -> None:
    """Let later messages keep their distance from one that left late, as on a busy machine."""
    slot = claimed.slot
    if left_at > slot.latest:
        late = (min(left_at, slot.ends) - slot.begins) // _MICROSECOND
        mine = update(SENDER).where(SENDER.c.name == claimed.sender)
        connection.execute(mine.values(next_free_us=SENDER.c.next_free_us + late))


def slow_down(
    connection: Connection, sender: str, *, pause_until: datetime | None, slow_until: datetime | None
) -> None:
    """Let a sender rest, or go at a tenth of its rate, until a time; a longer rest that is on stays."""
    for name, until in (("paused_until", pause_until), ("slow_until", slow_until)):
        if until is not None:
            longer = func.coalesce(SENDER.c[name], _EPOCH) < until
            mine = update(SENDER).where(SENDER.c.name == sender, longer)
            connection.execute(mine.values({name: until}))


def _farthest(pace: Pace) -> timedelta:
    """How far ahead a sender's next slot can be: the longest text, sent slowly, after all that is ahead."""
    return timedelta(seconds=pace.seconds_for(_MOST_SEGMENTS) * _SLOW_FACTOR) + 4 * AHEAD


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND
