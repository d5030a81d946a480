"""Changes an attempt and its message, with all that follows from it for address, wording and channel."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, func, or_, select, update

from capstan.consequence import Consequence, Course
from capstan.delivery import Outcome
from capstan.delivery.codes import CODES
from capstan.errors import StoreError
from capstan.message import MessageState
from capstan.store.connection import Store
from capstan.store.outbox_addresses import add_block
from capstan.store.outbox_pace import lock_sender, slow_down
from capstan.store.outbox_rows import Mailroom, to_message
from capstan.store.outbox_stops import resumed_at, set_stop
from capstan.store.outbox_tables import ANNOUNCEMENT, ATTEMPT, MESSAGE

_GUARD = "capstan"
_LATELY = timedelta(days=3)
_OPEN = (MessageState.CLAIMED, MessageState.UNKNOWN, MessageState.PLANNED)


def find_pair(connection: Connection, attempt: str) -> tuple[RowMapping, RowMapping]:
    """An attempt and its message as they are now, locked."""
    query = select(ATTEMPT).where(ATTEMPT.c.id == attempt).with_for_update()
    tried = connection.execute(query).mappings().first()
    if tried is None:
        raise StoreError("This attempt is not in this store.")
    of_it = select(MESSAGE).where(MESSAGE.c.id == tried["message_id"]).with_for_update()
    return tried, connection.execute(of_it).mappings().one()


def own_sid(connection: Connection, attempt: str, *, sid: str, now: datetime) -> None:
    """Give an attempt the provider's id, also where another one had it from a guess by its text.

    That one is unknown again: an answer and a callback know better than a list.
    """
    guessed = (ATTEMPT.c.sid == sid, ATTEMPT.c.id != attempt)
    robbed = connection.execute(select(ATTEMPT).where(*guessed)).mappings().first()
    if robbed is not None:
        set_attempt(connection, robbed["id"], now=now, sid=None, outcome=Outcome.UNKNOWN, status="", looks=0)
        taken = [MessageState.ACCEPTED, MessageState.DELIVERED, MessageState.FAILED]
        move_message(connection, robbed, to=MessageState.UNKNOWN, only=taken, now=now)
    set_attempt(connection, attempt, now=now, sid=sid)


def set_attempt(connection: Connection, attempt: str, *, now: datetime, **values: Any) -> None:
    """Set columns of an attempt."""
    this = update(ATTEMPT).where(ATTEMPT.c.id == attempt)
    connection.execute(this.values(**values, changed_at=now))


def move_message(
    connection: Connection,
    attempt: RowMapping,
    *,
    to: MessageState,
    only: Collection[MessageState],
    now: datetime,
    **values: Any,
) -> bool:
    """Move the message of its latest attempt out of one of the states `only`; False when it is not so."""
    this = update(MESSAGE).where(
        MESSAGE.c.id == attempt["message_id"],
        MESSAGE.c.attempts == attempt["number"],
        MESSAGE.c.state.in_(only),
    )
    return bool(connection.execute(this.values(state=to, changed_at=now, **values)).rowcount)


def course_of(
    connection: Connection, attempt: RowMapping, message: RowMapping, *, code: int, now: datetime
) -> Course:
    """What `capstan.consequence` must know of a message's earlier attempts."""
    mine = ATTEMPT.c.message_id == message["id"]
    alike = func.count().filter(
        ATTEMPT.c.code == code, or_(ATTEMPT.c.ended_at.is_not(None), ATTEMPT.c.id == attempt["id"])
    )
    taken = func.count().filter(ATTEMPT.c.outcome == Outcome.ACCEPTED)
    same, accepted = connection.execute(select(alike, taken).select_from(ATTEMPT).where(mine)).one()
    return Course(
        now=now,
        not_after=message["not_after"],
        alike=max(same, 1),
        attempts=accepted,
        max_attempts=message["max_attempts"],
    )


def follow(
    store: Store,
    connection: Connection,
    pair: tuple[RowMapping, RowMapping],
    *,
    then: Consequence,
    code: int,
    now: datetime,
    only: Collection[MessageState] = _OPEN,
) -> bool:
    """Do everything that a consequence says; returns whether the message moved."""
    attempt, message = pair
    set_attempt(connection, attempt["id"], now=now, failed=then.failed)
    slow_down(connection, attempt["sender"], pause_until=then.pause_until, slow_until=then.slow_until)
    waits = {"not_before": max(then.try_at, message["not_before"])} if then.try_at else {}
    moved = move_message(connection, attempt, to=then.state, only=only, now=now, rule=then.rule, **waits)
    if then.block:
        _block(store, connection, message, reason=then.block, now=now)
    if then.holds_wording:
        _stop(connection, message, name=message["name"], code=code, now=now)
    if then.stops_channel or _comes_too_often(connection, message, code=code, now=now):
        _stop(connection, message, name="", code=code, now=now)
    return moved


def count_sends(
    connection: Connection, pair: tuple[RowMapping, RowMapping], *, by: int, announced: int = 0
) -> None:
    """Correct what a run is known to have sent, or allow it a further send."""
    attempt, message = pair
    # As a claim does: the sender before the run's count, or two of them wait for each other for ever.
    lock_sender(connection, attempt["sender"])
    mine = (ANNOUNCEMENT.c.run_id == message["run_id"], ANNOUNCEMENT.c.channel == message["channel"])
    more = {"sent": ANNOUNCEMENT.c.sent + by, "announced": ANNOUNCEMENT.c.announced + announced}
    connection.execute(update(ANNOUNCEMENT).where(*mine).values(more))


def _comes_too_often(connection: Connection, message: RowMapping, *, code: int, now: datetime) -> bool:
    """Whether a code came too often lately, since somebody last let the channel go on."""
    most = CODES[code].stops_at if code in CODES else 0
    if not most:
        return False
    room = _room_of(message)
    resumed = resumed_at(connection, room, channel=message["channel"])
    since = max(now - _LATELY, resumed) if resumed else now - _LATELY
    mine = [MESSAGE.c[name] == message[name] for name in (*Mailroom._fields, "channel")]
    alike = select(func.count()).select_from(ATTEMPT).join(MESSAGE, ATTEMPT.c.message_id == MESSAGE.c.id)
    late = alike.where(*mine, ATTEMPT.c.code == code, ATTEMPT.c.started_at > since)
    return connection.execute(late).scalar_one() >= most


def _room_of(message: RowMapping) -> Mailroom:
    return Mailroom(*(message[part] for part in Mailroom._fields))


def _block(store: Store, connection: Connection, message: RowMapping, *, reason: str, now: datetime) -> None:
    content = to_message(store, message).content
    if content is not None:
        known = {"channel": message["channel"], "address": content.address}
        add_block(store, connection, **known, reason=reason, by=_GUARD, now=now)


def _stop(connection: Connection, message: RowMapping, *, name: str, code: int, now: datetime) -> None:
    room = _room_of(message)
    reason = f"the provider refused with code {code}"
    set_stop(connection, room, channel=message["channel"], name=name, reason=reason, by=_GUARD, now=now)
