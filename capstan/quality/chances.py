"""Chances: how far a share or a mean may be from what it was before by chance alone.

A night asks thousands of questions: each may be wrong once in a million times, though rows may be alike.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
CHANCE = 1e-6
_STEPS = 40
_NOTHING = 1e-9
_SCATTER = 1.5
"""Rows of one person or one day are alike: so many of them count as one."""
_ERRORS = 6.0
_SMALL = 12.0
_BELL = 3.0


def least_share(share: Floats, *, among: Floats, before: Floats) -> Floats:
    """The least share that `among` new rows have by chance, if it was `share` of the rows `before`.

    By Chernoff's bound, which holds for any number of rows and for means of numbers from 0 to 1.
    """
    known = np.maximum(before / _SCATTER, 1)
    doubt = 3 * np.sqrt((share * (1 - share) + 1 / known) / known)
    true = np.clip(share - doubt, 1e-9, 1 - 1e-9)
    wanted = -np.log(CHANCE) / np.maximum(among / _SCATTER, 1e-9)
    low, high = np.zeros_like(true), true.copy()
    for _ in range(_STEPS):
        middle = (low + high) / 2
        is_likely = _divergence(middle, true) <= wanted
        high = np.where(is_likely, middle, high)
        low = np.where(is_likely, low, middle)
    return np.where(high < _NOTHING, 0.0, high)


def most_share(share: Floats, *, among: Floats, before: Floats) -> Floats:
    """The greatest share that `among` new rows have by chance, as in `least_share`."""
    return 1 - least_share(1 - share, among=among, before=before)


def mean_error(spread: npt.ArrayLike, *, among: npt.ArrayLike, before: npt.ArrayLike) -> Floats:
    """How far the mean of `among` new rows is from that of the rows `before` by chance.

    Few rows tell little of their own spread, as in Student's distribution.
    """
    new, old = np.asarray(among, dtype="float64"), np.asarray(before, dtype="float64")
    error = np.asarray(spread) * np.sqrt(1 / new + 1 / old)
    return np.asarray(_ERRORS * (1 + _SMALL / new) * error)


def spread_error(tails: npt.ArrayLike, *, among: npt.ArrayLike, before: npt.ArrayLike) -> Floats:
    """How far the logarithm of the spread of some rows is from what it was before by chance.

    `tails` is the kurtosis of the rows before: where few rows make most of the spread, it tells little.
    """
    new, old = np.asarray(among, dtype="float64"), np.asarray(before, dtype="float64")
    of_one = (np.maximum(np.asarray(tails), _BELL) - 1) / 4
    return np.asarray(_ERRORS * np.sqrt(of_one * (1 / new + 1 / old) * _SCATTER))


def _divergence(seen: Floats, true: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(seen > 0, seen * np.log(seen / true), 0.0)
        rest = np.where(seen < 1, (1 - seen) * np.log((1 - seen) / (1 - true)), 0.0)
    return np.asarray(part + rest)
