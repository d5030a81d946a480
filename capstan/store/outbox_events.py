"""What the provider says of messages after it took them: kept first, joined when the attempt is known."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, RowMapping, or_, select, update

from capstan.consequence import Consequence, after_failure
from capstan.delivery import Outcome, may_follow
from capstan.message import MessageState
from capstan.store.connection import Store
from capstan.store.outbox_moves import (
    count_sends,
    course_of,
    find_pair,
    follow,
    move_message,
    own_sid,
    set_attempt,
)
from capstan.store.outbox_tables import ATTEMPT, DELIVERY_EVENT
from capstan.store.upserts import insert_new

_FAILED = frozenset({"failed", "undelivered"})
_ARRIVED = frozenset({"delivered", "read"})
_MAY_BE_TAKEN = (MessageState.CLAIMED, MessageState.UNKNOWN, MessageState.PLANNED, MessageState.REVIEW)


def record_event(
    store: Store, *, attempt: str, sid: str, status: str, code: int, at: datetime, now: datetime
) -> bool:
    """Keep what a callback or a look at the provider said, and apply it; False when it was known already.

    `attempt` is our id from the address of the callback, `sid` the provider's; one of them may be blank.
    An event of a message that is not known yet waits for it. Events may come twice and in any order.
    """
    told = {"attempt_id": attempt, "sid": sid, "status": status, "code": code, "at": at}
    with store.write() as connection:
        new = insert_new(connection, DELIVERY_EVENT).values(**told, joined=False)
        # Not its row count, which PostgreSQL's driver does not tell here.
        added = connection.execute(new.returning(DELIVERY_EVENT.c.id)).first() is not None
    # Only now: what was said must be kept even if it cannot be applied.
    with store.write() as connection:
        join_events(store, connection, attempt=attempt, sid=sid, now=now)
    return added


def join_events(store: Store, connection: Connection, *, attempt: str, sid: str, now: datetime) -> None:
    """Apply the events of an attempt, or of the provider's message, that no attempt was known for."""
    named = [
        column == value
        for column, value in ((DELIVERY_EVENT.c.attempt_id, attempt), (DELIVERY_EVENT.c.sid, sid))
        if value
    ]
    waiting = select(DELIVERY_EVENT).where(or_(*named), DELIVERY_EVENT.c.joined.is_(False))
    for event in connection.execute(waiting.order_by(DELIVERY_EVENT.c.id)).mappings().all():
        owner = _owner_of(connection, event)
        if owner is not None:
            apply_status(store, connection, owner, event=event, now=now)
            this = update(DELIVERY_EVENT).where(DELIVERY_EVENT.c.id == event["id"])
            connection.execute(this.values(joined=True))


def apply_status(
    store: Store, connection: Connection, attempt: str, *, event: RowMapping, now: datetime
) -> None:
    """Move an attempt and its message by one event; never backwards."""
    _prove_taken(connection, attempt, sid=event["sid"], now=now)
    tried, message = find_pair(connection, attempt)
    old, new = tried["status"], event["status"]
    if not may_follow(old, new, swaps=tried["swaps"]):
        return
    swapped = (old in _FAILED and new in _ARRIVED) or (old in _ARRIVED and new in _FAILED)
    # A code may ride on a message that did not fail, where it means nothing.
    code = event["code"] if new in _FAILED else 0
    set_attempt(connection, attempt, now=now, status=new, code=code, swaps=tried["swaps"] + swapped)
    if new in _ARRIVED:
        _arrive(connection, tried, message, now=now)
    elif new == "canceled":
        move_message(connection, tried, to=MessageState.CANCELLED, only=[MessageState.ACCEPTED], now=now)
    elif new in _FAILED:
        _fail(store, connection, attempt, code=code, was_delivered=swapped, now=now)


def _owner_of(connection: Connection, event: RowMapping) -> str | None:
    """The attempt that an event is about: by our id, else by the provider's."""
    for column, value in ((ATTEMPT.c.id, event["attempt_id"]), (ATTEMPT.c.sid, event["sid"])):
        found = connection.execute(select(ATTEMPT.c.id).where(column == value)).scalar() if value else None
        if found:
            return str(found)
    return None


def _prove_taken(connection: Connection, attempt: str, *, sid: str, now: datetime) -> None:
    """Accept an attempt of unknown end, for the provider would not speak of what it does not have."""
    tried, message = find_pair(connection, attempt)
    if tried["outcome"] == Outcome.ACCEPTED:
        return
    if sid:
        own_sid(connection, attempt, sid=sid, now=now)
    if tried["outcome"] not in (None, Outcome.UNKNOWN):
        count_sends(connection, (tried, message), by=1)
    set_attempt(connection, attempt, now=now, outcome=Outcome.ACCEPTED, ended_at=now)
    move_message(connection, tried, to=MessageState.ACCEPTED, only=_MAY_BE_TAKEN, now=now)


def _arrive(connection: Connection, tried: RowMapping, message: RowMapping, *, now: datetime) -> None:
    set_attempt(connection, tried["id"], now=now, failed=False)
    waiting = message["state"] == MessageState.PLANNED
    before = (MessageState.ACCEPTED, MessageState.FAILED, MessageState.REVIEW, MessageState.PLANNED)
    moved = move_message(connection, tried, to=MessageState.DELIVERED, only=before, now=now, rule="")
    if moved and waiting:
        # It was to be tried once more, which is not needed any more.
        count_sends(connection, (tried, message), by=0, announced=-1)


def _fail(
    store: Store, connection: Connection, attempt: str, *, code: int, was_delivered: bool, now: datetime
) -> None:
    pair = tried, message = find_pair(connection, attempt)
    course = course_of(connection, tried, message, code=code, now=now)
    then = after_failure(code, course, status=tried["status"])
    if was_delivered and then.state is MessageState.PLANNED:
        # It may have been read: a second one would not be a retry but a repetition.
        then = Consequence(MessageState.FAILED, failed=True)
    before = (MessageState.ACCEPTED, MessageState.DELIVERED)
    moved = follow(store, connection, pair, then=then, code=code, now=now, only=before)
    if moved and then.state is MessageState.PLANNED:
        count_sends(connection, pair, by=0, announced=1)
