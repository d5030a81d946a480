"""What is still to be done with messages that were tried: ask what became of them, write it into REDCap."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, or_, select, update

from capstan.delivery import FINAL_STATUSES, UNCONFIRMED, Channel, Outcome
from capstan.message import MessageState
from capstan.store.connection import Store
from capstan.store.outbox_moves import find_pair, move_message, set_attempt
from capstan.store.outbox_rows import Attempt, Mailroom, Try, to_attempt, to_message
from capstan.store.outbox_tables import ATTEMPT, MESSAGE

_GIVEN_UP_AFTER = timedelta(hours=72)
# In its first hour a text is asked for by every run, later each time it is a quarter older.
_YOUNG, _OLDER_BY = timedelta(hours=1), 4
_WITH_THE_CARRIER = "sent"
_ATTEMPT = "attempt_"


def due_for_check(
    store: Store,
    room: Mailroom,
    *,
    channel: Channel,
    now: datetime,
    silent_for: timedelta = timedelta(hours=1),
) -> tuple[Try, ...]:
    """The attempts whose status is not final and of which nothing was heard for a while, oldest first.

    The older one is, the longer it is left alone. After 72 hours it is asked for a last time: some carriers
    send no receipt.
    """
    tries = _tries(store, room, where=_is_open(channel))
    return tuple(one for one in tries if _is_due(one.attempt, silent_for=silent_for, now=now))


def asked_for(store: Store, attempt: str, *, now: datetime) -> None:
    """Say that an attempt was just asked for, so that it is not asked for again at once."""
    with store.write() as connection:
        connection.execute(update(ATTEMPT).where(ATTEMPT.c.id == attempt).values(looked_at=now))


def close_silent(store: Store, room: Mailroom, *, channel: Channel, now: datetime) -> int:
    """End the wait for texts of which nothing final was known 72 hours after they were sent.

    What the carrier had took its way, and probably arrived; what never left Twilio goes to a person. A
    receipt that comes later still counts. Returns how many.
    """
    silent = [one for one in _tries(store, room, where=_is_open(channel)) if _is_given_up(one.attempt)]
    with store.write() as connection:
        return sum(_close(connection, one.attempt.id, now=now) for one in silent)


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


def _is_open(channel: Channel) -> list[ColumnElement[bool]]:
    taken = (ATTEMPT.c.outcome == Outcome.ACCEPTED, ATTEMPT.c.sid.is_not(None))
    return [*taken, MESSAGE.c.channel == channel, ATTEMPT.c.status.not_in(FINAL_STATUSES)]


def _is_due(attempt: Attempt, *, silent_for: timedelta, now: datetime) -> bool:
    if _is_given_up(attempt):
        return False
    heard = max(attempt.changed_at, attempt.looked_at or attempt.changed_at)
    age = heard - attempt.started_at
    wait = max(silent_for, age / _OLDER_BY if age > _YOUNG else silent_for)
    ends = attempt.started_at + _GIVEN_UP_AFTER
    return heard + wait <= now or heard < ends <= now


def _is_given_up(attempt: Attempt) -> bool:
    looked = attempt.looked_at
    return looked is not None and looked - attempt.started_at >= _GIVEN_UP_AFTER


def _close(connection: Connection, attempt: str, *, now: datetime) -> bool:
    tried, _ = find_pair(connection, attempt)
    if tried["status"] in FINAL_STATUSES:
        return False
    set_attempt(connection, attempt, now=now, status=UNCONFIRMED)
    if tried["status"] != _WITH_THE_CARRIER:
        move_message(connection, tried, to=MessageState.REVIEW, only=[MessageState.ACCEPTED], now=now)
    return True


def _tries(store: Store, room: Mailroom, *, where: list[ColumnElement[bool]]) -> tuple[Try, ...]:
    mine = [MESSAGE.c[name] == value for name, value in room._asdict().items()]
    attempts = [column.label(f"{_ATTEMPT}{column.name}") for column in ATTEMPT.c]
    query = select(*attempts, MESSAGE).join_from(ATTEMPT, MESSAGE).where(*mine, *where)
    with store.read() as connection:
        rows = connection.execute(query.order_by(ATTEMPT.c.started_at, ATTEMPT.c.id)).mappings()
        return tuple(Try(to_attempt(row, _ATTEMPT), to_message(store, row)) for row in rows)
