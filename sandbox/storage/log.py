"""The log of each project."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

SCHEMA = """
CREATE TABLE IF NOT EXISTS log (
    log_id INTEGER PRIMARY KEY AUTOINCREMENT, project_id INTEGER, at TEXT NOT NULL, username TEXT,
    kind TEXT, action TEXT, details TEXT, record TEXT
);
CREATE INDEX IF NOT EXISTS log_by_project ON log (project_id, at);
"""


class LogRow(NamedTuple):
    """One row of a project's log; `kind` is one of the log export's types."""

    at: str
    username: str
    kind: str
    action: str
    details: str
    record: str


@dataclass(frozen=True)
class LogFilter:
    """What is wanted of a log; '' and None are everything, and times are to the minute and inclusive."""

    kind: str = ""
    username: str = ""
    record: str = ""
    begin: str = ""
    end: str = ""
    among: frozenset[str] | None = None

    def as_sql(self) -> tuple[list[str], list[str]]:
        """Return conditions and their values."""
        # All that happens to the values of records is asked for as `record`.
        kind = "substr(kind, 1, 6) = ?" if self.kind == "record" else "kind = ?"
        plain = {
            kind: self.kind,
            "username = ?": self.username,
            "record = ?": self.record,
            "at >= ?": self.begin,
            "substr(at, 1, 16) <= ?": self.end[:16],
        }
        found = {condition: value for condition, value in plain.items() if value}
        if self.among is not None:
            found["record IN (SELECT value FROM json_each(?))"] = json.dumps(sorted(self.among))
        return list(found), list(found.values())


class Log:
    """What happened in each project."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def add(self, project_id: int, rows: Iterable[LogRow]) -> None:
        self._db.executemany(
            "INSERT INTO log (project_id, at, username, kind, action, details, record)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(project_id, *row) for row in rows],
        )

    def records_written(self, project_id: int, after: str, *, before: str) -> frozenset[str]:
        """Return records that were created or changed between two moments; '' for no bound."""
        found = self._db.execute(
            "SELECT DISTINCT record FROM log WHERE project_id = ? AND kind IN ('record_add', 'record_edit')"
            " AND at > ? AND (? = '' OR at < ?)",
            (project_id, after, before, before),
        )
        return frozenset(record for (record,) in found)

    def count(self, project_id: int, wanted: LogFilter) -> int:
        """Return how many rows are wanted."""
        conditions, values = wanted.as_sql()
        where = " AND ".join(("project_id = ?", *conditions))
        found = self._db.execute(f"SELECT COUNT(*) FROM log WHERE {where}", (project_id, *values))
        return int(found.fetchone()[0])

    def rows(
        self, project_id: int, wanted: LogFilter | None = None, *, start: int = 0, most: int = -1
    ) -> list[LogRow]:
        """Return the log, or what is wanted of it, newest first; `most` rows from `start`."""
        conditions, values = (wanted or LogFilter()).as_sql()
        rows = self._db.execute(
            "SELECT at, username, kind, action, details, record FROM log"
            f" WHERE {' AND '.join(('project_id = ?', *conditions))} ORDER BY at DESC, log_id DESC"
            " LIMIT ? OFFSET ?",
            (project_id, *values, most, start),
        )
        return [LogRow(*row) for row in rows]

    def erase(self, project_id: int, records: Iterable[str]) -> None:
        """Take the values of records out of the log; that something happened stays."""
        self._db.executemany(
            "UPDATE log SET details = '' WHERE project_id = ? AND record = ?",
            [(project_id, record) for record in records],
        )

    def rename_record(self, project_id: int, old: str, *, new: str) -> None:
        """Let the history of a record follow it to its new name."""
        self._db.execute(
            "UPDATE log SET record = ? WHERE project_id = ? AND record = ?", (new, project_id, old)
        )
