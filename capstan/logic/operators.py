"""Comparison and arithmetic on columns, with REDCap's rules for blanks and for numbers in text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from capstan.logic.columns import Column, Numbers, Texts, Truths, numbers
from capstan.logic.words import Bools

Order: TypeAlias = Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]]

ORDERS: dict[str, Order] = {
    "=": np.equal,
    "<>": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}
SUMS: dict[str, Order] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.fmod,  # the sign of the dividend, as in PHP and JavaScript
    "^": np.power,
}


def compare(sign: str, left: Column, right: Column) -> Truths:
    """Compare two columns: by number where both sides look like numbers, else as text with case.

    A blank equals only a blank, and no order holds with a blank or a missing data code (redcap-api G.4).
    """
    first, second = np.broadcast_arrays(left.numbers, right.numbers)
    holds = np.array(ORDERS[sign](first, second), dtype=np.bool_)
    by_text = np.isnan(first) | np.isnan(second)
    if sign not in ("=", "<>"):
        by_text &= ~(left.absent | right.absent)
    rows = np.flatnonzero(by_text)
    if len(rows):
        holds[rows] = _compare_texts(ORDERS[sign], left.take(rows).texts, right.take(rows).texts)
    return Truths(holds)


def _compare_texts(order: Order, left: Texts, right: Texts) -> Bools:
    first, second = left.words.values, right.words.values
    if len(second) == 1:
        return np.asarray(order(first, second), dtype=np.bool_)[left.codes]
    if len(first) == 1:
        return np.asarray(order(first, second), dtype=np.bool_)[right.codes]
    # Only an order needs sorted places; places of equal texts are enough for the others.
    places, _ = pd.factorize(np.concatenate([first, second]), sort=order not in (np.equal, np.not_equal))
    return np.asarray(order(places[: len(first)][left.codes], places[len(first) :][right.codes]), np.bool_)


def calculate(sign: str, left: Column, right: Column) -> Numbers:
    """Add, subtract, multiply, divide: blank where an operand is no number or the result is not defined."""
    return numbers(SUMS[sign](left.numbers, right.numbers))


def negative(operand: Column) -> Numbers:
    """Change the sign."""
    return numbers(-operand.numbers)


def conjunction(left: Column, right: Column) -> Truths:
    """Say where both hold; a blank, zero and a missing data code do not hold."""
    return Truths(left.truths & right.truths)


def disjunction(left: Column, right: Column) -> Truths:
    """Say where at least one holds."""
    return Truths(left.truths | right.truths)
