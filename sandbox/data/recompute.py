"""New values of calculated fields after their inputs have changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import pandas as pd

from capstan.logic import LogicError, Table
from sandbox.data.equations import Equation, equations_of
from sandbox.project.field import Column
from sandbox.project.layout import layout_of
from sandbox.project.model import Project
from sandbox.project.parts import RowKey
from sandbox.storage import item
from sandbox.storage.values import Cells

MAX_ROUNDS = 10


def recompute(
    project: Project,
    rows: Mapping[RowKey, Cells],
    *,
    changed: Mapping[RowKey, Cells],
    now: datetime,
) -> dict[RowKey, Cells]:
    """Return the computed values that differ from what the rows have, by row and field.

    `rows` are all rows of the changed records as they will be; `changed` has what changed in them.
    """
    equations = equations_of(project)
    current = {key: cells for key, cells in rows.items() if key.event_id in project.event_by_id}
    found: dict[RowKey, Cells] = {}
    # An equation may read what another one computes; a circle of them ends after some rounds.
    for _ in range(MAX_ROUNDS):
        due = [one for one in equations if any(_reads(one, cells) for cells in changed.values())]
        changed = _compute(project, current, due=due, changed=changed, now=now)
        if not changed:
            break
        for key, cells in changed.items():
            current[key] = current[key] | cells
            found.setdefault(key, {}).update(cells)
    return found


def _reads(equation: Equation, cells: Cells) -> bool:
    return not cells.keys().isdisjoint(equation.inputs)


def _compute(
    project: Project,
    rows: Mapping[RowKey, Cells],
    *,
    due: list[Equation],
    changed: Mapping[RowKey, Cells],
    now: datetime,
) -> dict[RowKey, Cells]:
    found: dict[RowKey, Cells] = {}
    if not due:
        return found
    keys = [key for key in (rows if any(one.reads_other_rows for one in due) else changed) if key in rows]
    table = Table(_frame(project, rows, keys=keys, equations=due), layout_of(project))
    for one in due:
        places = _places(project, keys, equation=one, changed=changed)
        try:
            values = one.compute(table, rows=places, now=now)
        except LogicError:
            # It names what the project does not have; REDCap leaves such a field as it is.
            continue
        name = one.field.field_name
        for place, value in zip(places, values, strict=True):
            if rows[keys[place]].get(name, "") != value:
                found.setdefault(keys[place], {})[name] = value
    return found


def _places(
    project: Project, keys: list[RowKey], *, equation: Equation, changed: Mapping[RowKey, Cells]
) -> list[int]:
    """Return the numbers of the rows on which an equation has to be computed again."""
    due = {key for key, cells in changed.items() if _reads(equation, cells)}
    if equation.reads_other_rows:
        records = {key.record for key in due}
        due = {key for key in keys if key.record in records}
    form = equation.field.form_name
    return [place for place, key in enumerate(keys) if key in due and project.is_applicable(key, form)]


def _frame(
    project: Project, rows: Mapping[RowKey, Cells], *, keys: list[RowKey], equations: list[Equation]
) -> pd.DataFrame:
    """Return the rows as an export shows them, with the columns that the equations read."""
    wanted = frozenset[str]().union(*(one.inputs for one in equations))
    names = {one.event_id: one.unique_name if project.is_longitudinal else "" for one in project.events}
    data = {
        project.id_field: [key.record for key in keys],
        "redcap_event_name": [names[key.event_id] for key in keys],
        "redcap_repeat_instrument": [key.instrument for key in keys],
        "redcap_repeat_instance": [str(key.instance or "") for key in keys],
    }
    for column in project.columns:
        if item(column.field.field_name, column.code) in wanted and column.name != project.id_field:
            data[column.name] = _cells(project, column, keys=keys, rows=rows)
    return pd.DataFrame(data, dtype="str")


def _cells(
    project: Project, column: Column, *, keys: list[RowKey], rows: Mapping[RowKey, Cells]
) -> list[str]:
    name, form = item(column.field.field_name, column.code), column.field.form_name
    blank = "0" if column.code or column.field.is_status else ""
    return [rows[key].get(name, blank) if project.is_applicable(key, form) else "" for key in keys]
