"""The outbox's tables: what is to be sent, what was tried, what was heard, and what stands against it."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
    text,
)

from capstan.store.tables import METADATA, UtcTime

# A mark is a keyed fingerprint: it finds a record or an address that is itself kept sealed only.
_MARK = String(64)


def _project() -> list[Column[str] | Column[int]]:
    return [
        Column("study", String(100), nullable=False),
        Column("host", String(255), nullable=False),
        Column("project_id", Integer, nullable=False),
    ]


# One intended contact; `key` names it for ever, so it cannot be queued twice.
MESSAGE = Table(
    "message",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("key", _MARK, nullable=False, unique=True),
    *_project(),
    Column("run_id", String(32), nullable=False),
    Column("name", String(100), nullable=False),
    Column("channel", String(10), nullable=False),
    Column("event", String(200), nullable=False),
    Column("instance", String(20), nullable=False),
    Column("language", String(50), nullable=False),
    Column("zones", String, nullable=False),
    Column("segments", Integer, nullable=False),
    Column("record_mark", _MARK, nullable=False),
    Column("address_mark", _MARK, nullable=False),
    Column("text_mark", _MARK, nullable=False),
    Column("sealed", LargeBinary),
    Column("not_before", UtcTime, nullable=False),
    Column("not_after", UtcTime, nullable=False),
    Column("state", String(20), nullable=False),
    Column("rule", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("max_attempts", Integer, nullable=False),
    Column("planned_at", UtcTime, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Index("ix_message_due", "study", "host", "project_id", "channel", "state", "not_before", "id"),
    Index("ix_message_record_mark", "record_mark"),
    Index("ix_message_address_mark", "address_mark"),
    Index("ix_message_run_id", "run_id"),
)

# One try to send a message. Its id is in the address for callbacks, so it cannot be guessed.
ATTEMPT = Table(
    "attempt",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("message_id", Integer, ForeignKey("message.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("worker", String(400), nullable=False),
    Column("sender", String(200), nullable=False),
    Column("segments", Integer, nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    Column("outcome", String(20)),
    # Blank is NULL, so that it may come often: no two attempts own one message of the provider's.
    Column("sid", String(100), unique=True),
    Column("status", String(30), nullable=False),
    Column("code", Integer, nullable=False),
    Column("failed", Boolean, nullable=False),
    Column("swaps", Integer, nullable=False),
    Column("looks", Integer, nullable=False),
    Column("looked_at", UtcTime),
    Column("changed_at", UtcTime, nullable=False),
    Column("written_status", String(30)),
    Column("written_to", String(20), nullable=False),
    Column("redacted_at", UtcTime),
    UniqueConstraint("message_id", "number", name="uq_attempt_number"),
    Index("ix_attempt_started_at", "started_at"),
    Index("ix_attempt_outcome", "outcome"),
)

# What a run said it would send, and what it has sent: the guard against a run that does not stop.
ANNOUNCEMENT = Table(
    "announcement",
    METADATA,
    Column("run_id", String(32), primary_key=True),
    Column("channel", String(10), primary_key=True),
    Column("announced", Integer, nullable=False),
    Column("sent", Integer, nullable=False),
)

# The clock of one sender, shared by all that send through it, be they of one study or of several.
SENDER = Table(
    "sender",
    METADATA,
    Column("name", String(200), primary_key=True),
    # Microseconds since 1970, because databases do not agree on how to add to a time.
    Column("next_free_us", BigInteger, nullable=False),
    # What left within the last second, or is about to: `Leaving`s as JSON.
    Column("leavings", String, nullable=False),
    Column("paused_until", UtcTime),
    Column("slow_until", UtcTime),
)

# What a person or a guard has stopped: a message (`name`), a channel (name blank), or all (both blank).
STOP = Table(
    "channel_state",
    METADATA,
    *(Column(column.name, column.type, primary_key=True, autoincrement=False) for column in _project()),
    Column("channel", String(10), primary_key=True),
    Column("name", String(100), primary_key=True),
    Column("stopped", Boolean, nullable=False),
    Column("reason", String, nullable=False),
    Column("by", String(200), nullable=False),
    Column("changed_at", UtcTime, nullable=False),
)

# What the provider said of an attempt, as it came; joined to the attempt as soon as that is known.
DELIVERY_EVENT = Table(
    "delivery_event",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("attempt_id", String(64), nullable=False),
    Column("sid", String(100), nullable=False),
    Column("status", String(30), nullable=False),
    Column("code", Integer, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("joined", Boolean, nullable=False),
    UniqueConstraint("attempt_id", "sid", "status", "code", name="uq_delivery_event"),
    Index("ix_delivery_event_sid", "sid"),
)

# An address that gets nothing more, for all studies of this store; lifted ones stay as history.
ADDRESS_BLOCK = Table(
    "address_block",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("channel", String(10), nullable=False),
    Column("address_mark", _MARK, nullable=False),
    Column("sealed", LargeBinary),
    Column("reason", String(100), nullable=False),
    Column("by", String(200), nullable=False),
    Column("since", UtcTime, nullable=False),
    Column("lifted_at", UtcTime),
    Column("lifted_by", String(200), nullable=False),
    Index(
        "uq_address_block",
        "channel",
        "address_mark",
        unique=True,
        sqlite_where=text("lifted_at IS NULL"),
        postgresql_where=text("lifted_at IS NULL"),
    ),
)
