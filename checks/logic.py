"""Logic: what a row says as a whole, once the plan is merged into what REDCap holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import pandas as pd

from capstan.dictionary import Dictionary, Field, FieldType
from capstan.errors import LogicError
from capstan.events import EventGrid, logic_layout
from capstan.logic import Expression, Table, parse
from capstan.plan import KEY_NAMES, KEYS
from capstan.verdict import collected, project_verdict, verdicts
from checks.catalogue import severity


@dataclass(frozen=True, eq=False)
class Merged:
    """What REDCap would hold after the plan, in which logic is computed.

    `keys` has the four keys of each row of `table.data`; `cells` what would be written, each with its form
    and the label of its row in `table.data`.
    """

    table: Table
    keys: pd.DataFrame
    cells: pd.DataFrame
    dictionary: Dictionary
    grid: EventGrid
    now: datetime

    @classmethod
    def of(
        cls,
        present: pd.DataFrame,
        *,
        cells: pd.DataFrame,
        dictionary: Dictionary,
        grid: EventGrid,
        now: datetime,
    ) -> Merged:
        """Put cells into `present`, which must hold all columns of the touched forms of their records."""
        merged = merge(present, cells=cells, record_field=dictionary.record_field)
        form_of = {column: item.form for column, item in dictionary.by_column.items()}
        keys = merged[[dictionary.record_field, *KEY_NAMES]].set_axis(list(KEYS), axis=1)
        place = pd.MultiIndex.from_frame(keys).get_indexer(pd.MultiIndex.from_frame(cells[list(KEYS)]))
        told = cells.assign(form=cells["field"].map(form_of), place=merged.index[place])
        return cls(Table(merged, logic_layout(dictionary, grid=grid)), keys, told, dictionary, grid, now)

    @cached_property
    def touched(self) -> Mapping[str, pd.Index]:
        """The rows in which each form is touched."""
        return {str(form): pd.Index(group.unique()) for form, group in self.cells.groupby("form")["place"]}

    def fields_of(self, form: str) -> list[Field]:
        """The fields of a form."""
        return [item for item in self.dictionary.fields if item.form == form]

    def filled(self, item: Field, *, rows: pd.Index) -> pd.Series:
        """Whether a field has a value in some rows."""
        held = self.table.data.loc[rows, list(item.columns)]
        return (held == "1" if item.type is FieldType.CHECKBOX else held != "").any(axis=1)

    def is_exported(self, item: Field) -> bool:
        """Whether the export has the field at all."""
        return bool(item.columns) and set(item.columns) <= set(self.table.data.columns)

    def reads(self, expression: Expression) -> bool:
        """Whether the export has every field that logic reads; without it, nothing can be said."""
        boxes = self.table.layout.checkboxes
        columns = [tuple(boxes[name].values()) if name in boxes else (name,) for name in expression.fields]
        return all(set(names) <= set(self.table.data.columns) for names in columns)

    def shown(self, item: Field, *, rows: pd.Index) -> pd.Series | None:
        """Whether branching logic shows a field; None where the export lacks what the logic reads.

        Raises LogicError where it cannot be read.
        """
        expression = parse(item.branching)
        if not self.reads(expression):
            return None
        return self.table.truth(expression, now=self.now, rows=rows)

    def said(self, check: str, rows: pd.Index, *, reason: str, field: str = "") -> pd.DataFrame:
        """Say a check of some rows."""
        return verdicts(
            self.keys.loc[rows], check=check, severity=severity(check), reason=reason, field=field
        )


def judge_rows(merged: Merged) -> pd.DataFrame:
    """Judge required and hidden fields on the forms that accepted cells touch; returns verdicts."""
    return collected(
        part
        for form, rows in merged.touched.items()
        for item in merged.fields_of(form)
        if (item.required or item.branching) and merged.is_exported(item)
        for part in _judge_field(item, rows=rows, merged=merged)
    )


def merge(present: pd.DataFrame, *, cells: pd.DataFrame, record_field: str) -> pd.DataFrame:
    """What REDCap would hold after the plan: `present` (keyed, text) with the cells put in.

    `cells` have the position of their row in `row`, too. Rows and columns that only they have are added,
    blank elsewhere.
    """
    index = [record_field, *KEY_NAMES]
    fields = [str(name) for name in cells["field"].unique() if name != record_field]
    columns = list(dict.fromkeys([*present.columns[len(index) :], *fields]))
    base = present.set_index(index).reindex(columns=columns, fill_value="")
    base.index.names = list(KEYS)
    row, _ = pd.factorize(cells["row"])
    places = pd.MultiIndex.from_frame(cells.drop_duplicates("row")[list(KEYS)])
    added = places[base.index.get_indexer(places) < 0]
    new = pd.DataFrame("", index=added, columns=base.columns, dtype="str")
    merged = pd.concat([base, new]) if len(added) else base.copy()
    at = merged.index.get_indexer(places)[row]
    after = cells["after"].to_numpy(dtype=object)
    for field, told in cells.reset_index(drop=True).groupby("field", sort=False).indices.items():
        if field != record_field:
            values = merged[field].to_numpy(dtype=object).copy()
            values[at[told]] = after[told]
            merged[field] = pd.array(values, dtype="str")
    merged.index.names = index
    return merged.reset_index().astype("str")


def _judge_field(item: Field, *, rows: pd.Index, merged: Merged) -> Iterator[pd.DataFrame]:
    try:
        shown = merged.shown(item, rows=rows)
    except LogicError:
        reason = "Its branching logic could not be read, so it was not checked."
        check = "logic_not_evaluated"
        yield project_verdict(check, severity=severity(check), reason=reason, field=item.name)
        return
    if shown is None:
        return
    filled = merged.filled(item, rows=rows)
    if item.required:
        reason = "A required field of a started form is blank."
        yield merged.said(
            "required_blank", rows[(shown & ~filled).to_numpy()], reason=reason, field=item.name
        )
    hidden = rows[(~shown & filled).to_numpy()]
    reason = "Branching logic hides this field here."
    yield merged.said("hidden_has_value", hidden, reason=reason, field=item.name)
