"""A project's export, indexed once, in which many expressions are computed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from capstan.logic.checking import check
from capstan.logic.columns import Column, Texts, constant, numbers
from capstan.logic.functions import OPERATIONS, Setting
from capstan.logic.keys import RowKeys
from capstan.logic.layout import Layout
from capstan.logic.lookup import Lookup
from capstan.logic.smart import SmartVariables
from capstan.logic.syntax import Apply, Constant, Expression, Load, Reference, Step
from capstan.logic.words import Codes, Words, as_objects

Rows = pd.Index | pd.Series | NDArray[Any] | list[Any]


class Table:
    """A flat export as text, in which expressions are computed for all rows at once.

    `data` has the record-id column, redcap_event_name, redcap_repeat_instrument, redcap_repeat_instance
    (blank where they do not apply) and export columns, all text without NaN; a column that is missing is
    blank. It must not change as long as the table is in use. Make one table and use it for every
    expression: the index of rows and the distinct values of columns are found once.

    `rows` of every method is a boolean mask or labels of `data`'s index, default all rows; the result has
    their index. `context` holds smart variables that data cannot tell, such as `{"user-name": "mary"}`.
    Every method raises LogicError for a name that the layout does not have.
    """

    def __init__(self, data: pd.DataFrame, layout: Layout) -> None:
        self.data, self.layout = data, layout
        self._keys = RowKeys(data, layout)
        self._lookup = Lookup(self._keys, layout)
        self._columns: dict[str, Texts] = {}
        self._smart = SmartVariables(self._keys, self._lookup, layout, self._column)

    def evaluate(
        self,
        expression: Expression,
        *,
        now: datetime,
        rows: Rows | None = None,
        context: Mapping[str, str] | None = None,
    ) -> pd.Series:
        """Compute values as text: `""` is blank, a truth is `1` or `0`, an empty expression is blank."""
        chosen, index = self._chosen(rows)
        return _as_series(self._compute(expression, now, rows=chosen, context=context or {}), index)

    def calculate(
        self,
        expression: Expression,
        *,
        now: datetime,
        rows: Rows | None = None,
        context: Mapping[str, str] | None = None,
    ) -> pd.Series:
        """Compute what a calculated field stores: a number as text, blank for anything else."""
        chosen, index = self._chosen(rows)
        column = self._compute(expression, now, rows=chosen, context=context or {})
        return _as_series(numbers(column.numbers), index)

    def numbers(self, expression: Expression, *, now: datetime, rows: Rows | None = None) -> NDArray[Any]:
        """Compute numbers, in the order of `rows`; NaN for anything else."""
        chosen, index = self._chosen(rows)
        column = self._compute(expression, now, rows=chosen, context={})
        return np.broadcast_to(numbers(column.numbers).numbers, len(index))

    def truth(
        self,
        expression: Expression,
        *,
        now: datetime,
        rows: Rows | None = None,
        context: Mapping[str, str] | None = None,
    ) -> pd.Series:
        """Say where an expression holds: not blank, not zero. An empty expression holds everywhere."""
        chosen, index = self._chosen(rows)
        if not expression.steps:
            return pd.Series(True, index=index, dtype=bool)
        column = self._compute(expression, now, rows=chosen, context=context or {})
        return pd.Series(np.broadcast_to(column.truths, len(index)), index=index, dtype=bool)

    def _chosen(self, rows: Rows | None) -> tuple[Codes | None, pd.Index]:
        if rows is None:
            return None, self.data.index
        labels = np.asarray(rows)
        if labels.dtype == np.bool_:
            places = np.flatnonzero(labels)
            return places, self.data.index[places]
        places = self.data.index.get_indexer(pd.Index(rows))
        if (places < 0).any():
            raise KeyError(f"{(places < 0).sum()} labels in rows are not in the index of data")
        return places, self.data.index[places]

    def _compute(
        self, expression: Expression, now: datetime, *, rows: Codes | None, context: Mapping[str, str]
    ) -> Column:
        check(expression, self.layout)
        setting = Setting(now, self.layout.missing_codes)
        load = partial(self._load, rows=rows, context=context)
        with np.errstate(all="ignore"):  # division by zero is a blank, not a warning
            return _run(expression.steps, setting, load=load)

    def _load(self, reference: Reference, *, rows: Codes | None, context: Mapping[str, str]) -> Column:
        if not reference.is_smart:
            return self._field(reference, rows)
        if reference.field in context:
            return constant(context[reference.field])
        column = self._smart.value(reference)
        return column if rows is None else column.take(rows)

    def _field(self, reference: Reference, rows: Codes | None) -> Texts:
        name, layout = reference.field, self.layout
        stored = self._stored(layout.checkboxes[name][reference.code] if reference.code else name)
        if name == layout.record_field and not reference.event and not reference.instance:
            places = np.arange(self._keys.size)  # every row has the record, saved at its place or not
        else:
            places = self._lookup.rows(reference, layout.form_of[name])
        found = Texts(stored.codes[places if rows is None else places[rows]], stored.words)
        if reference.modifier != "label" or name not in layout.choices:
            return found
        labels = [layout.choices[name].get(code, code) for code in stored.words.values]
        return Texts(found.codes, Words(as_objects(labels)))

    def _column(self, name: str) -> Texts:
        stored = self._stored(name)
        return Texts(stored.codes[:-1], stored.words)

    def _stored(self, name: str) -> Texts:
        # One blank more than there are rows: row -1, which means none, then finds it without a mask.
        if name not in self._columns:
            codes, distinct = self._distinct(name)
            words = Words(as_objects([*distinct, ""]), self.layout.missing_codes)
            self._columns[name] = Texts(np.append(codes, len(distinct)), words)
        return self._columns[name]

    def _distinct(self, name: str) -> tuple[Codes, list[str]]:
        if name not in self.data:
            return np.zeros(self._keys.size, dtype=np.int64), [""]
        codes, distinct = pd.factorize(self.data[name])
        # Ten times faster than a list of the index itself.
        return codes.astype(np.int64), distinct.to_numpy(dtype=object).tolist()


def _run(steps: Iterable[Step], setting: Setting, *, load: Callable[[Reference], Column]) -> Column:
    stack: list[Column] = []
    for step in steps:
        match step:
            case Constant(value):
                stack.append(constant(value))
            case Load(reference):
                stack.append(load(reference))
            case Apply(name, count):
                arguments = stack[-count:]
                del stack[-count:]
                stack.append(OPERATIONS[name](setting, arguments))
    return stack.pop() if stack else constant("")


def _as_series(column: Column, index: pd.Index) -> pd.Series:
    texts = column.texts
    words = pd.array(texts.words.values, dtype="str")
    return pd.Series(words.take(np.broadcast_to(texts.codes, len(index))), index=index)
