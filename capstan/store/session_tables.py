"""The sessions' tables: timepoints, sessions, the forms in REDCap that tell of them, and what people said."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
    text,
)

from capstan.store.tables import METADATA, UtcTime

_STUDY = String(100)
_NAME = String(200)
_NOT_LIFTED = text("lifted_at IS NULL")
_OWN = text("NOT shared")


def _of_session(*, is_key: bool) -> list[Column[str] | Column[int] | ForeignKeyConstraint]:
    return [
        Column("study", _STUDY, primary_key=is_key, nullable=False),
        Column("name", _NAME, primary_key=is_key, nullable=False),
        Column("number", Integer, primary_key=is_key, nullable=False, autoincrement=False),
        ForeignKeyConstraint(
            ["study", "name", "number"], ["session.study", "session.name", "session.number"]
        ),
    ]


# One visit of one participant; `name` is its session ids' common part.
TIMEPOINT = Table(
    "timepoint",
    METADATA,
    Column("study", _STUDY, primary_key=True),
    Column("name", _NAME, primary_key=True),
    Column("site", _NAME, nullable=False),
    Column("is_phantom", Boolean, nullable=False),
    Column("added_at", UtcTime, nullable=False),
)

# One session of a timepoint; `source` is who said first that there is one.
SESSION = Table(
    "session",
    METADATA,
    Column("study", _STUDY, primary_key=True),
    Column("name", _NAME, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("source", String(20), nullable=False),
    Column("added_at", UtcTime, nullable=False),
    ForeignKeyConstraint(["study", "name"], ["timepoint.study", "timepoint.name"]),
)

# One form of one record that tells of a session. No part of its key is ever NULL, because NULLs are all
# different to a database. `name` and `number` are the session that it names, blank and 0 where none.
REDCAP_RECORD = Table(
    "redcap_record",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("study", _STUDY, nullable=False),
    Column("host", String(255), nullable=False),
    Column("project_id", Integer, nullable=False),
    Column("record_mark", String(64), nullable=False),
    Column("event", String(200), nullable=False),
    Column("instrument", String(200), nullable=False),
    Column("instance", String(20), nullable=False),
    Column("event_id", String(20), nullable=False),
    Column("version", String(20), nullable=False),
    Column("name", _NAME, nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("reason", String, nullable=False),
    Column("sealed", LargeBinary),
    Column("added_at", UtcTime, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Column("by", String(200), nullable=False),
    UniqueConstraint(
        "study",
        "host",
        "project_id",
        "record_mark",
        "event",
        "instrument",
        "instance",
        name="uq_redcap_record",
    ),
    Index("ix_redcap_record_session", "study", "name", "number"),
    Index("ix_redcap_record_state", "study", "state"),
)

# The record of a session: one at most. A record is one session's own; others may share it.
SESSION_RECORD = Table(
    "session_record",
    METADATA,
    *_of_session(is_key=True),
    Column("record_id", Integer, ForeignKey("redcap_record.id"), nullable=False),
    Column("shared", Boolean, nullable=False),
    Column("by", String(200), nullable=False),
    Column("linked_at", UtcTime, nullable=False),
    Index("ix_session_record_record_id", "record_id"),
    Index(
        "uq_session_record_own",
        "record_id",
        unique=True,
        sqlite_where=_OWN,
        postgresql_where=_OWN,
    ),
)

# A person's word that something will not come for a session; lifted ones stay as history.
DISMISSAL = Table(
    "session_dismissal",
    METADATA,
    Column("id", Integer, primary_key=True),
    *_of_session(is_key=False),
    Column("kind", String(20), nullable=False),
    Column("by", String(200), nullable=False),
    Column("reason", String, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("lifted_at", UtcTime),
    Column("lifted_by", String(200), nullable=False),
    Index(
        "uq_session_dismissal_open",
        "study",
        "name",
        "number",
        "kind",
        unique=True,
        sqlite_where=_NOT_LIFTED,
        postgresql_where=_NOT_LIFTED,
    ),
)

# Where data of a session were found, such as by a probe, and when first.
SESSION_DATA = Table(
    "session_data",
    METADATA,
    *_of_session(is_key=True),
    Column("source", String(200), primary_key=True),
    Column("found_at", UtcTime, nullable=False),
)
