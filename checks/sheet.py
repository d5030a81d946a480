"""The sheet: a table as codes of distinct texts, so that a text is judged once however often it stands."""

from __future__ import annotations

import unicodedata
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from capstan.plan import CELL_COLUMNS, KEYS, row_index, same

Bools = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int32]
Rows = npt.NDArray[np.int64]

# Printable ASCII without blanks at its ends needs no tidying, and no check of its characters.
_PLAIN = r"^(?:[!-~](?:[ -~]*[!-~])?)?$"
_LONG = 32_767


class Column(NamedTuple):
    """One column: the distinct texts, and for each row the place of its text among them.

    `odd` has the places of texts that are very long or not all printable ASCII between two signs: rules on
    characters need to look at no others.
    """

    codes: Codes
    texts: list[str]
    odd: list[int]

    def spread(self, chosen: Bools) -> Bools:
        """Say of each row what is said of its text."""
        return chosen[self.codes]

    def among(self, known: Container[str]) -> Bools:
        """The rows whose text is one of some."""
        found = np.array([text in known for text in self.texts], dtype=bool)
        # All or none is the usual answer, and needs no look at the rows.
        if not found.any() or found.all():
            return np.full(len(self.codes), bool(found.any()))
        return self.spread(found)

    def taken(self, rows: Rows) -> pa.Array:
        """The texts of some rows."""
        return pa.array(self.texts, pa.large_string()).take(pa.array(self.codes[rows]))


def encode(series: pd.Series) -> Column:
    """Give a column of text by its distinct texts; missing values are blanks."""
    whole = as_array(series)
    if whole.null_count:
        whole = pc.fill_null(whole, "")
    coded = whole.dictionary_encode()
    return Column(coded.indices.to_numpy(), coded.dictionary.to_pylist(), _odd(coded.dictionary))


def among(series: pd.Series, known: Container[str]) -> Bools:
    """Say of each text of a column whether it is one of some: `isin` that asks each text once."""
    return encode(series).among(known)


def tidied(column: Column) -> tuple[Column, Bools | None]:
    """Trim blanks and compose letters (NFC); says which rows that moved, None where it moved none."""
    texts = list(column.texts)
    for place in column.odd:
        texts[place] = unicodedata.normalize("NFC", texts[place].strip())
    moved = np.zeros(len(texts), dtype=bool)
    moved[[place for place in column.odd if texts[place] != column.texts[place]]] = True
    if not moved.any():
        return column, None
    place_of = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    codes = np.array([place_of[text] for text in texts], dtype=np.int32)[column.codes]
    clean = list(place_of)
    return Column(codes, clean, _odd(pa.array(clean, pa.large_string()))), column.spread(moved)


def as_array(series: pd.Series) -> pa.Array:
    """The texts of a column as one Arrow array."""
    array = pa.array(series.astype("str"), from_pandas=True)
    whole = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    return whole.cast(pa.large_string())


def _odd(texts: pa.Array) -> list[int]:
    plain = pc.and_(pc.match_substring_regex(texts, _PLAIN), pc.less(pc.binary_length(texts), _LONG))
    return np.flatnonzero(~plain.to_numpy(zero_copy_only=False)).tolist()


@dataclass(frozen=True, eq=False)
class Sheet:
    """Wanted values beside what REDCap holds: which cells differ, and what stands in them.

    `keys` has the four keys of each row; `changed` says of each column which rows would change. `position`
    is each row's place in `present` (a keyed frame), -1 for none.
    """

    keys: pd.DataFrame
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
    def changed_columns(self) -> list[str]:
        """The columns in which any cell would change."""
        return [name for name, changed in self.changed.items() if changed.any()]

    def before(self, column: str, rows: Rows) -> pa.Array:
        """What REDCap holds in some rows of a column; blank where it has no such row or column."""
        return _held(self.present, column, self.position[rows])

    def cells(self, chosen: Bools) -> pd.DataFrame:
        """The changed cells of some rows: `CELL_COLUMNS`, and `row`, the position in the sheet."""
        rows: list[Rows] = []
        names: list[Codes] = []
        before: list[pa.Array] = []
        after: list[pa.Array] = []
        for name, changed in self.changed.items():
            here = np.flatnonzero(changed & chosen)
            if here.size:
                rows.append(here)
                names.append(np.full(here.size, len(names), dtype=np.int32))
                before.append(self.before(name, here))
                after.append(self.columns[name].taken(here))
        fields = [name for name, changed in self.changed.items() if (changed & chosen).any()]
        at = np.concatenate(rows) if rows else np.zeros(0, dtype=np.int64)
        where = self.keys.iloc[at].reset_index(drop=True)
        number = np.concatenate(names) if names else np.zeros(0, dtype=np.int32)
        field = pa.array(fields, pa.large_string()).take(pa.array(number))
        told = {"field": field, "before": _joined(before), "after": _joined(after)}
        cells = where.assign(**{name: text.to_pandas() for name, text in told.items()}).astype("str")
        cells.insert(0, "row", at)
        return cells[["row", *CELL_COLUMNS]]

    @cached_property
    def places(self) -> tuple[list[tuple[str, str]], Rows]:
        """The distinct pairs of event and instrument, and for each row the number of its pair."""
        events, instruments = encode(self.keys["event"]), encode(self.keys["instrument"])
        pairs = events.codes.astype(np.int64) * len(instruments.texts) + instruments.codes
        distinct, codes = np.unique(pairs, return_inverse=True)
        sides = (divmod(int(pair), len(instruments.texts)) for pair in distinct)
        return [(events.texts[event], instruments.texts[form]) for event, form in sides], codes

    def with_records(self, record_field: str, *, rows: Bools, column: Column) -> Sheet:
        """Add the record id itself as a changed cell of some rows: records that have no other value."""
        columns = {**self.columns, record_field: column}
        return replace(self, columns=columns, changed={**self.changed, record_field: rows})


def compared(
    keys: pd.DataFrame,
    *,
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
    sheet = Sheet(keys, columns, {}, position, present)
    changed = {name: _changed(sheet, name, zero=name in zeros, blanks_erase=blanks_erase) for name in columns}
    return replace(sheet, changed=changed)


def _changed(sheet: Sheet, name: str, *, zero: bool, blanks_erase: bool) -> Bools:
    column = sheet.columns[name]
    wanted = column.among({""})
    np.logical_not(wanted, out=wanted)
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
    one, other = (pd.Series(side.to_pandas(), dtype="str") for side in (before, after))
    field = pd.Series("f", index=one.index, dtype="str")
    zeros = frozenset({"f"} if zero else ())
    tidy, _ = tidied(encode(one))
    normal = pd.Series(tidy.taken(np.arange(len(one))).to_pandas(), dtype="str")
    found = same(one, other, fields=field, zeros=zeros) | same(normal, other, fields=field, zeros=zeros)
    return found.to_numpy(dtype=bool)


def _held(present: pd.DataFrame, column: str, position: Rows) -> pa.Array:
    if column not in present.columns or not (position >= 0).any():
        return pa.array(np.full(len(position), "", dtype=object), pa.large_string())
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
