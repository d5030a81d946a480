"""Tables of what people wrote to us, and of what staff are told."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, String, Table

from capstan.store.outbox_tables import MESSAGE
from capstan.store.tables import METADATA, UtcTime

_MARK = String(64)


def _project(*, is_key: bool = False) -> list[Column[str] | Column[int]]:
    names = ("study", "host", "project_id")
    return [
        Column(name, MESSAGE.c[name].type, primary_key=is_key, nullable=False, autoincrement=False)
        for name in names
    ]


# What came in, kept raw; the provider's id makes a repeated webhook harmless. Service and number are ours.
INBOUND_MESSAGE = Table(
    "inbound_message",
    METADATA,
    Column("sid", String(100), primary_key=True),
    Column("channel", String(10), nullable=False),
    Column("service", String(100), nullable=False),
    Column("number", String(100), nullable=False),
    Column("sender_mark", _MARK, nullable=False),
    Column("sealed", LargeBinary),
    Column("received_at", UtcTime, nullable=False),
    Column("redacted_at", UtcTime),
    Index("ix_inbound_message_sender_mark", "sender_mark", "received_at"),
)

# What one study made of it: several studies may share a number, and each has its own participants.
REPLY = Table(
    "reply",
    METADATA,
    Column("sid", String(100), ForeignKey("inbound_message.sid"), primary_key=True),
    *_project(is_key=True),
    Column("meaning", String(100), nullable=False),
    # What cannot wait for REDCap was done, and everything was.
    Column("acted_at", UtcTime, nullable=False),
    Column("handled_at", UtcTime),
    Column("matches", Integer, nullable=False),
)

# One thing that staff are to know.
NOTICE = Table(
    "notice",
    METADATA,
    Column("id", Integer, primary_key=True),
    *_project(),
    Column("cause", String(100), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("raised_at", UtcTime, nullable=False),
    Index("ix_notice_raised_at", "study", "raised_at"),
)

# One digest to one person: it tells everything of its cause up to the notice `up_to`.
NOTICE_SENT = Table(
    "notice_sent",
    METADATA,
    Column("id", Integer, primary_key=True),
    *_project(),
    Column("cause", String(100), nullable=False),
    Column("channel", String(10), nullable=False),
    Column("address_mark", _MARK, nullable=False),
    Column("up_to", Integer, nullable=False),
    Column("claimed_at", UtcTime, nullable=False),
    Column("sent_at", UtcTime),
    Index("ix_notice_sent_address_mark", "address_mark", "claimed_at"),
)
