"""Screens: one cheap look at all texts of a column, which leaves few for the exact rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from typing import NamedTuple

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from checks.columns import Bools, Column, as_bools


class Clear(NamedTuple):
    """What suffices for a plain text (none of `Column.odd`) to pass a rule; as it stands, being plain.

    The whole text looks like `like`, nothing in it like `unlike`, and it lies within the bounds: texts
    compare as texts, numbers as the number that `like` admits. Patterns are such that Arrow and Python read
    them alike on plain texts, so without looking ahead or back.
    """

    like: str = ""
    unlike: str = ""
    low: str | float | None = None
    high: str | float | None = None


def cleared(column: Column, *, clears: Sequence[Clear]) -> Bools:
    """Say of each of a column's words whether it surely passes all rules; others may pass, too."""
    words = column.words
    looks = reduce(pc.and_, _looks(words, clears=clears), pc.not_equal(words, ""))
    sure = as_bools(reduce(pc.and_, _bounds(words, clears=clears, looks=looks), looks)).copy()
    sure[column.odd] = False
    return sure


def _looks(words: pa.Array, *, clears: Sequence[Clear]) -> Iterable[pa.Array]:
    for like in dict.fromkeys(clear.like for clear in clears if clear.like):
        yield pc.match_substring_regex(words, f"^(?:{like})$")
    unlike = dict.fromkeys(f"(?:{clear.unlike})" for clear in clears if clear.unlike)
    if unlike:
        yield pc.invert(pc.match_substring_regex(words, "|".join(unlike)))


def _bounds(words: pa.Array, *, clears: Sequence[Clear], looks: pa.Array) -> Iterable[pa.Array]:
    bounds = [(clear.low, pc.greater_equal) for clear in clears if clear.low is not None]
    bounds += [(clear.high, pc.less_equal) for clear in clears if clear.high is not None]
    if any(isinstance(bound, float) for bound, _ in bounds):
        # What does not look like a number cannot be read as one, and is not cleared anyway.
        plain = pc.replace_substring(pc.if_else(looks, words, "0"), ",", ".")
        numbers = pc.cast(plain, pa.float64())
    for bound, keeps in bounds:
        yield keeps(numbers if isinstance(bound, float) else words, bound)
