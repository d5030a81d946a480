"""The kill switch: everything, one channel or one message is stopped, by a person or by a guard."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, exists, select, update

from capstan.consequence import HELD
from capstan.delivery import Channel
from capstan.message import MessageState
from capstan.store.connection import Store
from capstan.store.outbox_rows import Mailroom
from capstan.store.outbox_tables import MESSAGE, STOP
from capstan.store.upserts import insert_new, insert_or_replace


@dataclass(frozen=True)
class Stop:
    """What is stopped, why and by whom: a message (`name`), a channel, or everything where both are blank."""

    channel: str
    name: str
    reason: str
    by: str
    changed_at: datetime


def lock_room(connection: Connection, room: Mailroom, *, now: datetime) -> None:
    """Let nobody else claim or queue for this project until the transaction ends.

    SQLite has one writer anyway; elsewhere the row of the main switch is the lock.
    """
    main = (*of_room(room), STOP.c.channel == "", STOP.c.name == "")
    if connection.execute(select(STOP.c.stopped).where(*main).with_for_update()).first() is None:
        row = {**room._asdict(), "channel": "", "name": "", "reason": "", "by": "", "changed_at": now}
        connection.execute(insert_new(connection, STOP).values(**row, stopped=False))
        connection.execute(select(STOP.c.stopped).where(*main).with_for_update()).one()


def of_room(room: Mailroom) -> tuple[ColumnElement[bool], ...]:
    """The switches of one project."""
    return tuple(STOP.c[name] == value for name, value in room._asdict().items())


def stop_channel(
    store: Store,
    room: Mailroom,
    *,
    channel: Channel | None,
    reason: str,
    by: str,
    now: datetime,
    name: str = "",
) -> None:
    """Stop a channel, or all of them; with `name` only this message, whose waiting ones are suppressed.

    Workers look before each message. What is stopped already keeps its first reason.
    """
    with store.write() as connection:
        set_stop(connection, room, channel=channel or "", name=name, reason=reason, by=by, now=now)


def set_stop(
    connection: Connection, room: Mailroom, *, channel: str, name: str, reason: str, by: str, now: datetime
) -> None:
    """Stop within a transaction, as `stop_channel` does."""
    row = {**room._asdict(), "channel": channel, "name": name, "reason": reason, "by": by, "changed_at": now}
    stop = insert_or_replace(
        connection,
        STOP,
        keys=[column.name for column in STOP.primary_key],
        where=STOP.c.stopped.is_(False),
    )
    connection.execute(stop.values(**row, stopped=True))
    if name:
        waiting = (MESSAGE.c.name == name, MESSAGE.c.state == MessageState.PLANNED, is_held())
        held = update(MESSAGE).where(*waiting)
        connection.execute(held.values(state=MessageState.SUPPRESSED, rule=HELD, changed_at=now))


def resume_channel(
    store: Store, room: Mailroom, *, channel: Channel | None, by: str, now: datetime, name: str = ""
) -> bool:
    """Let a channel, all of them, or one message go on; False when it was not stopped.

    What was suppressed while a message was held waits for the next plan.
    """
    mine = (*of_room(room), STOP.c.channel == (channel or ""), STOP.c.name == name, STOP.c.stopped.is_(True))
    with store.write() as connection:
        resumed = update(STOP).where(*mine).values(stopped=False, reason="", by=by, changed_at=now)
        return bool(connection.execute(resumed).rowcount)


def list_stops(store: Store, room: Mailroom) -> tuple[Stop, ...]:
    """Everything that is stopped now."""
    columns = [STOP.c[name] for name in Stop.__annotations__]
    query = select(*columns).where(*of_room(room), STOP.c.stopped.is_(True)).order_by(STOP.c.changed_at)
    with store.read() as connection:
        return tuple(Stop(**row) for row in connection.execute(query).mappings())


def is_held() -> ColumnElement[bool]:
    """Whether a row of MESSAGE is of a message that is held."""
    same = [STOP.c[name] == MESSAGE.c[name] for name in ("study", "host", "project_id", "channel", "name")]
    return exists().where(and_(*same, STOP.c.name != "", STOP.c.stopped.is_(True)))


def find_stop(connection: Connection, room: Mailroom, *, channel: str) -> Stop | None:
    """What stops a whole channel, its own switch or the main one."""
    columns = [STOP.c[name] for name in Stop.__annotations__]
    mine = (*of_room(room), STOP.c.channel.in_(["", channel]), STOP.c.name == "", STOP.c.stopped.is_(True))
    row = connection.execute(select(*columns).where(*mine)).mappings().first()
    return Stop(**row) if row else None


def resumed_at(connection: Connection, room: Mailroom, *, channel: str) -> datetime | None:
    """When somebody last let a channel go on."""
    mine = (*of_room(room), STOP.c.channel == channel, STOP.c.name == "", STOP.c.stopped.is_(False))
    return connection.execute(select(STOP.c.changed_at).where(*mine)).scalar()
