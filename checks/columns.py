"""Columns of text as codes of their distinct texts, so that a text is judged once however often it stands."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

Bools = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int32]
Rows = npt.NDArray[np.int64]

_LONG = 32_767
_FEW = 8
# To find the distinct texts takes longer than to look at each one; that pays where texts stand again. Of a
# thousand texts 900 are distinct where there are some thousands in all.
_SAMPLE = 1_000
_SHARE_OF_DISTINCT = 0.9


@dataclass(frozen=True, eq=False)
class Column:
    """One column: the distinct texts (`words`), and for each row the place of its text among them.

    Where the column is only `is_listed`, the words are those of each row in turn, with repeats. `is_plain`
    says that no word is odd, where that is known already.
    """

    codes: Codes
    words: pa.Array
    is_listed: bool = False
    is_plain: bool = False

    @cached_property
    def texts(self) -> list[str]:
        """The words for Python; many of them take long."""
        texts: list[str] = self.words.to_pylist()
        return texts

    @cached_property
    def odd(self) -> Rows:
        """The places of words that are very long or not all printable ASCII between two signs.

        All others need no tidying, and rules on characters need to look at no others.
        """
        if self.is_plain:
            return np.zeros(0, dtype=np.int64)
        edged = pc.or_(pc.starts_with(self.words, " "), pc.ends_with(self.words, " "))
        shown = pc.invert(edged)
        if not _is_printable(self.words):
            shown = pc.and_(shown, pc.ascii_is_printable(self.words))
        short = pc.less(pc.binary_length(self.words), _LONG)
        plain = pc.or_(pc.and_(shown, short), pc.equal(self.words, ""))
        return np.flatnonzero(~as_bools(plain))

    @property
    def is_blank(self) -> Bools:
        """The rows without a text."""
        return self.spread(as_bools(pc.equal(self.words, "")))

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

    def taken(self, rows: Rows) -> pa.Array:
        """The texts of some rows."""
        if len(self.words) == 1:
            return pa.repeat(self.words[0], len(rows))
        if self.is_listed:
            is_all = len(rows) == len(self.words) and bool((rows == self.codes).all())
            return self.words if is_all else self.words.take(pa.array(rows))
        return self.words.take(pa.array(self.codes[rows]))

    def of_words(self, places: Rows) -> Column:
        """A column of some of the words, each a row; `places` in order, none twice."""
        words = self.words if len(places) == len(self.words) else self.words.take(pa.array(places))
        return Column(np.arange(len(places), dtype=np.int32), words, is_plain=not self.odd.size)

    def of_rows(self, rows: Rows) -> Column:
        """The same column with some of its rows."""
        return (
            self if len(rows) == len(self.codes) else replace(self, codes=self.codes[rows], is_listed=False)
        )


def encode(series: pd.Series) -> Column:
    """Give a column of text by its distinct texts; missing values are blanks."""
    return encode_array(as_array(series))


def encode_array(texts: pa.Array) -> Column:
    """Give an array of text by its distinct texts; missing values are blanks."""
    coded = _whole(texts).dictionary_encode()
    return Column(coded.indices.to_numpy(), coded.dictionary)


def encode_loosely(series: pd.Series) -> Column:
    """Give a column of text by its distinct texts, or row by row where hardly any stands again."""
    texts = _whole(as_array(series))
    step = len(texts) // _SAMPLE
    sample = texts.take(pa.array(np.arange(0, len(texts), step or 1)))
    filled = sample.filter(pc.not_equal(sample, ""))
    if step and pc.count_distinct(filled).as_py() > _SHARE_OF_DISTINCT * max(len(filled), _SAMPLE // 10):
        return Column(np.arange(len(texts), dtype=np.int32), texts, is_listed=True)
    return encode_array(texts)


def combined(columns: Sequence[Column]) -> Rows:
    """Number the rows by their texts in all columns, in order of appearance: the same texts, one number."""
    numbers = np.zeros(len(columns[0].codes), dtype=np.int64)
    for column in columns:
        if len(column.words) > 1:
            numbers, _ = pd.factorize(numbers * len(column.words) + column.codes)
    return numbers


def distinct(columns: Sequence[Column]) -> tuple[list[tuple[str, ...]], Rows]:
    """The distinct rows of some columns, and for each row the number of its own among them."""
    numbers = combined(columns)
    first = np.flatnonzero(~pd.Series(numbers).duplicated().to_numpy())
    return [tuple(column.texts[column.codes[row]] for column in columns) for row in first], numbers


def tidied(column: Column) -> tuple[Column, Bools | None]:
    """Trim blanks and compose letters (NFC); says which rows that moved, None where it moved none."""
    if not column.odd.size:
        return column, None
    odd = column.words.take(pa.array(column.odd)).to_pylist()
    tidy = [unicodedata.normalize("NFC", text.strip()) for text in odd]
    moved = np.zeros(len(column.words), dtype=bool)
    moved[column.odd] = [text != before for text, before in zip(tidy, odd, strict=True)]
    if not moved.any():
        return column, None
    changes = np.zeros(len(column.words), dtype=bool)
    changes[column.odd] = True
    clean = encode_array(
        pc.replace_with_mask(column.words, pa.array(changes), pa.array(tidy, pa.large_string()))
    )
    return replace(clean, codes=clean.codes[column.codes]), column.spread(moved)


def as_array(series: pd.Series) -> pa.Array:
    """The texts of a column as one Arrow array."""
    array = pa.array(series.astype("str"), from_pandas=True)
    whole = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    return whole.cast(pa.large_string())


def as_bools(answers: pa.Array) -> Bools:
    """What Arrow answers, for numpy."""
    bools: Bools = answers.to_numpy(zero_copy_only=False)
    return bools


def _is_printable(texts: pa.Array) -> bool:
    """Whether all signs of an array are printable ASCII; to look at each text takes six times longer."""
    _, offsets, signs = texts.buffers()
    if signs is None or not len(texts):
        return True
    bounds = np.frombuffer(offsets, np.int64)[[texts.offset, texts.offset + len(texts)]]
    here = np.frombuffer(signs, np.uint8)[slice(*bounds)]
    return not here.size or bool(here.min() >= ord(" ") and here.max() <= ord("~"))


def _whole(texts: pa.Array) -> pa.Array:
    return pc.fill_null(texts, "") if texts.null_count else texts
