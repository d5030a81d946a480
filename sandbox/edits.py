"""A second writer: one cell edited as on a data entry form, with its log row."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.errors import ApiError
from sandbox.imports.changes import load_stored
from sandbox.imports.run import write_log
from sandbox.model import RowKey
from sandbox.session import Session
from sandbox.storage import Change


@dataclass(frozen=True)
class Cell:
    """Where a value goes; `field` is the export column, `event` the unique name."""

    record: str
    field: str
    value: str
    event: str = ""
    instrument: str = ""
    instance: int = 0


def edit_cell(session: Session, cell: Cell) -> None:
    """Write one cell unchecked; raises `ApiError` when the project does not have it."""
    project, store = session.project, session.store
    column = project.column_by_name.get(cell.field)
    event = project.event_by_name.get(cell.event) if cell.event else project.ordered_events[0]
    if column is None or event is None:
        raise ApiError("The project has no such field or event.")
    key = RowKey(cell.record, event.event_id, cell.instrument, cell.instance)
    value = cell.value
    if column.code:
        value = column.code if value == "1" else ""
    wanted = [
        Change(key, project.id_field, "", cell.record),
        Change(key, column.field.field_name, column.code, value),
    ]
    stored = load_stored(store, project, records=[cell.record])
    changes = [one for one in wanted if stored.get((one.key, one.field, one.code), "") != one.value]
    known = frozenset(store.values.record_names(session.project_id))
    store.values.apply(session.project_id, changes)
    write_log(session, changes, known=known, source="")
