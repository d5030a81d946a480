"""The sheet: wanted values beside what REDCap holds, column by column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from capstan.plan import CELL_COLUMNS, KEYS, row_index, same
from checks.columns import Bools, Column, Rows, as_array, distinct, encode, encode_array, tidied


@dataclass(frozen=True, eq=False)
class Sheet:
    """Wanted values beside what REDCap holds: which cells differ, and what stands in them.

    `keys` has the four keys of each row, `key_columns` the same by name as columns; `changed` says of each
    column which rows would change. `position` is each row's place in `present` (a keyed frame), -1 for none.
    """

    keys: pd.DataFrame
    key_columns: Mapping[str, Column]
    columns: Mapping[str, Column]
    changed: Mapping[str, Bools]
    position: Rows
    present: pd.DataFrame

    @cached_property
    def touched(self) -> Bools:
        """The rows in which any cell would change."""
        found = np.zeros(len(self.keys), dtype=bool)
        for changed in self.changed.values():
            found |= changed
        return found

    @property
    def is_new(self) -> Bools:
        """The rows that REDCap does not have."""
        return self.position < 0

    @property
    def changed_columns(self) -> list[str]:
        """The columns in which any cell would change."""
        return [name for name, changed in self.changed.items() if changed.any()]

    def before(self, column: str, rows: Rows) -> pa.Array:
        """What REDCap holds in some rows of a column; blank where it has no such row or column."""
        return _held(self.present, column, self.position[rows])

    def cells(self, chosen: Bools) -> pd.DataFrame:
        """The changed cells of some rows: `CELL_COLUMNS`, and `row`, the position in the sheet."""
        rows = {name: np.flatnonzero(changed & chosen) for name, changed in self.changed.items()}
        rows = {name: here for name, here in rows.items() if here.size}
        at = np.concatenate(list(rows.values())) if rows else np.zeros(0, dtype=np.int64)
        number = np.repeat(np.arange(len(rows)), [len(here) for here in rows.values()])
        told = {key: self.key_columns[key].taken(at) for key in KEYS}
        told["field"] = pa.array(list(rows), pa.large_string()).take(pa.array(number))
        told["before"] = _joined([self.before(name, here) for name, here in rows.items()])
        told["after"] = _joined([self.columns[name].taken(here) for name, here in rows.items()])
        return pd.DataFrame({"row": at, **{name: told[name].to_pandas() for name in CELL_COLUMNS}})

    @cached_property
    def row_index(self) -> pd.MultiIndex:
        """The four keys as an index."""
        return pd.MultiIndex.from_frame(self.keys[list(KEYS)])

    @cached_property
    def places(self) -> tuple[list[tuple[str, ...]], Rows]:
        """The distinct pairs of event and instrument, and for each row the number of its pair."""
        return distinct([self.key_columns["event"], self.key_columns["instrument"]])

    def with_records(self, record_field: str, *, rows: Bools, column: Column) -> Sheet:
        """Add the record id itself as a changed cell of some rows: records that have no other value."""
        columns = {**self.columns, record_field: column}
        return replace(self, columns=columns, changed={**self.changed, record_field: rows})


def compared(
    keys: pd.DataFrame,
    *,
    key_columns: Mapping[str, Column],
    columns: Mapping[str, Column],
    present: pd.DataFrame,
    zeros: frozenset[str],
    blanks_erase: bool,
) -> Sheet:
    """Find the cells that differ in meaning from what REDCap holds.

    A blank means "leave as it is" unless `blanks_erase`. Texts that mean the same to REDCap do not differ:
    line ends and untidy blanks apart, and a blank as 0 in the columns `zeros`.
    """
    record_field = str(present.columns[0])
    position = np.full(len(keys), -1, dtype=np.int64)
    if len(present):
        index = row_index(present, record_field=record_field)
        position = index.get_indexer(pd.MultiIndex.from_frame(keys[list(KEYS)])).astype(np.int64)
    sheet = Sheet(keys, key_columns, columns, {}, position, present)
    changed = {name: _changed(sheet, name, zero=name in zeros, blanks_erase=blanks_erase) for name in columns}
    return replace(sheet, changed=changed)


def _changed(sheet: Sheet, name: str, *, zero: bool, blanks_erase: bool) -> Bools:
    column = sheet.columns[name]
    wanted = ~column.is_blank
    known = name in sheet.present.columns and bool((sheet.position >= 0).any())
    if not known and not zero:
        return wanted
    candidates = np.flatnonzero(wanted | blanks_erase)
    before = sheet.before(name, candidates)
    after = column.taken(candidates)
    differs = pc.not_equal(before, after).to_numpy(zero_copy_only=False)
    doubtful = np.flatnonzero(differs & (pc.not_equal(before, "").to_numpy(zero_copy_only=False) | zero))
    if doubtful.size:
        differs[doubtful] = ~_equivalent(before.take(doubtful), after.take(doubtful), zero=zero)
    found = np.zeros(len(column.codes), dtype=bool)
    found[candidates[differs]] = True
    return found


def _equivalent(before: pa.Array, after: pa.Array, *, zero: bool) -> Bools:
    """Whether texts that differ mean the same; each distinct pair is judged once."""
    held = encode_array(before)
    if not (held.odd.size or zero):  # what is plain has one form only
        return np.zeros(len(before), dtype=bool)
    pairs, codes = distinct([held, encode_array(after)])
    one, other = (pd.Series(side, dtype="str") for side in zip(*pairs, strict=True))
    field = pd.Series("f", index=one.index, dtype="str")
    zeros = frozenset({"f"} if zero else ())
    tidy, _ = tidied(encode(one))
    normal = pd.Series(tidy.taken(np.arange(len(one))).to_pandas(), dtype="str")
    found = same(one, other, fields=field, zeros=zeros) | same(normal, other, fields=field, zeros=zeros)
    return found.to_numpy(dtype=bool)[codes]


def _held(present: pd.DataFrame, column: str, position: Rows) -> pa.Array:
    if column not in present.columns or not (position >= 0).any():
        return pa.repeat(pa.scalar("", pa.large_string()), len(position))
    place = pa.array(position, mask=position < 0)
    return pc.fill_null(as_array(present[column]).take(place), "")


def _joined(parts: list[pa.Array]) -> pa.Array:
    return pa.concat_arrays(parts) if parts else pa.array([], pa.large_string())


def blocks(sheet: Sheet, *, alive: Bools) -> Iterator[tuple[str, Column, Bools]]:
    """Each column with the rows in which it would change and nothing speaks against them yet."""
    for name, column in sheet.columns.items():
        mask = sheet.changed[name] & alive
        if mask.any():
            yield name, column, mask
