"""What waits in the outbox, looked at again: a later plan may find something against it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select, update

from capstan.message import MessageState
from capstan.store.connection import Store
from capstan.store.outbox_rows import Mailroom, Message, to_message
from capstan.store.outbox_tables import MESSAGE


def waiting_messages(store: Store, room: Mailroom) -> tuple[Message, ...]:
    """The messages that still may be sent and were not claimed, oldest first."""
    mine = [MESSAGE.c[name] == value for name, value in room._asdict().items()]
    query = select(MESSAGE).where(*mine, MESSAGE.c.state == MessageState.PLANNED).order_by(MESSAGE.c.id)
    with store.read() as connection:
        return tuple(to_message(store, row) for row in connection.execute(query).mappings())


def withdraw_messages(store: Store, rules: Mapping[int, str], *, now: datetime) -> int:
    """Suppress waiting messages, each by its number for its rule; returns how many still waited."""
    with store.write() as connection:
        return sum(
            connection.execute(
                update(MESSAGE)
                .where(MESSAGE.c.id == number, MESSAGE.c.state == MessageState.PLANNED)
                .values(state=MessageState.SUPPRESSED, rule=rule, changed_at=now)
            ).rowcount
            for number, rule in rules.items()
        )
