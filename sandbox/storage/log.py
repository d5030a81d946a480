"""The log of each project."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
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

    def rows(self, project_id: int) -> list[LogRow]:
        """Return the log, newest first."""
        rows = self._db.execute(
            "SELECT at, username, kind, action, details, record FROM log WHERE project_id = ?"
            " ORDER BY at DESC, log_id DESC",
            (project_id,),
        )
        return [LogRow(*row) for row in rows]
