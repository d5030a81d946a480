"""The monitors' tables: what is waited for, and the commands that are to run once when it has come."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, String, Table, UniqueConstraint, text

from capstan.store.outbox_tables import MESSAGE
from capstan.store.tables import METADATA, UtcTime

_MARK = String(64)
_OPEN = text("ended_at IS NULL")
_SUBJECT = ("study", "host", "project_id", "monitor", "subject_mark")


def _subject(*, is_key: bool = False) -> list[Column[str] | Column[int]]:
    project = [
        Column(name, MESSAGE.c[name].type, primary_key=is_key, nullable=False, autoincrement=False)
        for name in ("study", "host", "project_id")
    ]
    named = {"monitor": String(100), "subject_mark": _MARK}
    return [
        *project,
        *(Column(name, kind, primary_key=is_key, nullable=False) for name, kind in named.items()),
    ]


# One wait for one subject. Two constraints keep a form that is saved again from opening another one: a
# subject has one open wait, and an occasion opens one for ever.
WAIT = Table(
    "monitor_wait",
    METADATA,
    Column("id", Integer, primary_key=True),
    *_subject(),
    Column("occasion_mark", _MARK, nullable=False),
    Column("record_mark", _MARK, nullable=False),
    Column("session", String(200), nullable=False),
    Column("sealed", LargeBinary),
    Column("site", String(100), nullable=False),
    Column("state", String(20), nullable=False),
    Column("since", UtcTime, nullable=False),
    Column("told_at", UtcTime),
    Column("tellings", Integer, nullable=False),
    Column("downloaded_at", UtcTime),
    Column("downloads", Integer, nullable=False),
    Column("looked_at", UtcTime),
    Column("reason", String, nullable=False),
    Column("by", String(200), nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    Column("claimed_by", String(400)),
    Column("claimed_until", UtcTime),
    UniqueConstraint(*_SUBJECT, "occasion_mark", name="uq_monitor_wait_occasion"),
    Index("ix_monitor_wait_record_mark", "record_mark"),
    Index("uq_monitor_wait_open", *_SUBJECT, unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
)

# A command that runs once for a subject, whatever happens: it is `started` on disk before it runs.
COMMAND = Table(
    "monitor_command",
    METADATA,
    *_subject(is_key=True),
    Column("wait_id", Integer, ForeignKey("monitor_wait.id"), nullable=False),
    Column("state", String(20), nullable=False),
    Column("worker", String(400), nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Column("exit_code", Integer),
)
