"""The values of one part of an expression, for many rows at once.

A column is texts (by distinct value), numbers (NaN is blank) or truths. Each answers the same questions,
`numbers`, `truths`, `texts`, `blank` and `absent`, and a column of length 1 stands for any length.
No column shows its values in its repr.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from capstan.logic.words import Bools, Codes, Floats, Words, as_objects, as_text

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Texts:
    """One text per row, as a place in `words`."""

    codes: Codes = field(repr=False)
    words: Words = field(repr=False)

    @cached_property
    def numbers(self) -> Floats:
        return self.words.numbers[self.codes]

    @cached_property
    def truths(self) -> Bools:
        return self.words.truths[self.codes]

    @property
    def blank(self) -> Bools:
        return self.words.blank[self.codes]

    @property
    def absent(self) -> Bools:
        return self.words.absent[self.codes]

    @property
    def texts(self) -> Texts:
        return self

    def take(self, rows: Codes) -> Texts:
        return self if len(self.codes) == 1 else Texts(self.codes[rows], self.words)


@dataclass(frozen=True, eq=False)
class Numbers:
    """One number per row; what is not finite is blank."""

    numbers: Floats = field(repr=False)

    @property
    def blank(self) -> Bools:
        return np.isnan(self.numbers)

    @property
    def absent(self) -> Bools:
        return self.blank

    @property
    def truths(self) -> Bools:
        return np.asarray(~self.blank & (self.numbers != 0), dtype=np.bool_)

    @cached_property
    def texts(self) -> Texts:
        codes, distinct = pd.factorize(self.numbers, use_na_sentinel=False)
        return Texts(codes, Words(as_objects([as_text(float(number)) for number in distinct])))

    def take(self, rows: Codes) -> Numbers:
        return self if len(self.numbers) == 1 else Numbers(self.numbers[rows])


@dataclass(frozen=True, eq=False)
class Truths:
    """One truth per row: never blank, `1` or `0` as text and as number."""

    truths: Bools = field(repr=False)

    @property
    def numbers(self) -> Floats:
        return self.truths.astype(np.float64)

    @property
    def blank(self) -> Bools:
        return np.zeros_like(self.truths)

    @property
    def absent(self) -> Bools:
        return self.blank

    @property
    def texts(self) -> Texts:
        return Texts(self.truths.astype(np.int64), _NO_AND_YES)

    def take(self, rows: Codes) -> Truths:
        return self if len(self.truths) == 1 else Truths(self.truths[rows])


Column: TypeAlias = Texts | Numbers | Truths


_NO_AND_YES = Words(as_objects(["0", "1"]))


def constant(value: float | str | bool) -> Column:
    """Make a column that has this value in every row."""
    match value:
        case bool():
            return Truths(np.array([value]))
        case str():
            return Texts(np.zeros(1, dtype=np.int64), Words(as_objects([value])))
        case _:
            return numbers(np.array([value], dtype=np.float64))


def numbers(values: NDArray[Any]) -> Numbers:
    """Make a column of computed numbers: infinite ones and those not defined are blank."""
    return Numbers(np.where(np.isfinite(values), values, math.nan))


def choose(condition: Bools, yes: Column, no: Column) -> Column:
    """Take each row from `yes` where the condition holds, else from `no`."""
    if isinstance(yes, Truths) and isinstance(no, Truths):
        return Truths(np.where(condition, yes.truths, no.truths))
    if _is_number(yes) and _is_number(no):
        return Numbers(np.where(condition, yes.numbers, no.numbers))
    first, second = yes.texts, no.texts
    words = Words(
        np.concatenate([first.words.values, second.words.values]), first.words.missing | second.words.missing
    )
    codes = np.where(condition, first.codes, second.codes + len(first.words.values))
    return Texts(codes.astype(np.int64), words)


def _is_number(column: Column) -> bool:
    # A quoted blank beside numbers, as in if(c, 1, ''), must not turn every number into text.
    return not isinstance(column, Texts) or list(column.words.values) == [""]


def map_texts(function: Callable[..., str], *columns: Column) -> Texts:
    """Call a function once for each distinct combination of texts, for a text."""
    codes, results = _each(function, columns)
    return Texts(codes, Words(as_objects(results)))


def map_numbers(function: Callable[..., float], *columns: Column) -> Numbers:
    """Call a function once for each distinct combination of texts, for a number or NaN."""
    codes, results = _each(function, columns)
    return numbers(np.array(results, dtype=np.float64)[codes])


def map_truths(function: Callable[..., bool], *columns: Column) -> Truths:
    """Call a function once for each distinct combination of texts, for a truth."""
    codes, results = _each(function, columns)
    return Truths(np.array(results, dtype=np.bool_)[codes])


def _each(function: Callable[..., T], columns: Sequence[Column]) -> tuple[Codes, list[T]]:
    texts = [column.texts for column in columns]
    rows = np.broadcast_arrays(*(one.codes for one in texts))
    combination = np.zeros(len(rows[0]), dtype=np.int64)
    for one, codes in zip(texts, rows, strict=True):
        # Made dense again at each step: the product of many vocabularies would overflow.
        combination = pd.factorize(combination * len(one.words.values) + codes)[0].astype(np.int64)
    first = np.unique(combination, return_index=True)[1]
    chosen = [one.words.values[codes[first]] for one, codes in zip(texts, rows, strict=True)]
    return combination, [function(*values) for values in zip(*chosen, strict=True)]
