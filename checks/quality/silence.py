"""Silence: no site enters nothing for longer than its own pace explains, counted in days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from capstan.quality.expected import Kind
from capstan.quality.measures import each_of
from checks.quality.asked import Place, Question, Rule, ask, wait
from checks.quality.growth import days_of, series_of

SILENT = Rule("silence", Kind.FRESHNESS, "warning", "Data is entered as often as before: {it}.")
QUIET = Rule("quiet", Kind.FRESHNESS, "warning", "The dates that were entered go on: {it}.")
_LEAST_DAYS = 10.0
"""A holiday is no silence; a late entry is none for longer, where only dates in the data tell."""
_LEAST_QUIET = 14.0
_SURPRISE = 10.0
"""So many rows fail to come by chance once in twenty thousand times."""
_LEAST_ROWS = 10
_LEAST_KNOWN = 14
_LATELY = 28
_OFTEN = 0.8

Series = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


class _Looks(NamedTuple):
    """Between each two looks: days, new rows, and whether any cell changed."""

    gaps: Series
    new: Series
    stirs: Mask

    def of(self, chosen: slice) -> _Looks:
        return _Looks(self.gaps[chosen], self.new[chosen], self.stirs[chosen])


def ask_silence(
    history: pd.DataFrame, measures: pd.DataFrame, *, today: date, limit: timedelta | None
) -> Iterator[Question]:
    """Ask of every site whether it is silent for longer than its pace before lets one expect.

    A pause of the whole project counts less. `limit` is how many days people allow instead.
    """
    cells = series_of(history, measures, ["cells"], today=today)
    days = days_of(cells)
    if len(days) < 2 or (days[-1] - days[0]).days < _LEAST_KNOWN:
        yield wait(SILENT, f"It needs {_LEAST_KNOWN} days of history.")
        return
    new = _new_rows(series_of(history, measures, ["rows"], today=today))
    gaps = np.diff(np.array(days, dtype="datetime64[D]")).astype("float64")
    for key, counts in zip(cells.index, cells.to_numpy(), strict=True):
        own = _Looks(gaps, new.get(key[4], np.zeros(len(gaps))), np.diff(counts) != 0)
        if limit is not None:
            upper: float | None = limit / timedelta(days=1)
        else:
            others = new[""] - own.new if "" in new and key[4] else np.zeros(len(gaps))
            upper = _longest_usual(own, others)
        if upper is not None:
            yield ask(SILENT, Place(site=key[4]), value=_silence(own), count=len(days), upper=upper)


def ask_quiet(measures: pd.DataFrame) -> Iterator[Question]:
    """Ask of every site whether its dates stopped while those of others go on; it needs no history."""
    told = {
        name: {row.site: row for row in each_of(measures[measures["measure"] == name])}
        for name in ("quiet days", "longest quiet", "dated days")
    }
    for site, quiet in told["quiet days"].items():
        dated, longest = told["dated days"].get(site), told["longest quiet"].get(site)
        if dated and longest and dated.rows >= _LEAST_ROWS:
            upper = max(_LEAST_QUIET, _SURPRISE / _hits(dated.value, per=1.0), 1.5 * longest.value + 2)
            yield ask(QUIET, Place(site=site), value=quiet.value, count=quiet.rows, upper=upper)


def _new_rows(table: pd.DataFrame) -> dict[str, Series]:
    """The new rows of each site between two looks, of the form that had most; several forms share a row."""
    found: dict[str, Series] = {}
    for (_, _, _, event, site), counts in zip(table.index, table.to_numpy(), strict=True):
        if not event:
            grown = np.diff(counts).clip(min=0.0)
            found[site] = np.maximum(found.get(site, grown), grown)
    return found


def _silence(own: _Looks) -> float:
    """The days since the look that saw the last change."""
    last = np.flatnonzero(own.stirs)
    return float(own.gaps[last[-1] + 1 :].sum() if len(last) else own.gaps.sum())


def _longest_usual(own: _Looks, others: Series) -> float | None:
    """How many days of silence chance, the longest silence before, and a pause of others explain.

    None where too little is known of a site.
    """
    last = np.flatnonzero(own.stirs)
    end = int(last[-1]) + 1 if len(last) else 0
    # The look that saw the last change may have seen the silence begin.
    before = own.of(slice(0, max(end - 1, 0)))
    if before.new.sum() < _LEAST_ROWS or before.gaps.sum() < _LEAST_KNOWN:
        return None
    ages = np.cumsum(before.gaps[::-1])[::-1]
    lately = min(int(np.searchsorted(-ages, -_LATELY)), len(before.gaps) - 1)
    pace = min(_pace(before), _pace(before.of(slice(lately, None))))
    if not pace:
        return None
    usual = others[:end].sum() / own.gaps[:end].sum() * own.gaps[end:].sum()
    # Others may have entered less by chance alone.
    active = min(float((others[end:].sum() + 2 * np.sqrt(usual) + 1) / (usual + 1)), 1.0)
    return max(_LEAST_DAYS, _SURPRISE / (pace * active), 1.5 * _longest(before) + 2)


def _pace(looks: _Looks) -> float:
    """The new rows per day; rows that come together count as one, where the looks are near enough to tell."""
    days, share = looks.gaps.sum(), looks.stirs.mean()
    rows = float(looks.new.sum() / days)
    return min(rows, _hits(share, per=days / len(looks.gaps))) if share <= _OFTEN else rows


def _hits(share: float, *, per: float) -> float:
    """How often a day something comes by chance that comes in a share of times of `per` days."""
    return float(-np.log(1 - min(share, 0.99)) / per)


def _longest(looks: _Looks) -> float:
    """The most days that looks before have seen a site silent."""
    longest = silent = 0.0
    for gap, stirs in zip(looks.gaps, looks.stirs, strict=True):
        silent = 0.0 if stirs else silent + gap
        longest = max(longest, silent)
    return longest
