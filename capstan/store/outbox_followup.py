"""What is still to be done with messages that were tried: ask what became of them, write it into REDCap."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, or_, select, update

from capstan.delivery import Channel, Outcome, is_final
from capstan.store.connection import Store
from capstan.store.outbox_moves import find_pair
from capstan.store.outbox_rows import Mailroom, Try, to_attempt, to_message
from capstan.store.outbox_tables import ATTEMPT, MESSAGE


def due_for_check(
    store: Store,
    room: Mailroom,
    *,
    channel: Channel,
    now: datetime,
    silent_for: timedelta = timedelta(hours=1),
    given_up_after: timedelta = timedelta(hours=72),
) -> tuple[Try, ...]:
    """The attempts whose last status is not final and of which nothing was heard for a while.

    After `given_up_after` nothing is expected any more: some carriers send no receipt.
    """
    silent = (ATTEMPT.c.changed_at <= now - silent_for, ATTEMPT.c.started_at > now - given_up_after)
    taken = (ATTEMPT.c.outcome == Outcome.ACCEPTED, ATTEMPT.c.sid.is_not(None), MESSAGE.c.channel == channel)
    tries = _tries(store, room, where=[*taken, *silent])
    return tuple(one for one in tries if not is_final(one.attempt.status, channel))


def heard_nothing_new(store: Store, attempt: str, *, now: datetime) -> None:
    """Say that an attempt was just asked for, so that it is not asked for again at once."""
    with store.write() as connection:
        connection.execute(update(ATTEMPT).where(ATTEMPT.c.id == attempt).values(changed_at=now))


def due_for_writing(store: Store, room: Mailroom) -> tuple[Try, ...]:
    """The attempts that the provider took or refused, and whose status REDCap does not hold yet."""
    heard = ATTEMPT.c.outcome.in_([Outcome.ACCEPTED, Outcome.REJECTED])
    unwritten = or_(ATTEMPT.c.written_status.is_(None), ATTEMPT.c.written_status != ATTEMPT.c.status)
    return _tries(store, room, where=[heard, unwritten, MESSAGE.c.sealed.is_not(None)])


def choose_instances(store: Store, chosen: Mapping[str, str]) -> None:
    """Keep by attempt in which instance of the log it will be, before REDCap is told."""
    with store.write() as connection:
        for attempt, instance in chosen.items():
            connection.execute(update(ATTEMPT).where(ATTEMPT.c.id == attempt).values(written_to=instance))


def written_back(store: Store, attempt: str, *, status: str, to: str) -> None:
    """Say that REDCap holds this status of an attempt, in instance `to` of the log, which may be blank."""
    this = update(ATTEMPT).where(ATTEMPT.c.id == attempt)
    with store.write() as connection:
        connection.execute(this.values(written_status=status, written_to=to))


def _tries(store: Store, room: Mailroom, *, where: list[ColumnElement[bool]]) -> tuple[Try, ...]:
    mine = [MESSAGE.c[name] == value for name, value in room._asdict().items()]
    query = (
        select(ATTEMPT.c.id).join(MESSAGE).where(*mine, *where).order_by(ATTEMPT.c.started_at, ATTEMPT.c.id)
    )
    with store.read() as connection:
        pairs = [find_pair(connection, attempt) for attempt in connection.execute(query).scalars().all()]
        return tuple(Try(to_attempt(attempt), to_message(store, message)) for attempt, message in pairs)
