"""Saves a data entry form as a person does: checked like an import, logged without "(API)"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sandbox.data.drafts import load_draft, write
from sandbox.data.places import Place
from sandbox.errors import unknown_fields
from sandbox.imports.addressing import Placed, RowError
from sandbox.imports.cells import CellReader
from sandbox.imports.locked import refuse_locked
from sandbox.imports.results import error_block
from sandbox.imports.unique import check_unique
from sandbox.session import Session


class FormRefused(Exception):
    """Some values cannot be stored, so nothing was; the errors name their fields."""

    def __init__(self, errors: Sequence[RowError]) -> None:
        super().__init__("some values cannot be stored")
        self.errors = tuple(errors)
        self.as_api_error = error_block(errors)


def save_form(session: Session, place: Place, *, values: Mapping[str, str]) -> list[str]:
    """Store the values of one form by export column; '' erases, and columns that are missing stay.

    Saving keeps the record's id in the row and gives the form a status, also without any value. Returns
    the names of what changed, computed fields included. Raises `FormRefused` for values that an import
    would refuse, and `ApiError` for columns of other forms.
    """
    project = session.project
    columns = project.column_by_name
    unknown = [name for name in values if name not in columns or columns[name].field.form_name != place.form]
    if unknown:
        raise unknown_fields(unknown)
    row = Placed(place.key(project), place.record, dict(values))
    draft = load_draft(session.store, session.project_id, records=[place.record])
    wanted = CellReader(project, overwrite=True).read(row)
    refuse_locked(session, draft, rows=[row], wanted=[wanted])
    check_unique(session, [row])
    if row.errors:
        raise FormRefused(row.errors)
    draft.want(row.key, wanted.cells)
    draft.start_forms(row.key, [place.form])
    computed = write(session, draft)
    return [name for changed in (draft.changed, computed) for cells in changed.values() for name in cells]
