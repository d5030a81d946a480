"""Stored values as rows, and their order (C.4, C.5)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sandbox.model import Project, RowKey
from sandbox.names import natural_key
from sandbox.storage import Store

Rows = dict[RowKey, dict[str, str]]


def load_rows(store: Store, project: Project, *, records: Sequence[str] | None = None) -> Rows:
    """Return every stored row with its non-blank cells by column name; a checked option is '1'.

    Values of fields and events that the project no longer has stay hidden.
    """
    names = {pair: column.name for pair, column in project.column_of.items()}
    rows: Rows = {}
    last: tuple[str, int, str, int] | None = None
    cells: dict[str, str] = {}
    for record, event_id, instrument, instance, field, code, value, _ in store.values(
        project.project_id, records
    ):
        here = (record, event_id, instrument, instance)
        if here != last:
            cells, last = {}, here
            if event_id in project.event_by_id:
                rows[RowKey(*here)] = cells
        name = names.get((field, code))
        if name is not None:
            cells[name] = "1" if code else value
    return rows


def in_order(project: Project, keys: Iterable[RowKey]) -> list[RowKey]:
    """Sort rows as REDCap exports them: per record all base rows, then all repeating rows (C.5)."""
    keys = list(keys)
    natural = {record: natural_key(record) for record in {key.record for key in keys}}
    events, forms = project.event_order, project.form_order

    def place(key: RowKey) -> tuple[object, ...]:
        form = forms.get(key.instrument, len(forms)) if key.instrument else -1
        return (natural[key.record], key.record, key.instance > 0, events[key.event_id], form, key.instance)

    return sorted(keys, key=place)
