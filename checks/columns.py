"""Columns of text as codes of their distinct texts, so that a text is judged once however often it stands."""

from __future__ import annotations

import unicodedata
from collections.abc import Container, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

Bools = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int32]
Rows = npt.NDArray[np.int64]

# Printable ASCII without blanks at its ends needs no tidying, and no check of its characters.
_PLAIN = r"^(?:[!-~](?:[ -~]*[!-~])?)?$"
_LONG = 32_767
_FEW = 8


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
        places = np.flatnonzero(chosen)
        if places.size > len(chosen) // 2:
            return ~self.spread(~chosen)
        if places.size > _FEW:
            return chosen.take(self.codes)
        # To compare all rows with one code is ten times faster than to look up each row.
        found = np.zeros(len(self.codes), dtype=bool)
        for place in places:
            found |= self.codes == place
        return found

    def among(self, known: Container[str]) -> Bools:
        """The rows whose text is one of some."""
        return self.spread(np.array([text in known for text in self.texts], dtype=bool))

    def taken(self, rows: Rows) -> pa.Array:
        """The texts of some rows."""
        if len(self.texts) == 1:
            return pa.repeat(pa.scalar(self.texts[0], pa.large_string()), len(rows))
        return pa.array(self.texts, pa.large_string()).take(pa.array(self.codes[rows]))

    def of_rows(self, rows: Rows) -> Column:
        """The same column with some of its rows."""
        return self if len(rows) == len(self.codes) else self._replace(codes=self.codes[rows])


def encode(series: pd.Series) -> Column:
    """Give a column of text by its distinct texts; missing values are blanks."""
    return encode_array(as_array(series))


def encode_array(texts: pa.Array) -> Column:
    """Give an array of text by its distinct texts; missing values are blanks."""
    whole = pc.fill_null(texts, "") if texts.null_count else texts
    coded = whole.dictionary_encode()
    return Column(coded.indices.to_numpy(), coded.dictionary.to_pylist(), _odd(coded.dictionary))


def combined(columns: Sequence[Column]) -> Rows:
    """Number the rows by their texts in all columns, in order of appearance: the same texts, one number."""
    numbers = np.zeros(len(columns[0].codes), dtype=np.int64)
    for column in columns:
        if len(column.texts) > 1:
            numbers, _ = pd.factorize(numbers * len(column.texts) + column.codes)
    return numbers


def distinct(columns: Sequence[Column]) -> tuple[list[tuple[str, ...]], Rows]:
    """The distinct rows of some columns, and for each row the number of its own among them."""
    numbers = combined(columns)
    first = np.flatnonzero(~pd.Series(numbers).duplicated().to_numpy())
    return [tuple(column.texts[column.codes[row]] for column in columns) for row in first], numbers


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
