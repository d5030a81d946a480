"""Reads an allocation table, as REDCap's template has it, into a randomization (B.1)."""

from __future__ import annotations

import csv
import io

from sandbox.errors import ApiError
from sandbox.project.model import Project
from sandbox.setup.randomization import (
    GROUP,
    Randomization,
    find_randomization,
    randomizations_of,
    with_set_up,
)
from sandbox.storage import Store
from sandbox.storage.randomization import Allocation

NUMBER, ARM = "redcap_randomization_number", "redcap_randomization_group"
Row = dict[str, str]


def load_allocations(store: Store, project: Project, *, csv_text: str, number: int = 0) -> Randomization:
    """Put a table into a set-up; a project without any gets the one that the header describes.

    Columns are the target field (or `redcap_randomization_group`), the fields of strata,
    `redcap_data_access_group` (unique name or id) and `redcap_randomization_number`; others are notes.
    """
    rows = _read(csv_text)
    if not randomizations_of(project):
        project = with_set_up(project, [name for name in rows[0] if name])
        store.projects.save(project)
    found = find_randomization(project, str(number or 1))
    if store.allocations.records(project.project_id, found.number):
        raise ApiError("Records have been randomized with the table that is there.")
    places = [_allocation(project, found, row=row) for row in rows]
    store.allocations.replace(project.project_id, found.number, rows=places)
    return found


def _read(csv_text: str) -> list[Row]:
    try:
        table = list(csv.reader(io.StringIO(csv_text.removeprefix("\ufeff"), newline="")))
    except csv.Error as error:
        raise ApiError("The allocation table is not CSV.") from error
    header = [name.strip() for name in table[0]] if table else []
    rows = [dict(zip(header, map(str.strip, line), strict=False)) for line in table[1:]]
    named = [row for row in rows if any(value for name, value in row.items() if name)]
    if not named:
        raise ApiError("The allocation table has no rows.")
    return named


def _allocation(project: Project, randomization: Randomization, *, row: Row) -> Allocation:
    stratum = {source.field: _code(project, source.field, row=row) for source in randomization.strata}
    if randomization.by_group:
        stratum[GROUP] = _group(project, row.get(GROUP, ""))
    target = randomization.target.field
    if randomization.is_concealed(project):
        # The target is a text that takes the number, and the group stays in the table.
        value = row.get(NUMBER) or row.get(target, "")
        if not value:
            raise ApiError(f"Each row of the allocation table has a {NUMBER}.")
        return Allocation(stratum, value, row.get(ARM, ""))
    name = target if target in row else ARM
    return Allocation(stratum, _code(project, target, row=row, column=name), row.get(NUMBER, ""))


def _code(project: Project, field: str, *, row: Row, column: str = "") -> str:
    value = row.get(column or field, "")
    choices = project.field_by_name[field].choices
    if not value or (choices and value not in choices):
        raise ApiError(f"A row of the allocation table has no code of the field '{field}'.")
    return value


def _group(project: Project, text: str) -> str:
    for one in project.groups:
        if text in (one.unique_name, str(one.group_id)):
            return one.unique_name
    raise ApiError("A row of the allocation table names no Data Access Group of the project.")
