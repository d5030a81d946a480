"""The inbox's tables: what REDCap and partners told us, and what was done with it."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, String, Table, UniqueConstraint, text

from capstan.store.tables import METADATA, UtcTime

# One thing that was told. `mark` is a keyed fingerprint of what it says; `made_by` is blank if it arrived,
# else who made it here. `record_mark` and `place_mark` are fingerprints of the record and of the form in it,
# blank where a partner told it. `attempts` are those that failed; none is made again before `not_before`.
INBOX = Table(
    "inbox",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("study", String(100), nullable=False),
    Column("source", String(200), nullable=False),
    Column("mark", String(64), nullable=False),
    Column("record_mark", String(64), nullable=False),
    Column("place_mark", String(64), nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("last_seen_at", UtcTime, nullable=False),
    Column("times_seen", Integer, nullable=False),
    Column("made_by", String(20), nullable=False),
    Column("sealed", LargeBinary),
    Column("claimed_by", String(400)),
    Column("claimed_until", UtcTime),
    Column("attempts", Integer, nullable=False, default=0),
    Column("not_before", UtcTime),
    Column("done_at", UtcTime),
    Index("ix_inbox_mark", "mark"),
    Index("ix_inbox_record", "record_mark"),
    Index("ix_inbox_received_at", "study", "received_at"),
    # What waits is little, and asked for every few seconds.
    Index(
        "ix_inbox_open",
        "study",
        "id",
        sqlite_where=text("done_at IS NULL"),
        postgresql_where=text("done_at IS NULL"),
    ),
)

# What one revision of a flow made of an item.
INBOX_LOG = Table(
    "inbox_log",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("inbox_id", Integer, ForeignKey("inbox.id"), nullable=False),
    Column("flow", String(100), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("reason", String, nullable=False),
    Column("at", UtcTime, nullable=False),
    UniqueConstraint("inbox_id", "flow", "revision", name="uq_inbox_log"),
)

# Records for which a flow was asked to run. `asks` counts up: a run strikes off only what it has seen.
ASKED = Table(
    "asked",
    METADATA,
    Column("study", String(100), primary_key=True),
    Column("flow", String(100), primary_key=True),
    Column("record_mark", String(64), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("asks", Integer, nullable=False),
    Column("asked_at", UtcTime, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("not_before", UtcTime),
)
