"""Allocation tables of randomizations, and which record took which place."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from typing import NamedTuple

SCHEMA = """
CREATE TABLE IF NOT EXISTS allocation (
    allocation_id INTEGER PRIMARY KEY AUTOINCREMENT, project_id INTEGER, randomization_id INTEGER,
    stratum TEXT NOT NULL, target TEXT NOT NULL, alternative TEXT NOT NULL, record TEXT
);
CREATE INDEX IF NOT EXISTS allocation_by_stratum ON allocation (project_id, randomization_id, stratum);
CREATE UNIQUE INDEX IF NOT EXISTS allocation_of_record ON allocation (project_id, randomization_id, record);
"""


class Allocation(NamedTuple):
    """One place of a table: the target field's value, and its other name where it has one."""

    stratum: Mapping[str, str]
    target: str
    alternative: str


class Allocations:
    """Places are taken in the order of the table, within each stratum."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def replace(self, project_id: int, randomization_id: int, *, rows: Iterable[Allocation]) -> None:
        """Put another table in the place of what is there."""
        self._db.execute(
            "DELETE FROM allocation WHERE project_id = ? AND randomization_id = ?",
            (project_id, randomization_id),
        )
        self._db.executemany(
            "INSERT INTO allocation (project_id, randomization_id, stratum, target, alternative)"
            " VALUES (?, ?, ?, ?, ?)",
            [(project_id, randomization_id, _text(stratum), *rest) for stratum, *rest in rows],
        )

    def take(
        self, project_id: int, randomization_id: int, *, stratum: Mapping[str, str], record: str
    ) -> Allocation | None:
        """Give a record the next free place of its stratum; None when the table is used up."""
        row = self._db.execute(
            "SELECT allocation_id, target, alternative FROM allocation"
            " WHERE project_id = ? AND randomization_id = ? AND stratum = ? AND record IS NULL"
            " ORDER BY allocation_id LIMIT 1",
            (project_id, randomization_id, _text(stratum)),
        ).fetchone()
        if row is None:
            return None
        self._db.execute("UPDATE allocation SET record = ? WHERE allocation_id = ?", (record, row[0]))
        return Allocation(stratum, row[1], row[2])

    def records(self, project_id: int, randomization_id: int) -> set[str]:
        """Return the records that have a place."""
        rows = self._db.execute(
            "SELECT record FROM allocation"
            " WHERE project_id = ? AND randomization_id = ? AND record IS NOT NULL",
            (project_id, randomization_id),
        )
        return {row[0] for row in rows}

    def rename_record(self, project_id: int, old: str, *, new: str) -> None:
        """Let a record keep its place under its new name, unless another of that name has one already."""
        self._db.execute(
            "UPDATE OR IGNORE allocation SET record = ? WHERE project_id = ? AND record = ?",
            (new, project_id, old),
        )

    def forget_missing_records(self, project_id: int) -> None:
        """Free the places of records that have no values any more."""
        self._db.execute(
            "UPDATE allocation SET record = NULL WHERE project_id = ?"
            " AND record NOT IN (SELECT record FROM row WHERE project_id = ?)",
            (project_id, project_id),
        )


def _text(stratum: Mapping[str, str]) -> str:
    return json.dumps(stratum, sort_keys=True)
