"""The values of records: one row of the database for each row key, with its cells as JSON."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import orjson

from sandbox.project.parts import RowKey

SCHEMA = """
CREATE TABLE IF NOT EXISTS row (
    project_id INTEGER, record TEXT, event_id INTEGER, instrument TEXT, instance INTEGER,
    cells TEXT NOT NULL, survey TEXT NOT NULL DEFAULT '{}',
    PRIMARY KEY (project_id, record, event_id, instrument, instance)
);
"""
_KEY = "record, event_id, instrument, instance"
_WHERE = "WHERE project_id=? AND record=? AND event_id=? AND instrument=? AND instance=?"
SEPARATOR = "\x1f"
# As bytes, which is what is taken apart: text would be decoded first, and encoded again.
_ROW = f"{_KEY}, CAST(cells AS BLOB), survey"
_EVERY = f"SELECT {_ROW} FROM row WHERE project_id = ?"
_WANTED = f"""
    SELECT {_ROW} FROM json_each(?) AS wanted
    CROSS JOIN row ON project_id = ? AND record = wanted.value
"""
_SLICE = 1000
Cells = dict[str, str]


class Change(NamedTuple):
    """One stored value to write, or to delete when `value` is ''; a checked option has its code as value."""

    key: RowKey
    field: str
    code: str
    value: str


def item(field: str, code: str) -> str:
    """Return the name of a value among a row's cells; the code is '' but for checkbox options."""
    return f"{field}{SEPARATOR}{code}" if code else field


def split_item(name: str) -> tuple[str, str]:
    """Return the field and the code of a cell's name."""
    field, _, code = name.partition(SEPARATOR)
    return field, code


class StoredRow(NamedTuple):
    """One row: its cells by `item`, its survey timestamps and identifier by column."""

    key: RowKey
    cells: Cells
    survey: Cells


class Values:
    """Non-blank values in the order in which they were first stored; a checked option is `'1'`."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def rows(self, project_id: int, records: Sequence[str] | None = None) -> Iterator[tuple[RowKey, Cells]]:
        """Yield every row, or those of some records, with its cells by `item`."""
        for key, cells, _ in self.stored(project_id, records):
            yield key, cells

    def surveys(
        self, project_id: int, records: Sequence[str] | None = None
    ) -> Iterator[tuple[RowKey, Cells]]:
        """Yield survey timestamps and identifiers of rows that have them."""
        for key, _, survey in self.stored(project_id, records):
            if survey:
                yield key, survey

    def stored(self, project_id: int, records: Sequence[str] | None = None) -> Iterator[StoredRow]:
        """Yield every row, or those of some records: one record after the other, as they are given."""
        load = orjson.loads
        for record, event_id, instrument, instance, cells, survey in self._select(project_id, records):
            key = RowKey(record, event_id, instrument, instance)
            yield StoredRow(key, load(cells), {} if survey == "{}" else load(survey))

    def _select(self, project_id: int, records: Sequence[str] | None) -> Iterable[Any]:
        if records is None:
            return self._db.execute(_EVERY, (project_id,))
        slices = (records[start : start + _SLICE] for start in range(0, len(records), _SLICE))
        return chain.from_iterable(
            self._db.execute(_WANTED, (orjson.dumps(names).decode(), project_id)) for names in slices
        )

    def column(self, project_id: int, field: str) -> Iterator[tuple[str, str]]:
        """Yield the records with their non-blank values of one field."""
        found = self._db.execute(
            "SELECT record, json_extract(cells, '$.' || json_quote(?)) AS value FROM row"
            " WHERE project_id = ? AND value IS NOT NULL",
            (field, project_id),
        )
        yield from found

    def record_names(self, project_id: int) -> set[str]:
        return set(self.names(project_id))

    def names(self, project_id: int) -> Iterator[str]:
        """Yield the names of all records, in no useful order."""
        rows = self._db.execute("SELECT DISTINCT record FROM row WHERE project_id = ?", (project_id,))
        return (record for (record,) in rows)

    def record_names_at(self, project_id: int, event_ids: Sequence[int]) -> set[str]:
        """Return the records that have a row at one of the events."""
        marks = ",".join("?" * len(event_ids))
        rows = self._db.execute(
            f"SELECT DISTINCT record FROM row WHERE project_id = ? AND event_id IN ({marks})",
            (project_id, *event_ids),
        )
        return {row[0] for row in rows}

    def apply(self, project_id: int, changes: Iterable[Change]) -> None:
        """Write and delete values; a value keeps its place in storage order when it changes."""
        by_key: dict[RowKey, Cells] = {}
        for key, field, code, value in changes:
            by_key.setdefault(key, {})[item(field, code)] = ("1" if code else value) if value else ""
        self.replace(project_id, {key: self._cells(project_id, key) | cells for key, cells in by_key.items()})

    def add(self, project_id: int, rows: Iterable[StoredRow]) -> None:
        """Write rows without blank cells; a row that is there already keeps what the new one lacks."""
        self._db.executemany(
            f"INSERT INTO row (project_id, {_KEY}, cells, survey) VALUES (?,?,?,?,?,?,?)"
            " ON CONFLICT DO UPDATE SET cells = json_patch(cells, excluded.cells),"
            " survey = json_patch(survey, excluded.survey)",
            ((project_id, *key, *(orjson.dumps(one).decode() for one in both)) for key, *both in rows),
        )

    def replace(self, project_id: int, rows: Mapping[RowKey, Cells]) -> None:
        """Write whole rows by `item`; blank cells are left out, and a row without any cell is deleted."""
        writes: list[tuple[Any, ...]] = []
        gone: list[RowKey] = []
        for key, row in rows.items():
            cells = {name: value for name, value in row.items() if value}
            if cells:
                writes.append((project_id, *key, orjson.dumps(cells).decode()))
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
        return {} if row is None else orjson.loads(row[0])

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
            " WHERE project_id=? AND record=? AND event_id=?",
            [(new, id_field, new, project_id, old, event_id) for event_id in event_ids],
        )
