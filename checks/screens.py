"""Screens: one cheap look at all texts of a column, which leaves few for the exact rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from typing import NamedTuple

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from checks.columns import Bools, Column, Rows, as_bools


class Clear(NamedTuple):
    """What suffices for a plain text (none of `Column.odd`) to pass a rule; as it stands, being plain.

    The whole text is one of `among` and looks like `like`, nothing in it like `unlike`, and it lies within
    the bounds: texts compare as texts, numbers as the number that `like` admits. Patterns are such that Arrow
    and Python read them alike on plain texts, so without looking ahead or back.

    A plain text surely fails that is not like `shape`, or, if the rest is `exact`, that is like `like` and
    not so otherwise. Nothing is said of the texts `exempt`.
    """

    like: str = ""
    unlike: str = ""
    among: frozenset[str] | None = None
    low: str | float | None = None
    high: str | float | None = None
    exact: bool = False
    shape: str = ""
    exempt: frozenset[str] = frozenset()


class Sifted(NamedTuple):
    """Which of a column's words surely fail a rule, and of which the rule itself must be asked."""

    wrong: Bools
    asked: Rows


def cleared(column: Column, *, clears: Sequence[Clear]) -> Bools:
    """Say of each of a column's words whether it surely passes all rules; others may pass, too."""
    words = column.words
    looks = reduce(pc.and_, _looks(words, clears=clears), pc.not_equal(words, ""))
    sure = as_bools(reduce(pc.and_, _bounds(words, clears=clears, looks=looks), looks)).copy()
    sure[column.odd] = False
    return sure


def sifted(column: Column, *, clear: Clear) -> Sifted:
    """Part a column's words by one rule; blanks pass any."""
    if clear._replace(exempt=frozenset()) == Clear(exact=True):
        return Sifted(np.zeros(len(column.words), dtype=bool), column.odd)
    exempt = as_bools(_are_among(column.words, clear.exempt | {""}))
    wrong = _is_misshapen(column, shape=clear.shape) & ~exempt
    left = np.flatnonzero(~wrong)
    rest = column.of_words(left) if wrong.any() else column
    passes = cleared(rest, clears=[clear])
    if clear.exact:
        wrong[left] = cleared(rest, clears=[Clear(clear.like)]) & ~passes & ~exempt[left]
    return Sifted(wrong, left[~passes & ~wrong[left]])


def _is_misshapen(column: Column, *, shape: str) -> Bools:
    if not shape:
        return np.zeros(len(column.words), dtype=bool)
    misshapen = ~as_bools(pc.match_substring_regex(column.words, f"^(?:{shape})$"))
    misshapen[column.odd] = False
    return misshapen


def _looks(words: pa.Array, *, clears: Sequence[Clear]) -> Iterable[pa.Array]:
    for like in dict.fromkeys(clear.like for clear in clears if clear.like):
        yield pc.match_substring_regex(words, f"^(?:{like})$")
    unlike = dict.fromkeys(f"(?:{clear.unlike})" for clear in clears if clear.unlike)
    if unlike:
        yield pc.invert(pc.match_substring_regex(words, "|".join(unlike)))
    for texts in dict.fromkeys(clear.among for clear in clears if clear.among is not None):
        yield _are_among(words, texts)


def _are_among(words: pa.Array, texts: frozenset[str]) -> pa.Array:
    if len(texts) == 1:
        return pc.equal(words, next(iter(texts)))
    return pc.is_in(words, pa.array(sorted(texts), pa.large_string()))


def _bounds(words: pa.Array, *, clears: Sequence[Clear], looks: pa.Array) -> Iterable[pa.Array]:
    bounds = [(clear.low, pc.greater_equal) for clear in clears if clear.low is not None]
    bounds += [(clear.high, pc.less_equal) for clear in clears if clear.high is not None]
    if any(isinstance(bound, float) for bound, _ in bounds):
        # What does not look like a number cannot be read as one, and is not cleared anyway.
        plain = pc.replace_substring(pc.if_else(looks, words, "0"), ",", ".")
        numbers = pc.cast(plain, pa.float64())
    for bound, keeps in bounds:
        yield keeps(numbers if isinstance(bound, float) else words, bound)
