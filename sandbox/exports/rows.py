"""Stored values as rows, and their order (C.4, C.5)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sandbox.model import Project, RowKey
from sandbox.names import natural_key
from sandbox.storage import Store, item

Rows = dict[RowKey, dict[str, str]]


def load_rows(store: Store, project: Project, *, records: Sequence[str] | None = None) -> Rows:
    """Return every stored row with its non-blank cells by column name; a checked option is '1'.

    Values of fields and events that the project no longer has stay hidden.
    """
    names = {item(*pair): column.name for pair, column in project.column_of.items()}
    return {
        key: {names[name]: value for name, value in found.items() if name in names}
        for key, found in store.values.rows(project.project_id, records)
        if key.event_id in project.event_by_id
    }


def in_order(project: Project, keys: Iterable[RowKey]) -> list[RowKey]:
    """Sort rows as REDCap exports them: per record all base rows, then all repeating rows (C.5)."""
    keys = list(keys)
    natural = {record: natural_key(record) for record in {key.record for key in keys}}
    events, forms = project.event_order, project.form_order

    def place(key: RowKey) -> tuple[object, ...]:
        form = forms.get(key.instrument, len(forms)) if key.instrument else -1
        return (natural[key.record], key.record, key.instance > 0, events[key.event_id], form, key.instance)

    return sorted(keys, key=place)
