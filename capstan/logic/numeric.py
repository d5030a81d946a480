"""The number functions of the logic language (redcap-api G.3); what is not defined becomes blank."""

from __future__ import annotations

import re

import numpy as np

from capstan.logic.columns import Column, Numbers, Truths, constant, map_truths, numbers
from capstan.logic.words import Bools, Floats

_INTEGER = re.compile(r"\s*[-+]?\d+\s*", re.ASCII)
_NO_DIGITS = constant(0.0)


def rounded(x: Column, digits: Column = _NO_DIGITS) -> Numbers:
    """Round to a number of decimals, a half away from zero, judged on the decimal number that is meant."""
    halves = _on_grid(_magnitude(x, digits) * 2)
    return _restored(np.floor((halves + 1) / 2), x, digits=digits)


def rounded_up(x: Column, digits: Column = _NO_DIGITS) -> Numbers:
    """Round away from zero to a number of decimals."""
    return _restored(np.ceil(_on_grid(_magnitude(x, digits))), x, digits=digits)


def rounded_down(x: Column, digits: Column = _NO_DIGITS) -> Numbers:
    """Round towards zero to a number of decimals."""
    return _restored(np.floor(_on_grid(_magnitude(x, digits))), x, digits=digits)


def _magnitude(x: Column, digits: Column) -> Floats:
    return np.asarray(np.abs(x.numbers) * np.power(10.0, np.trunc(digits.numbers)), dtype=np.float64)


def _on_grid(magnitude: Floats) -> Floats:
    # 1.005 * 100 is 100.49999999999999 in binary; whoever wrote 1.005 means 100.5. So what lies within
    # a few units in the last place of a whole number is taken for it.
    whole = np.rint(magnitude)
    near = np.abs(magnitude - whole) <= np.minimum(8 * np.spacing(magnitude), 1e-6)
    return np.where(near, whole, magnitude)


def _restored(magnitude: Floats, x: Column, *, digits: Column) -> Numbers:
    places = np.trunc(digits.numbers)
    # Dividing by a power of ten is exact to the last place; multiplying by its inverse is not.
    fine, coarse = magnitude / np.power(10.0, places), magnitude * np.power(10.0, -places)
    return numbers(np.copysign(np.where(places >= 0, fine, coarse), x.numbers))


def square_root(x: Column) -> Numbers:
    """Take the root; blank for a negative number."""
    return numbers(np.sqrt(x.numbers))


def magnitude(x: Column) -> Numbers:
    """Drop the sign."""
    return numbers(np.abs(x.numbers))


def exponential(x: Column) -> Numbers:
    """Raise e to a power."""
    return numbers(np.exp(x.numbers))


def logarithm(x: Column, base: Column | None = None) -> Numbers:
    """Take the natural logarithm, or that to a base; blank where it is not defined."""
    natural = np.log(x.numbers)
    return numbers(natural if base is None else natural / np.log(base.numbers))


def remainder(x: Column, divisor: Column) -> Numbers:
    """Divide and keep the rest, which has the sign of the dividend."""
    return numbers(np.fmod(x.numbers, divisor.numbers))


def least(*columns: Column) -> Numbers:
    """Give the smallest number, blanks left out."""
    return Numbers(np.fmin.reduce(_stacked(columns)))


def greatest(*columns: Column) -> Numbers:
    """Give the largest number, blanks left out."""
    return Numbers(np.fmax.reduce(_stacked(columns)))


def total(*columns: Column) -> Numbers:
    """Add up, blanks left out; 0 when all are blank."""
    return numbers(np.nansum(_stacked(columns), axis=0))


def mean(*columns: Column) -> Numbers:
    """Give the arithmetic mean, blanks left out."""
    stacked = _stacked(columns)
    return numbers(np.nansum(stacked, axis=0) / _counts(stacked))


def median(*columns: Column) -> Numbers:
    """Give the middle number, or the mean of the two in the middle, blanks left out."""
    ordered = np.sort(_stacked(columns), axis=0)  # NaN goes last
    counts = _counts(ordered).astype(np.int64)
    below, above = np.maximum(counts - 1, 0) // 2, np.minimum(counts // 2, len(ordered) - 1)
    first, second = (np.take_along_axis(ordered, place[np.newaxis], axis=0)[0] for place in (below, above))
    return numbers((first + second) / 2)


def deviation(*columns: Column) -> Numbers:
    """Give the sample standard deviation (n - 1), blanks left out; blank for fewer than two numbers."""
    stacked = _stacked(columns)
    squares = np.nansum((stacked - mean(*columns).numbers) ** 2, axis=0)
    return numbers(np.sqrt(squares / np.maximum(_counts(stacked) - 1, 0)))


def _stacked(columns: tuple[Column, ...]) -> Floats:
    return np.stack(np.broadcast_arrays(*(column.numbers for column in columns)))


def _counts(stacked: Floats) -> Floats:
    return np.asarray(np.sum(~np.isnan(stacked), axis=0), dtype=np.float64)


def is_number(x: Column) -> Truths:
    """Say whether the value looks like a number."""
    found: Bools = ~np.isnan(x.numbers)
    return Truths(found)


def is_integer(x: Column) -> Truths:
    """Say whether the value is written as a whole number."""
    return Truths(
        map_truths(lambda text: _INTEGER.fullmatch(text) is not None, x).truths & is_number(x).truths
    )
