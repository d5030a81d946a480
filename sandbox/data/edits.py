"""A second writer: one cell edited as on a data entry form, with its log row."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.data.drafts import load_draft, write
from sandbox.errors import ApiError
from sandbox.project.parts import RowKey
from sandbox.session import Session
from sandbox.storage import item


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
    project = session.project
    column = project.column_by_name.get(cell.field)
    event = project.event_by_name.get(cell.event) if cell.event else next(iter(project.ordered_events), None)
    if column is None or event is None:
        raise ApiError("The project has no such field or event.")
    key = RowKey(cell.record, event.event_id, cell.instrument, cell.instance)
    name = item(column.field.field_name, column.code)
    value = "" if column.code and cell.value != "1" else cell.value
    draft = load_draft(session.store, session.project_id, records=[cell.record])
    draft.want(key, {project.id_field: cell.record, name: value})
    write(session, draft)
