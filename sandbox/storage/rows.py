"""Stored values as rows, and their order (C.4, C.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from sandbox.project.model import Project
from sandbox.project.names import MAX_DIGITS, natural_key
from sandbox.project.parts import RowKey
from sandbox.storage.store import Store
from sandbox.storage.values import Cells, StoredRow, Values, item

CHUNK_ROWS = 100


class Row(NamedTuple):
    """One row: cells by column name in storage order, and survey columns by name; none is blank."""

    key: RowKey
    cells: Cells
    survey: Cells


def load_rows(store: Store, project: Project, *, records: Sequence[str] | None = None) -> dict[RowKey, Cells]:
    """Return every stored row with its non-blank cells by column name; a checked option is '1'.

    Values of fields and events that the project no longer has stay hidden.
    """
    names = {item(*pair): column.name for pair, column in project.column_of.items()}
    return {
        key: {names[name]: value for name, value in found.items() if name in names}
        for key, found in store.values.rows(project.project_id, records)
        if key.event_id in project.event_by_id
    }


def read_chunks(
    values: Values, project: Project, *, records: Sequence[str], size: int = CHUNK_ROWS
) -> Iterator[list[StoredRow]]:
    """Yield the rows of records in the order given, in lists of whole records with `size` rows or more.

    Rows of events that the project no longer has stay hidden; cells of its former fields do not.
    """
    place, events = _place_in_record(project), project.event_by_id
    chunk: list[StoredRow] = []
    stored = values.stored(project.project_id, records)
    for _, found in groupby(stored, key=lambda row: row.key.record):
        rows = [row for row in found if row.key.event_id in events]
        if len(rows) > 1:
            rows.sort(key=lambda row: place(row.key))
        chunk += rows
        if len(chunk) >= size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def name_options(project: Project, chunks: Iterable[Sequence[StoredRow]]) -> Iterator[list[Row]]:
    """Name cells by column: most are already, only checked options are not."""
    options = {item(*pair): column.name for pair, column in project.column_of.items() if column.code}
    for chunk in chunks:
        yield [
            Row(key, {options.get(name, name): value for name, value in cells.items()}, survey)
            for key, cells, survey in chunk
        ]


def sort_records(records: Iterable[str]) -> list[str]:
    """Sort ids as people do."""
    found = sorted(records)
    # Most ids are plain numbers, whose keys are small; natural keys of many ids need much memory.
    are_numbers = all(map(str.isdecimal, found)) and max(map(len, found), default=0) < MAX_DIGITS
    found.sort(key=int if are_numbers else natural_key)
    return found


def _place_in_record(project: Project) -> Callable[[RowKey], tuple[bool, int, int, int]]:
    events, forms = project.event_order, project.form_order

    def place(key: RowKey) -> tuple[bool, int, int, int]:
        form = forms.get(key.instrument, len(forms)) if key.instrument else -1
        return key.instance > 0, events[key.event_id], form, key.instance

    return place
