"""What people wrote to us: kept raw and once, and what each study has made of it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, or_, select, update

from capstan.delivery import Channel
from capstan.errors import StoreError
from capstan.notice import Happening
from capstan.replies import BLOCK_OF, Meaning
from capstan.store.connection import Store
from capstan.store.notices import add_happenings
from capstan.store.outbox_addresses import add_block
from capstan.store.outbox_marks import address_mark
from capstan.store.outbox_rows import Mailroom
from capstan.store.outbox_tables import ADDRESS_BLOCK
from capstan.store.reply_tables import INBOUND_MESSAGE, REPLY
from capstan.store.upserts import insert_new

_BY = "a reply"


@dataclass(frozen=True)
class Incoming:
    """A text that came in; `form` is what the provider told of it, None once retention deleted it."""

    sid: str
    received_at: datetime
    form: Mapping[str, str] | None = field(repr=False)

    @property
    def sender(self) -> str:
        """The number that it came from."""
        return (self.form or {}).get("From", "")

    @property
    def text(self) -> str:
        """What it says."""
        return (self.form or {}).get("Body", "")


def keep_incoming(store: Store, form: Mapping[str, str], *, now: datetime) -> bool:
    """Keep a text that came in as the provider told it; False when it is known already.

    Raises StoreError for one without a name, which could not be told from its repetition.
    """
    sid = form.get("MessageSid", "")
    if not sid:
        raise StoreError("A text came in without MessageSid; nothing was kept.")
    row = {
        "sid": sid,
        "channel": Channel.SMS,
        "service": form.get("MessagingServiceSid", ""),
        "number": form.get("To", ""),
        "sender_mark": address_mark(store, Channel.SMS, address=form.get("From", "")),
        "sealed": store.keys.seal(json.dumps(dict(form)).encode()),
        "received_at": now,
    }
    with store.write() as connection:
        new = insert_new(connection, INBOUND_MESSAGE).values(**row).returning(INBOUND_MESSAGE.c.sid)
        # Not its row count, which PostgreSQL's driver does not tell here.
        return connection.execute(new).first() is not None


def new_incoming(store: Store, room: Mailroom, *, service: str, number: str) -> tuple[Incoming, ...]:
    """The texts to a study's service or number that it has not acted on, oldest first."""
    ours = [
        INBOUND_MESSAGE.c[name] == value
        for name, value in (("service", service), ("number", number))
        if value
    ]
    query = select(INBOUND_MESSAGE).outerjoin(REPLY, _of_room(room))
    unseen = query.where(or_(*ours), REPLY.c.sid.is_(None), INBOUND_MESSAGE.c.sealed.is_not(None))
    with store.read() as connection:
        rows = connection.execute(unseen.order_by(INBOUND_MESSAGE.c.received_at, INBOUND_MESSAGE.c.sid))
        return tuple(to_incoming(store, row) for row in rows.mappings())


def act_on(
    store: Store,
    room: Mailroom,
    incoming: Incoming,
    *,
    meanings: Collection[Meaning],
    happenings: Collection[Happening],
    now: datetime,
) -> bool:
    """Do what a text asks of its address, raise what staff must know at once, and remember both.

    All or nothing, and once; False when another process was faster.
    """
    row = {
        **room._asdict(),
        "sid": incoming.sid,
        "meaning": ", ".join(meanings),
        "acted_at": now,
        "matches": 0,
    }
    with store.write() as connection:
        new = insert_new(connection, REPLY).values(**row).returning(REPLY.c.sid)
        if connection.execute(new).first() is None:
            return False
        if Meaning.START in meanings:
            _lift(store, connection, incoming.sender, reason=BLOCK_OF[Meaning.STOP], now=now)
        if Meaning.STOP in meanings:
            # The plain word says more than what only sounded like it.
            _lift(store, connection, incoming.sender, reason=BLOCK_OF[Meaning.WISH_TO_STOP], now=now)
        for reason in dict.fromkeys(BLOCK_OF[each] for each in meanings if each in BLOCK_OF):
            address = incoming.sender
            add_block(store, connection, channel=Channel.SMS, address=address, reason=reason, by=_BY, now=now)
        add_happenings(store, connection, room, happenings=happenings)
    return True


def open_incoming(store: Store, room: Mailroom) -> tuple[Incoming, ...]:
    """The texts that were acted on, but are not written down yet, oldest first."""
    query = select(INBOUND_MESSAGE).join(REPLY, _of_room(room))
    waiting = query.where(REPLY.c.handled_at.is_(None), INBOUND_MESSAGE.c.sealed.is_not(None))
    with store.read() as connection:
        rows = connection.execute(waiting.order_by(INBOUND_MESSAGE.c.received_at, INBOUND_MESSAGE.c.sid))
        return tuple(to_incoming(store, row) for row in rows.mappings())


def settle_incoming(
    store: Store,
    room: Mailroom,
    matches: Mapping[str, int],
    *,
    happenings: Collection[Happening],
    now: datetime,
) -> None:
    """Say by sid how many participants had the number, that all is done, and what staff shall read of it."""
    with store.write() as connection:
        for sid, count in matches.items():
            this = update(REPLY).where(REPLY.c.sid == sid, *_mine(room), REPLY.c.handled_at.is_(None))
            connection.execute(this.values(matches=count, handled_at=now))
        add_happenings(store, connection, room, happenings=happenings)


def forget_incoming(store: Store, room: Mailroom, *, before: datetime) -> int:
    """Delete what texts said that the study handled and that came before a time; returns how many."""
    mine = select(REPLY.c.sid).where(*_mine(room), REPLY.c.handled_at.is_not(None))
    others = select(REPLY.c.sid).where(REPLY.c.handled_at.is_(None))
    old = update(INBOUND_MESSAGE).where(
        INBOUND_MESSAGE.c.sid.in_(mine),
        INBOUND_MESSAGE.c.sid.not_in(others),
        INBOUND_MESSAGE.c.received_at < before,
        INBOUND_MESSAGE.c.sealed.is_not(None),
    )
    with store.write() as connection:
        return connection.execute(old.values(sealed=None)).rowcount


def to_incoming(store: Store, row: RowMapping) -> Incoming:
    """Make an Incoming of a row of the table `inbound_message`."""
    form = json.loads(store.keys.unseal(row["sealed"])) if row["sealed"] else None
    return Incoming(row["sid"], row["received_at"], form)


def _of_room(room: Mailroom) -> ColumnElement[bool]:
    return and_(REPLY.c.sid == INBOUND_MESSAGE.c.sid, *_mine(room))


def _mine(room: Mailroom) -> list[ColumnElement[bool]]:
    return [REPLY.c[name] == value for name, value in room._asdict().items()]


def _lift(store: Store, connection: Connection, address: str, *, reason: str, now: datetime) -> None:
    mine = (
        ADDRESS_BLOCK.c.channel == Channel.SMS,
        ADDRESS_BLOCK.c.address_mark == address_mark(store, Channel.SMS, address=address),
        ADDRESS_BLOCK.c.reason == reason,
        ADDRESS_BLOCK.c.lifted_at.is_(None),
    )
    connection.execute(update(ADDRESS_BLOCK).where(*mine).values(lifted_at=now, lifted_by=_BY))
