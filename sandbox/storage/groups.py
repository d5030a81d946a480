"""Which access group a record belongs to."""

from __future__ import annotations

import sqlite3

SCHEMA = """
CREATE TABLE IF NOT EXISTS record_group (
    project_id INTEGER, record TEXT, group_id INTEGER NOT NULL, PRIMARY KEY (project_id, record)
);
"""


class RecordGroups:
    """A record belongs to one access group or to none, in all of its events."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def by_record(self, project_id: int) -> dict[str, int]:
        """Return access group ids by record."""
        return dict(
            self._db.execute("SELECT record, group_id FROM record_group WHERE project_id = ?", (project_id,))
        )

    def of(self, project_id: int, record: str) -> int | None:
        """Return the access group of one record, or None."""
        row = self._db.execute(
            "SELECT group_id FROM record_group WHERE project_id = ? AND record = ?", (project_id, record)
        ).fetchone()
        return None if row is None else int(row[0])

    def forget_group(self, project_id: int, group_id: int) -> None:
        """Leave the records of a group that was deleted in none."""
        self._db.execute(
            "DELETE FROM record_group WHERE project_id = ? AND group_id = ?", (project_id, group_id)
        )

    def assign(self, project_id: int, record: str, *, group_id: int | None) -> None:
        """Assign a record to an access group, or to none."""
        if group_id is None:
            self._db.execute(
                "DELETE FROM record_group WHERE project_id = ? AND record = ?", (project_id, record)
            )
        else:
            self._db.execute(
                "INSERT OR REPLACE INTO record_group VALUES (?, ?, ?)", (project_id, record, group_id)
            )

    def forget_missing_records(self, project_id: int) -> None:
        """Drop the assignments of records that have no values any more."""
        self._db.execute(
            "DELETE FROM record_group WHERE project_id = ? AND record NOT IN"
            " (SELECT record FROM row WHERE project_id = ?)",
            (project_id, project_id),
        )
