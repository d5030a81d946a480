"""Which forms and whole records are locked."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sandbox.project.parts import RowKey

SCHEMA = """
CREATE TABLE IF NOT EXISTS lock (
    project_id INTEGER, record TEXT, event_id INTEGER, instrument TEXT, instance INTEGER, form TEXT,
    PRIMARY KEY (project_id, record, event_id, instrument, instance, form)
);
"""
_PLACE = "record, event_id, instrument, instance, form"


class Lock(NamedTuple):
    """A locked form of one row, or with the form '' the whole record at every event."""

    key: RowKey
    form: str


class Locks:
    """A lock keeps values from being changed until it is taken away."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def add(self, project_id: int, key: RowKey, *, form: str = "") -> None:
        """Lock a form of a row, or the whole record when the form is ''."""
        self._db.execute("INSERT OR IGNORE INTO lock VALUES (?,?,?,?,?,?)", (project_id, *_place(key, form)))

    def remove(self, project_id: int, key: RowKey, *, form: str = "") -> None:
        self._db.execute(
            "DELETE FROM lock WHERE project_id=? AND record=? AND event_id=? AND instrument=? AND instance=?"
            " AND form=?",
            (project_id, *_place(key, form)),
        )

    def all(self, project_id: int) -> frozenset[Lock]:
        rows = self._db.execute(f"SELECT {_PLACE} FROM lock WHERE project_id = ?", (project_id,))
        return frozenset(Lock(RowKey(*key), form) for *key, form in rows)

    def rename_record(self, project_id: int, old: str, *, new: str, event_ids: Sequence[int]) -> None:
        """Let the locks of a record follow it to its new name; those of the whole record do so too."""
        self._db.executemany(
            "UPDATE OR REPLACE lock SET record=? WHERE project_id=? AND record=? AND event_id=?",
            [(new, project_id, old, event_id) for event_id in (0, *event_ids)],
        )

    def forget_rows(self, project_id: int, keys: Iterable[RowKey], *, form: str = "") -> None:
        """Drop the locks of rows that are deleted, or of one form of them."""
        head = (
            "DELETE FROM lock WHERE project_id=? AND record=? AND event_id=? AND instrument=? AND instance=?"
        )
        self._db.executemany(f"{head} AND ? IN ('', form)", [(project_id, *key, form) for key in keys])

    def forget_missing_records(self, project_id: int) -> None:
        """Drop the locks of records that have no values any more."""
        self._db.execute(
            "DELETE FROM lock WHERE project_id = ? AND record NOT IN"
            " (SELECT record FROM row WHERE project_id = ?)",
            (project_id, project_id),
        )


def _place(key: RowKey, form: str) -> tuple[str | int, ...]:
    return (*key, form) if form else (key.record, 0, "", 0, "")
