"""Reads what came in for people, and what the outbox knows of who wrote."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from capstan.delivery import Channel
from capstan.store.connection import Store
from capstan.store.inbound import Incoming, to_incoming
from capstan.store.outbox_marks import address_mark
from capstan.store.outbox_rows import Mailroom, to_message
from capstan.store.outbox_tables import MESSAGE
from capstan.store.reply_tables import INBOUND_MESSAGE, REPLY

_JOINED = select(INBOUND_MESSAGE, REPLY.c.study, REPLY.c.meaning, REPLY.c.matches, REPLY.c.handled_at).join(
    REPLY, REPLY.c.sid == INBOUND_MESSAGE.c.sid
)


@dataclass(frozen=True)
class Answered:
    """What one study has made of a text: its meanings, how many participants have the number, and when."""

    incoming: Incoming
    study: str
    meaning: str
    matches: int
    handled_at: datetime | None


def list_incoming(
    store: Store, *, study: str | None = None, sid: str | None = None, limit: int | None = 100
) -> tuple[Answered, ...]:
    """The latest texts with what studies made of them, newest first; of one study or one text when asked."""
    query = _JOINED.order_by(INBOUND_MESSAGE.c.received_at.desc(), INBOUND_MESSAGE.c.sid).limit(limit)
    for column, value in ((REPLY.c.study, study), (INBOUND_MESSAGE.c.sid, sid)):
        query = query if value is None else query.where(column == value)
    with store.read() as connection:
        return tuple(
            Answered(to_incoming(store, row), row["study"], row["meaning"], row["matches"], row["handled_at"])
            for row in connection.execute(query).mappings()
        )


def records_texted(store: Store, room: Mailroom, *, address: str) -> frozenset[str]:
    """The records to which the study has texted at an address; it is known without asking REDCap."""
    mark = address_mark(store, Channel.SMS, address=address)
    mine = [MESSAGE.c[name] == value for name, value in room._asdict().items()]
    query = select(MESSAGE).where(*mine, MESSAGE.c.address_mark == mark, MESSAGE.c.sealed.is_not(None))
    with store.read() as connection:
        found = [to_message(store, row).content for row in connection.execute(query).mappings()]
    return frozenset(content.record for content in found if content and content.record)


def answered_at(store: Store, room: Mailroom, *, address: str, names: Collection[str]) -> list[datetime]:
    """When an address was to get messages of some names."""
    mark = address_mark(store, Channel.SMS, address=address)
    mine = [MESSAGE.c[name] == value for name, value in room._asdict().items()]
    query = select(MESSAGE.c.planned_at).where(
        *mine, MESSAGE.c.address_mark == mark, MESSAGE.c.name.in_(names)
    )
    with store.read() as connection:
        return list(connection.execute(query).scalars())
