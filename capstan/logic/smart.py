"""The smart variables that stand alone, such as `[event-label]` and `[aggregate-mean:age]`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from capstan.logic.columns import Column, Texts, constant, numbers
from capstan.logic.keys import RowKeys
from capstan.logic.layout import Layout
from capstan.logic.lookup import Lookup
from capstan.logic.references import RELATIVE_INSTANCES
from capstan.logic.syntax import AGGREGATES, Reference
from capstan.logic.words import Codes, Floats, Words, as_objects


@dataclass(frozen=True)
class SmartVariables:
    """What a project's data and layout say of them; the others are blank unless a context has them."""

    keys: RowKeys
    lookup: Lookup
    layout: Layout
    column: Callable[[str], Texts]

    def value(self, reference: Reference) -> Column:
        """Give the variable for every row, or one value for all."""
        name = reference.field
        if name in AGGREGATES:
            return self._aggregate(name.removeprefix("aggregate-"), self.column(reference.modifier))
        if name in RELATIVE_INSTANCES:
            return self._instance(name)
        if name.endswith(("event-name", "event-label")):
            return self._event(name)
        return self._place(name)

    def _place(self, name: str) -> Column:
        events = self.layout.events
        match name:
            case "record-name":
                return self.column(self.layout.record_field)
            case "record-dag-name":
                return self.column("redcap_data_access_group")
            case "event-number":
                return self._by_event(self.keys.event, _numbers_in_arm([event[2] for event in events]))
            case "arm-number":
                return self._by_event(self.keys.event, [str(event[2]) for event in events])
            case "arm-label":
                return self._by_event(self.keys.event, [event[3] for event in events])
            case "instrument-name" | "instrument-label":
                return self._instrument(name)
            case _:
                return constant("")

    def _event(self, name: str) -> Texts:
        which, _, what = name.rpartition("-")
        values = [name if what == "name" else label for name, label, *_ in self.layout.events]
        return self._by_event(self.lookup.event(f"{which}-name"), values)

    def _by_event(self, events: Codes, values: Sequence[str]) -> Texts:
        # Events that the layout does not know, and -1 for none, have the blank at the end.
        codes = np.where((events < 0) | (events >= len(values)), len(values), events)
        return Texts(codes, Words(as_objects([*values, ""])))

    def _instrument(self, name: str) -> Texts:
        names = list(self.keys.instruments)
        if name == "instrument-label":
            names = [self.layout.forms.get(form, form) for form in names]
        return Texts(self.keys.instrument, Words(as_objects(names)))

    def _instance(self, name: str) -> Column:
        found = self.lookup.instance(name, self.keys.event, instrument=self.keys.instrument)
        is_known = (self.keys.instance > 0) & (found > 0)
        return numbers(np.where(is_known, found, np.nan))

    def _aggregate(self, what: str, column: Texts) -> Column:
        present = column.codes[~column.absent]
        if what == "count":
            return constant(float(len(present)))
        if what == "unique":
            return constant(float(len(np.unique(present))))
        values = column.words.numbers[present]
        return constant(_summary(what, values[~np.isnan(values)]))


def _numbers_in_arm(arms: Sequence[int]) -> list[str]:
    return [str(arms[: place + 1].count(arm)) for place, arm in enumerate(arms)]


def _summary(what: str, values: Floats) -> float:
    if what == "sum":
        return float(values.sum())
    if len(values) < (2 if what == "stdev" else 1):
        return float("nan")
    match what:
        case "min":
            return float(values.min())
        case "max":
            return float(values.max())
        case "mean":
            return float(values.mean())
        case "median":
            return float(np.median(values))
        case _:
            return float(values.std(ddof=1))
