"""The values of records: one row of the database for each row key, with its cells as JSON."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple

from sandbox.model import RowKey

SCHEMA = """
CREATE TABLE IF NOT EXISTS row (
    project_id INTEGER, record TEXT, event_id INTEGER, instrument TEXT, instance INTEGER,
    cells TEXT NOT NULL, survey TEXT NOT NULL DEFAULT '{}',
    PRIMARY KEY (project_id, record, event_id, instrument, instance)
);
"""
_KEY = "record, event_id, instrument, instance"
_WHERE = "WHERE project_id=? AND record=? AND event_id=? AND instrument=? AND instance=?"
_SEPARATOR = "\x1f"
Cells = dict[str, str]


class Change(NamedTuple):
    """One stored value to write, or to delete when `value` is ''; a checked option has its code as value."""

    key: RowKey
    field: str
    code: str
    value: str


def item(field: str, code: str) -> str:
    """Return the name of a value among a row's cells; the code is '' but for checkbox options."""
    return f"{field}{_SEPARATOR}{code}" if code else field


def split_item(name: str) -> tuple[str, str]:
    """Return the field and the code of a cell's name."""
    field, _, code = name.partition(_SEPARATOR)
    return field, code


class Values:
    """Non-blank values in the order in which they were first stored; a checked option is `'1'`."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def rows(self, project_id: int, records: Sequence[str] | None = None) -> Iterator[tuple[RowKey, Cells]]:
        """Yield every row, or those of some records, with its cells by `item`."""
        for *key, cells in self._select("cells", project_id, records=records):
            yield RowKey(*key), json.loads(cells)

    def surveys(
        self, project_id: int, records: Sequence[str] | None = None
    ) -> Iterator[tuple[RowKey, Cells]]:
        """Yield survey timestamps and identifiers of rows that have them."""
        for *key, found in self._select("survey", project_id, records=records):
            if found != "{}":
                yield RowKey(*key), json.loads(found)

    def _select(
        self, what: str, project_id: int, *, records: Sequence[str] | None
    ) -> Iterable[tuple[Any, ...]]:
        head = f"SELECT {_KEY}, {what} FROM row WHERE project_id = ?"
        if records is None:
            return self._db.execute(head, (project_id,))
        one = head + " AND record = ?"
        return chain.from_iterable(self._db.execute(one, (project_id, record)) for record in records)

    def record_names(self, project_id: int) -> set[str]:
        rows = self._db.execute("SELECT DISTINCT record FROM row WHERE project_id = ?", (project_id,))
        return {row[0] for row in rows}

    def apply(self, project_id: int, changes: Iterable[Change]) -> None:
        """Write and delete values; a value keeps its place in storage order when it changes."""
        by_key: dict[RowKey, Cells] = {}
        for key, field, code, value in changes:
            by_key.setdefault(key, {})[item(field, code)] = ("1" if code else value) if value else ""
        writes: list[tuple[Any, ...]] = []
        gone: list[RowKey] = []
        for key, cells in by_key.items():
            merged = {name: value for name, value in (self._cells(project_id, key) | cells).items() if value}
            if merged:
                writes.append((project_id, *key, json.dumps(merged, ensure_ascii=False)))
            else:
                gone.append(key)
        self._db.executemany(
            f"INSERT INTO row (project_id, {_KEY}, cells) VALUES (?,?,?,?,?,?)"
            " ON CONFLICT DO UPDATE SET cells = excluded.cells",
            writes,
        )
        self.delete_rows(project_id, gone)

    def _cells(self, project_id: int, key: RowKey) -> Cells:
        row = self._db.execute(f"SELECT cells FROM row {_WHERE}", (project_id, *key)).fetchone()
        return {} if row is None else json.loads(row[0])

    def set_surveys(self, project_id: int, values: dict[tuple[RowKey, str], str]) -> None:
        """Keep survey timestamps and identifiers of rows that exist."""
        for (key, name), value in values.items():
            self._db.execute(
                f"UPDATE row SET survey = json_set(survey, '$.' || json_quote(?), ?) {_WHERE}",
                (name, value, project_id, *key),
            )

    def delete_rows(self, project_id: int, keys: Iterable[RowKey]) -> None:
        self._db.executemany(f"DELETE FROM row {_WHERE}", [(project_id, *key) for key in keys])

    def delete_events(self, project_id: int, event_ids: Iterable[int]) -> None:
        self._db.executemany(
            "DELETE FROM row WHERE project_id=? AND event_id=?", [(project_id, one) for one in event_ids]
        )

    def rename_record(
        self, project_id: int, old: str, *, new: str, event_ids: Sequence[int], id_field: str
    ) -> None:
        """Give a record another name in some events; what is left of it keeps the old one."""
        self._db.executemany(
            "UPDATE row SET record=?, cells=json_set(cells, '$.' || json_quote(?), ?)"
            " || ? || "
            "', ?)"
            " WHERE project_id=? AND record=? AND event_id=?",
            [(new, id_field, new, project_id, old, event_id) for event_id in event_ids],
        )
