"""The tables of calm: REDCap hosts that do not answer, who was told of it, and runs that wait for a turn."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, String, Table

from capstan.store.tables import METADATA, UtcTime

# One REDCap host. `trier` is the process that may try again now, since `tried_at`.
BREAKER = Table(
    "breaker",
    METADATA,
    Column("host", String(300), primary_key=True),
    Column("state", String(20), nullable=False),
    Column("failures", Integer, nullable=False),
    Column("is_ban", Boolean, nullable=False),
    Column("opened_at", UtcTime),
    Column("closed_at", UtcTime),
    Column("tries", Integer, nullable=False),
    Column("try_at", UtcTime),
    Column("trier", String(400)),
    Column("tried_at", UtcTime),
    Column("put_off", Integer, nullable=False),
)

# Who was told that a host does not answer, and by which study; struck off once told that it answers again.
BREAKER_TOLD = Table(
    "breaker_told",
    METADATA,
    Column("host", String(300), primary_key=True),
    Column("address_mark", String(64), primary_key=True),
    Column("study", String(100), nullable=False),
    Column("told_at", UtcTime, nullable=False),
)

# One run that waits for its study, or is about to begin; the lowest number whose owner lives goes first.
TURN = Table(
    "turn",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("study", String(100), nullable=False),
    Column("call", String(64), nullable=False),
    Column("owner", String(400), nullable=False),
    Column("beat_at", UtcTime, nullable=False),
    Index("ix_turn_study", "study", "id"),
    # A number is never given twice: the newest would go first where the one before it had left.
    sqlite_autoincrement=True,
)
