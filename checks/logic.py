"""Logic: what a row says as a whole, once the plan is merged into what REDCap holds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pandas as pd

from capstan.dictionary import Dictionary, Field, FieldType
from capstan.errors import LogicError
from capstan.events import EventGrid, logic_layout
from capstan.logic import Expression, Table, parse
from capstan.plan import KEY_NAMES, KEYS
from capstan.verdict import collected, project_verdict, verdicts
from checks.catalogue import severity


def judge_rows(
    cells: pd.DataFrame, *, present: pd.DataFrame, dictionary: Dictionary, grid: EventGrid, now: datetime
) -> pd.DataFrame:
    """Judge required and hidden fields on the forms that accepted cells touch; returns verdicts.

    `present` must hold all columns of the touched forms for the touched records; a field that it lacks
    is not judged.
    """
    if cells.empty:
        return collected([])
    merged = merge(present, cells=cells, record_field=dictionary.record_field)
    table = Table(merged, logic_layout(dictionary, grid=grid))
    form_of = {column: item.form for column, item in dictionary.by_column.items()}
    touched = cells.assign(form=cells["field"].map(form_of))
    keys = merged[[dictionary.record_field, *KEY_NAMES]].set_axis(list(KEYS), axis=1)
    positions = pd.MultiIndex.from_frame(keys)
    found = []
    for form, group in touched.groupby("form", sort=False):
        where = positions.get_indexer(pd.MultiIndex.from_frame(group[list(KEYS)].drop_duplicates()))
        rows = merged.index[where]
        for item in (item for item in dictionary.fields if item.form == form):
            if item.required or item.branching:
                found += list(_judge_field(item, rows=rows, table=table, keys=keys, now=now))
    return collected(found)


def merge(present: pd.DataFrame, *, cells: pd.DataFrame, record_field: str) -> pd.DataFrame:
    """What REDCap would hold after the plan: `present` (keyed, text) with the cells put in.

    Rows and columns that only the cells have are added, blank elsewhere.
    """
    index = [record_field, *KEY_NAMES]
    wide = cells.pivot(index=list(KEYS), columns="field", values="after")
    fields = [name for name in wide.columns if name != record_field]
    columns = list(dict.fromkeys([*present.columns[len(index) :], *fields]))
    base = present.set_index(index).reindex(columns=columns, fill_value="")
    base.index.names = list(KEYS)
    added = wide.index.difference(base.index)
    new = pd.DataFrame("", index=added, columns=base.columns, dtype="str")
    merged = pd.concat([base, new]) if len(added) else base.copy()
    at = merged.index.get_indexer(wide.index)
    for column in fields:
        values = merged[column].to_numpy(dtype=object).copy()
        told = wide[column].notna().to_numpy()
        values[at[told]] = wide[column].to_numpy(dtype=object)[told]
        merged[column] = pd.array(values, dtype="str")
    merged.index.names = index
    return merged.reset_index().astype("str")


def _judge_field(
    item: Field, *, rows: pd.Index, table: Table, keys: pd.DataFrame, now: datetime
) -> Iterator[pd.DataFrame]:
    if not set(item.columns) <= set(table.data.columns):
        return
    try:
        expression = parse(item.branching)
        if not _is_exported(expression, table=table):
            return
        shown = table.truth(expression, now=now, rows=rows) if item.branching else None
    except LogicError:
        reason = "Its branching logic could not be read, so it was not checked."
        check = "logic_not_evaluated"
        yield project_verdict(check, severity=severity(check), reason=reason, field=item.name)
        return
    visible = pd.Series(True, index=rows) if shown is None else shown
    held = table.data.loc[rows, list(item.columns)]
    filled = (held == "1" if item.type is FieldType.CHECKBOX else held != "").any(axis=1)
    blank = rows[(visible & ~filled).to_numpy()]
    if item.required:
        yield _said("required_blank", keys.loc[blank], item, "A required field of a started form is blank.")
    hidden = rows[(~visible & filled).to_numpy()]
    yield _said("hidden_has_value", keys.loc[hidden], item, "Branching logic hides this field here.")


def _is_exported(expression: Expression, *, table: Table) -> bool:
    """Whether the export has every field that the logic reads; without it, nothing can be said."""
    boxes = table.layout.checkboxes
    columns = [tuple(boxes[name].values()) if name in boxes else (name,) for name in expression.fields]
    return all(set(names) <= set(table.data.columns) for names in columns)


def _said(check: str, where: pd.DataFrame, item: Field, reason: str) -> pd.DataFrame:
    return verdicts(where, check=check, severity=severity(check), reason=reason, field=item.name)
