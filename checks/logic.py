"""Logic: what a row says as a whole, once the plan is merged into what REDCap holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]

from capstan.dictionary import Dictionary, Field, FieldType
from capstan.errors import LogicError
from capstan.events import EventGrid, logic_layout
from capstan.logic import Expression, Table, parse
from capstan.plan import KEY_NAMES, KEYS, row_index
from capstan.verdict import collected
from checks.catalogue import say, say_of_run
from checks.columns import as_array


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
        merged, place = merge(present, cells=cells, record_field=dictionary.record_field)
        keys = merged[[dictionary.record_field, *KEY_NAMES]].set_axis(list(KEYS), axis=1)
        column, names = pd.factorize(cells["field"])
        forms = pd.Series([dictionary.by_column[name].form for name in names], dtype="category")
        told = cells.assign(form=forms.take(column).array, place=place)
        return cls(Table(merged, logic_layout(dictionary, grid=grid)), keys, told, dictionary, grid, now)

    @cached_property
    def touched(self) -> Mapping[str, pd.Index]:
        """The rows in which each form is touched."""
        groups = self.cells.groupby("form", observed=True)["place"]
        return {str(form): pd.Index(group.unique()) for form, group in groups}

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
        return say(check, self.keys.loc[rows], reason=reason, field=field)


def judge_rows(merged: Merged) -> pd.DataFrame:
    """Judge required and hidden fields on the forms that accepted cells touch; returns verdicts."""
    return collected(
        part
        for form, rows in merged.touched.items()
        for item in merged.fields_of(form)
        if (item.required or item.branching) and merged.is_exported(item)
        for part in _judge_field(item, rows=rows, merged=merged)
    )


def merge(
    present: pd.DataFrame, *, cells: pd.DataFrame, record_field: str
) -> tuple[pd.DataFrame, npt.NDArray[np.intp]]:
    """What REDCap would hold after the plan: `present` (keyed, text) with the cells put in; where each is.

    `cells` have the position of their row in `row`, too. Rows and columns that only they have are added,
    blank elsewhere.
    """
    row, _ = pd.factorize(cells["row"])
    rows = cells.loc[~cells["row"].duplicated(), list(KEYS)]
    position = row_index(present, record_field=record_field).get_indexer(pd.MultiIndex.from_frame(rows))
    is_new = position < 0
    position[is_new] = len(present) + np.arange(is_new.sum())
    new = rows[is_new].set_axis([record_field, *KEY_NAMES], axis=1)
    merged = pd.concat([present, new], ignore_index=True).fillna("") if len(new) else present
    place = position[row]
    after = as_array(cells["after"])
    column, names = pd.factorize(cells["field"])
    cells_of = np.split(np.argsort(column, kind="stable"), np.cumsum(np.bincount(column))[:-1])
    put = {
        str(name): _put(_column(merged, str(name)), after.take(pa.array(told)), at=place[told])
        for name, told in zip(names, cells_of, strict=True)
        if name != record_field
    }
    return merged.reset_index(drop=True).assign(**put), place


def _column(frame: pd.DataFrame, name: str) -> pa.Array:
    if name in frame.columns:
        return as_array(frame[name])
    return pa.repeat(pa.scalar("", pa.large_string()), len(frame))


def _put(texts: pa.Array, new: pa.Array, *, at: npt.NDArray[np.intp]) -> pd.Series:
    """Put new texts in the place of others."""
    chosen = np.arange(len(texts))
    chosen[at] = len(texts) + np.arange(len(new))
    put: pd.Series = pa.concat_arrays([texts, new]).take(pa.array(chosen)).to_pandas()
    return put


def _judge_field(item: Field, *, rows: pd.Index, merged: Merged) -> Iterator[pd.DataFrame]:
    try:
        shown = merged.shown(item, rows=rows)
    except LogicError:
        reason = "Its branching logic could not be read, so it was not checked."
        check = "logic_not_evaluated"
        yield say_of_run(check, reason, field=item.name)
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
