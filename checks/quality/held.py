"""What a project holds, laid out once for every rule: rows, begun forms, and which fields are shown."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, reduce

import numpy as np
import pandas as pd
import pyarrow.compute as pc  # type: ignore[import-untyped]

from capstan.dictionary import Dictionary, Field, FieldType
from capstan.events import EventGrid, logic_layout
from capstan.logic import Table, parse
from capstan.plan import KEY_NAMES
from checks.columns import Bools, Column, as_bools
from checks.identity import GROUP_COLUMN
from checks.logic import Merged
from checks.sheet import Sheet
from checks.tables import read_wanted


@dataclass(frozen=True, eq=False, repr=False)
class Held(Merged):
    """What a project holds, as a plan that has been written: each form that somebody began is touched.

    `sheet` has every cell of the export. There are no `cells` unless `with_cells` chose some.
    """

    sheet: Sheet

    @classmethod
    def read(cls, export: pd.DataFrame, *, dictionary: Dictionary, grid: EventGrid, now: datetime) -> Held:
        """Lay out a keyed export of text; columns that are no data are left out."""
        known = {dictionary.record_field, *KEY_NAMES, *dictionary.by_column}
        data = [name for name in export.columns if name in known]
        told = read_wanted(
            export[data],
            present=export.iloc[:0],
            records=frozenset(export[dictionary.record_field]),
            dictionary=dictionary,
            blanks_erase=False,
        )
        frame = told.frame
        if GROUP_COLUMN in export.columns:  # logic knows it as [record-dag-name]
            frame = frame.assign(**{GROUP_COLUMN: export[GROUP_COLUMN].to_numpy()[told.rows]})
        table = Table(frame, logic_layout(dictionary, grid=grid))
        none = pd.DataFrame(columns=["form", "field", "place"])
        return cls(table, told.sheet.keys, none, dictionary, grid, now, told.sheet)

    def with_cells(self, fields: Collection[str]) -> Held:
        """The same with the values of some fields as if a plan had written them."""
        columns = {name for name in self.sheet.columns if self.dictionary.by_column[name].name in fields}
        chosen = {name: changed for name, changed in self.sheet.changed.items() if name in columns}
        cells = replace(self.sheet, changed=chosen).cells(self.everywhere)
        form = [self.dictionary.by_column[name].form for name in cells["field"]]
        return replace(self, cells=cells.assign(form=form, place=cells["row"]))

    @cached_property
    def everywhere(self) -> Bools:
        """All rows."""
        return np.ones(len(self.keys), dtype=bool)

    @cached_property
    def values(self) -> Mapping[str, Bools]:
        """The rows in which each exported field has a value; an open box and a status of 0 are none."""
        return {item.name: self._valued(item) for item in self.dictionary.fields if self._is_data(item)}

    @cached_property
    def begun(self) -> Mapping[str, Bools]:
        """The rows in which somebody began each form: it has a value there that REDCap did not compute."""
        found = {form: np.zeros(len(self.keys), dtype=bool) for form in self.dictionary.forms}
        for name, valued in self.values.items():
            item = self.dictionary.by_name[name]
            if not item.is_computed:
                found[item.form] |= valued
        return {form: rows & self.belonging([form]) for form, rows in found.items()}

    @cached_property
    def touched(self) -> Mapping[str, pd.Index]:
        """The rows in which each form is begun."""
        return {form: pd.Index(np.flatnonzero(rows)) for form, rows in self.begun.items()}

    def belonging(self, forms: Iterable[str]) -> Bools:
        """The rows that can hold a field of any of these forms; those that repeat, where one of them does."""
        places, codes = self.sheet.places
        asked = set(forms)
        found = np.array(
            [self._belongs(event, instrument, asked) for event, instrument in places], dtype=bool
        )
        return found[codes] if len(places) else self.everywhere

    def filled(self, item: Field, *, rows: pd.Index) -> pd.Series:
        """Whether a field has a value in some rows."""
        # The record id stands in every row.
        return pd.Series(self.values.get(item.name, self.everywhere)[rows], index=rows)

    def shown(self, item: Field, *, rows: pd.Index) -> pd.Series | None:
        """Whether branching logic shows a field, as `Merged.shown`; many fields share one logic."""
        if item.branching not in self._truths:
            expression = parse(item.branching)
            truth = self.table.truth(expression, now=self.now) if self.reads(expression) else None
            self._truths[item.branching] = truth
        known = self._truths[item.branching]
        return None if known is None else known.loc[rows]

    @cached_property
    def _truths(self) -> dict[str, pd.Series | None]:
        return {}

    def _is_data(self, item: Field) -> bool:
        return self.is_exported(item) and item.name != self.dictionary.record_field

    def _valued(self, item: Field) -> Bools:
        columns = [self.sheet.columns[name] for name in item.columns]
        if item.type in (FieldType.CHECKBOX, FieldType.FORM_STATUS):
            return either(~(column.is_blank | _holding(column, "0")) for column in columns)
        return ~columns[0].is_blank

    def _belongs(self, event: str, instrument: str, forms: set[str]) -> bool:
        here = {form for form in forms if (event, form) in self.grid.designated}
        repeating = {form for form in here if (event, form) in self.grid.repeating}
        return bool(here) and instrument in (repeating or {""})


def either(masks: Iterable[Bools]) -> Bools:
    """The rows in which any of some masks holds; there must be one."""
    return reduce(np.logical_or, masks)


def _holding(column: Column, text: str) -> Bools:
    return column.spread(as_bools(pc.equal(column.words, text)))
