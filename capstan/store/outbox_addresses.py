"""Addresses that get nothing more: opted out, unusable, or paused until somebody has looked."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, select, update

from capstan.delivery import Channel
from capstan.message import MessageState
from capstan.store.connection import Store
from capstan.store.outbox_marks import address_mark
from capstan.store.outbox_tables import ADDRESS_BLOCK, MESSAGE
from capstan.store.upserts import insert_new


def is_blocking() -> ColumnElement[bool]:
    """Whether a row of ADDRESS_BLOCK stands against a row of MESSAGE."""
    same = [ADDRESS_BLOCK.c[name] == MESSAGE.c[name] for name in ("channel", "address_mark")]
    return and_(*same, ADDRESS_BLOCK.c.lifted_at.is_(None))


def block_address(
    store: Store, channel: Channel, *, address: str, reason: str, by: str, now: datetime
) -> bool:
    """Let an address get nothing more, from no study of this store; False when it was blocked already.

    `reason` is a key of `capstan.message.RULES`. What waits for the address is suppressed.
    """
    with store.write() as connection:
        return add_block(store, connection, channel=channel, address=address, reason=reason, by=by, now=now)


def add_block(
    store: Store, connection: Connection, *, channel: str, address: str, reason: str, by: str, now: datetime
) -> bool:
    """Block within a transaction, as `block_address` does."""
    mark = address_mark(store, channel, address=address)
    row = {"channel": channel, "address_mark": mark, "reason": reason, "by": by, "since": now}
    sealed = store.keys.seal(address.encode())
    new = insert_new(connection, ADDRESS_BLOCK).values(**row, sealed=sealed, lifted_by="")
    # Not its row count, which PostgreSQL's driver does not tell here.
    added = connection.execute(new.returning(ADDRESS_BLOCK.c.id)).first() is not None
    waiting = (MESSAGE.c.address_mark == mark, MESSAGE.c.state == MessageState.PLANNED)
    suppressed = update(MESSAGE).where(*waiting)
    connection.execute(suppressed.values(state=MessageState.SUPPRESSED, rule=reason, changed_at=now))
    return added


def unblock_address(store: Store, channel: Channel, *, address: str, by: str, now: datetime) -> bool:
    """Lift the block of an address, which stays as history; False when there was none."""
    mark = address_mark(store, channel, address=address)
    mine = (ADDRESS_BLOCK.c.channel == channel, ADDRESS_BLOCK.c.address_mark == mark)
    lift = update(ADDRESS_BLOCK).where(*mine, ADDRESS_BLOCK.c.lifted_at.is_(None))
    with store.write() as connection:
        return bool(connection.execute(lift.values(lifted_at=now, lifted_by=by)).rowcount)


def is_blocked(store: Store, channel: Channel, *, address: str) -> str:
    """The reason why an address gets nothing; blank when it may."""
    mark = address_mark(store, channel, address=address)
    mine = (ADDRESS_BLOCK.c.channel == channel, ADDRESS_BLOCK.c.address_mark == mark)
    query = select(ADDRESS_BLOCK.c.reason).where(*mine, ADDRESS_BLOCK.c.lifted_at.is_(None))
    with store.read() as connection:
        return connection.execute(query).scalar() or ""
