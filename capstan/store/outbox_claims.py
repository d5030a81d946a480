"""Claims: one worker, and no other, gets a message to send, on disk before a byte of it leaves."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping, exists, insert, select, update

from capstan.delivery import Channel
from capstan.errors import StoreError
from capstan.message import MessageState
from capstan.store.connection import Store
from capstan.store.outbox_addresses import is_blocking
from capstan.store.outbox_caps import opens_later, room_is_full, too_many_fail
from capstan.store.outbox_marks import record_mark
from capstan.store.outbox_pace import AHEAD, busy_until, free_from, take_slot
from capstan.store.outbox_rows import Caps, Claimed, Mailroom, Pace, Wait, to_message
from capstan.store.outbox_stops import find_stop, is_held, lock_room, resumed_at, set_stop
from capstan.store.outbox_tables import ANNOUNCEMENT, ATTEMPT, MESSAGE
from capstan.store.owners import current_owner

_DAY = timedelta(days=1)
_MOST_LOOKED_AT = 50
_GUARD = "capstan"


def claim_message(
    store: Store,
    *,
    room: Mailroom,
    channel: Channel,
    now: datetime,
    pace: Pace,
    caps: Caps,
    ready_at: datetime | None = None,
    records: Collection[str] | None = None,
) -> Claimed | Wait | None:
    """Take the next message of a channel that may be sent; this process owns it then.

    `ready_at` is when the caller could send it at the earliest; `records` are those whose messages are meant,
    None for all. Wait says when to ask again; None that
    nothing is left to send, or that the channel is stopped. A channel whose messages fail too often, or
    whose run would send more than it announced, is stopped here.
    """
    if wait := _rests(store, room, channel=channel, pace=pace, now=now):
        return wait
    marks = None if records is None else [record_mark(store, room, record=one) for one in sorted(records)]
    with store.write() as connection:
        lock_room(connection, room, now=now)
        if find_stop(connection, room, channel=channel):
            return None
        wait = _must_wait(connection, room, caps=caps, pace=pace, now=now)
        if wait:
            return wait
        if _breaks(connection, room, channel=channel, caps=caps, now=now):
            return None
        row = _choose(connection, room, channel=channel, caps=caps, marks=marks, now=now)
        if row is None or isinstance(row, Wait):
            return row
        if row["sent"] >= row["announced"]:
            _stop(
                connection,
                room,
                channel=channel,
                reason="a run was about to send more than it announced",
                now=now,
            )
            return None
        attempt, known = secrets.token_hex(12), {"segments": row["segments"], "now": now}
        slot = take_slot(connection, pace, name=attempt, **known, ready_at=ready_at or now)
        if slot is None:
            return Wait(now + AHEAD / 4)
        _begin_attempt(connection, row, attempt=attempt, sender=pace.sender, now=now)
        message = to_message(store, row)
    if message.content is None:
        raise StoreError(f"Message {message.id} has lost its content.")
    return Claimed(attempt, pace.sender, slot, message, message.content)


def expire_messages(store: Store, room: Mailroom, *, now: datetime) -> int:
    """Give up the waiting messages whose time is over; returns how many."""
    mine = [MESSAGE.c[name] == value for name, value in room._asdict().items()]
    late = update(MESSAGE).where(*mine, MESSAGE.c.state == MessageState.PLANNED, MESSAGE.c.not_after <= now)
    with store.write() as connection:
        return connection.execute(late.values(state=MessageState.EXPIRED, changed_at=now)).rowcount


def _rests(store: Store, room: Mailroom, *, channel: Channel, pace: Pace, now: datetime) -> Wait | None:
    """Look without a lock first: those who only wait must not hold up those who send."""
    with store.read() as connection:
        free = busy_until(connection, pace, now=now)
        is_stopped = find_stop(connection, room, channel=channel)
    return Wait(free - AHEAD) if free > now + AHEAD and not is_stopped else None


def _must_wait(
    connection: Connection, room: Mailroom, *, caps: Caps, pace: Pace, now: datetime
) -> Wait | None:
    free = free_from(connection, pace, now=now)
    if free > now + AHEAD:
        return Wait(free - AHEAD)
    full_until = room_is_full(connection, room, caps=caps, now=now)
    return Wait(full_until) if full_until else None


def _breaks(connection: Connection, room: Mailroom, *, channel: Channel, caps: Caps, now: datetime) -> bool:
    """Stop the channel if too many of its messages fail, of those since somebody let it go on."""
    since = max(now - _DAY, resumed_at(connection, room, channel=channel) or now - _DAY)
    if not too_many_fail(connection, room, channel=channel, caps=caps, since=since):
        return False
    _stop(connection, room, channel=channel, reason="more messages failed than the study allows", now=now)
    return True


def _stop(connection: Connection, room: Mailroom, *, channel: Channel, reason: str, now: datetime) -> None:
    set_stop(connection, room, channel=channel, name="", reason=reason, by=_GUARD, now=now)


def _choose(
    connection: Connection,
    room: Mailroom,
    *,
    channel: Channel,
    caps: Caps,
    marks: Collection[str] | None,
    now: datetime,
) -> RowMapping | Wait | None:
    """The first waiting message that no limit is against; the others are put off, or suppressed.

    `marks` are the marks of the records that are meant, None for all.
    """
    mine = [MESSAGE.c[name] == value for name, value in {**room._asdict(), "channel": channel}.items()]
    mine += [] if marks is None else [MESSAGE.c.record_mark.in_(marks)]
    of_run = (ANNOUNCEMENT.c.run_id == MESSAGE.c.run_id) & (ANNOUNCEMENT.c.channel == MESSAGE.c.channel)
    waiting = (
        select(MESSAGE, ANNOUNCEMENT.c.announced, ANNOUNCEMENT.c.sent)
        .join(ANNOUNCEMENT, of_run)
        .where(*mine, MESSAGE.c.state == MessageState.PLANNED, MESSAGE.c.not_after > now)
        .where(ANNOUNCEMENT.c.sent < caps.per_run, ~is_held(), ~exists().where(is_blocking()))
        .order_by(MESSAGE.c.not_before, MESSAGE.c.id)
    )
    due = (
        connection.execute(waiting.where(MESSAGE.c.not_before <= now).limit(_MOST_LOOKED_AT)).mappings().all()
    )
    for row in due:
        later = opens_later(connection, row, caps=caps, now=now)
        if later is None:
            return row
        _put_off(connection, row, at=later.at, rule=later.rule, now=now)
    if len(due) == _MOST_LOOKED_AT:
        return Wait(now)
    first = connection.execute(waiting.limit(1)).mappings().first()
    return Wait(first["not_before"]) if first else None


def _put_off(connection: Connection, row: RowMapping, *, at: datetime, rule: str, now: datetime) -> None:
    values = {"not_before": at} if at < row["not_after"] else {"state": MessageState.SUPPRESSED, "rule": rule}
    connection.execute(update(MESSAGE).where(MESSAGE.c.id == row["id"]).values(**values, changed_at=now))


def _begin_attempt(
    connection: Connection, row: RowMapping, *, attempt: str, sender: str, now: datetime
) -> None:
    """Make the message this worker's, its attempt, and count it against what its run announced."""
    this = update(MESSAGE).where(MESSAGE.c.id == row["id"], MESSAGE.c.state == MessageState.PLANNED)
    number = row["attempts"] + 1
    claimed = this.values(state=MessageState.CLAIMED, attempts=number, changed_at=now)
    guard = update(ANNOUNCEMENT).where(
        ANNOUNCEMENT.c.run_id == row["run_id"],
        ANNOUNCEMENT.c.channel == row["channel"],
        ANNOUNCEMENT.c.sent < ANNOUNCEMENT.c.announced,
    )
    counted = guard.values(sent=ANNOUNCEMENT.c.sent + 1)
    if not (connection.execute(claimed).rowcount and connection.execute(counted).rowcount):
        raise StoreError(f"Message {row['id']} was claimed by another worker at the same moment. Try again.")
    connection.execute(
        insert(ATTEMPT).values(
            id=attempt,
            message_id=row["id"],
            number=number,
            worker=current_owner(),
            sender=sender,
            segments=row["segments"],
            started_at=now,
            status="",
            code=0,
            failed=False,
            swaps=0,
            looks=0,
            changed_at=now,
            written_to="",
        )
    )
