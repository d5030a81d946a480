"""The tables of reconciliation: what was last worked of each form, and how many triggers came."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table

from capstan.store.tables import METADATA, UtcTime

# The content that was worked last of a form that a rule names, as a fingerprint. `sealed` is the record's
# name, which is needed once the record is gone.
SEEN_PLACE = Table(
    "seen_place",
    METADATA,
    Column("study", String(100), primary_key=True),
    Column("project", String(300), primary_key=True),
    Column("place_mark", String(64), primary_key=True),
    Column("record_mark", String(64), nullable=False),
    Column("event", String(200), nullable=False),
    Column("instrument", String(200), nullable=False),
    Column("instance", String(20), nullable=False),
    Column("content_mark", String(64), nullable=False),
    Column("sealed", LargeBinary),
    Column("seen_at", UtcTime, nullable=False),
    Index("ix_seen_place_record_mark", "study", "project", "record_mark"),
)

# What became of the saves of one interval. Counts are NULL where the log cannot be read.
TRIGGER_COVERAGE = Table(
    "trigger_coverage",
    METADATA,
    Column("study", String(100), primary_key=True),
    Column("project", String(300), primary_key=True),
    Column("began_at", UtcTime, primary_key=True),
    Column("ended_at", UtcTime, nullable=False),
    Column("way", String(20), nullable=False),
    *(Column(name, Integer) for name in ("saves", "received", "late", "missed", "duplicate")),
    *(Column(name, Integer, nullable=False) for name in ("made", "deleted", "renamed")),
)
