"""Growth: a project grows from night to night, does not shrink, does not leap, and no site falls silent."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from capstan.quality.expected import Kind
from checks.quality.asked import Place, Question, Rule, ask, wait

SHRINKS = Rule("kept", Kind.VOLUME, "critical", "As much is there of {it} as in the last days.")
LEAPS = Rule("growth", Kind.VOLUME, "warning", "No more of {it} came since the last look than usually.")
SILENT = Rule("silence", Kind.FRESHNESS, "warning", "Data is entered as often as before: {it}.")
_LOST_SHARE = 0.02
_LOST_LEAST = 3.0
_LOST_OF_SITE = 3.0
_LEAPS = 4.0
_LEAP_LEAST = 15.0
_LOOKS = 10
_KEPT_DAYS = timedelta(days=7)
_LEAST_BUSY = 10
_LEAST_SILENCE = 5
_SURPRISE = 16.0
"""Minus the logarithm of the chance of a silence: one in nine million."""
_BUSIEST = 0.95

Series = npt.NDArray[np.float64]


def ask_growth(history: pd.DataFrame, measures: pd.DataFrame, *, today: date) -> Iterator[Question]:
    """Ask whether records and rows are kept and grow as usual; `freshness` is asked by `ask_silence`."""
    table = _series(history, measures, ["records", "rows"], today=today)
    if len(table.columns) < _LOOKS:
        yield wait(LEAPS, f"It needs {_LOOKS} days of history, and has {len(table.columns) - 1}.")
    for key, counts in zip(table.index, table.to_numpy(), strict=True):
        _, form, _, event, site = key
        if event and site:
            continue
        place = Place(form=form, event=event, site=site)
        yield from _ask_kept(place, counts, days=_days(table))
        if not event and len(counts) > _LOOKS:
            yield from _ask_leap(place, counts, days=_days(table))


def ask_silence(
    history: pd.DataFrame, measures: pd.DataFrame, *, today: date, limit: timedelta | None
) -> Iterator[Question]:
    """Ask of every site whether it is silent for longer than it ever was.

    Days on which the whole project was quiet do not count. `limit` is how many days people allow instead.
    """
    table = _series(history, measures, ["cells"], today=today)
    days = _days(table)
    if len(days) <= _LEAST_BUSY:
        yield wait(SILENT, f"It needs {_LEAST_BUSY} days of history, and has {len(days) - 1}.")
        return
    grew = {key[4]: np.diff(counts) != 0 for key, counts in zip(table.index, table.to_numpy(), strict=True)}
    busy = np.logical_or.reduce(list(grew.values()))
    for site, own in grew.items():
        if limit is not None:
            yield _ask_days(Place(site=site), own, days=days, limit=limit)
        elif site:
            yield from _ask_silence(Place(site=site), own[busy], least=_LEAST_SILENCE)
        else:
            yield from _ask_silence(Place(), own, least=2 * _LEAST_SILENCE)


def _series(history: pd.DataFrame, measures: pd.DataFrame, names: list[str], *, today: date) -> pd.DataFrame:
    """How much there was on each day, by place; days are columns, and nothing is 0."""
    now = measures.assign(day=today)
    then = history[history["measure"].isin(names)]
    then = then.assign(day=then["at"].dt.date)
    whole = pd.concat([then, now[now["measure"].isin(names)]])
    keys = ["measure", "form", "field", "event", "site"]
    return whole.pivot_table(index=keys, columns="day", values="value", aggfunc="last", fill_value=0.0)


def _days(table: pd.DataFrame) -> list[date]:
    return list(table.columns.to_numpy(dtype=object))


def _ask_kept(place: Place, counts: Series, *, days: list[date]) -> Iterator[Question]:
    lately = [count for day, count in zip(days, counts, strict=True) if days[-1] - day <= _KEPT_DAYS]
    if len(lately) < 2:
        return
    most = max(lately[:-1])
    is_part = bool(place.site or place.event)
    lost = max(_LOST_LEAST, _LOST_SHARE * most) * (_LOST_OF_SITE if is_part else 1)
    if most > lost:
        yield ask(SHRINKS, place, value=counts[-1], count=counts[-1], lower=most - lost)


def _ask_leap(place: Place, counts: Series, *, days: list[date]) -> Iterator[Question]:
    gaps = np.array([(b - a).days for a, b in pairwise(days)])
    growth = np.diff(counts)
    usual = max(float(growth[:-1].max()), 0.0)
    upper = (_LEAPS * usual + _LEAP_LEAST) * max(1.0, gaps[-1] / float(np.median(gaps)))
    yield ask(LEAPS, place, value=float(growth[-1]), count=counts[-1], upper=upper)


def _ask_silence(place: Place, grew: npt.NDArray[np.bool_], *, least: int) -> Iterator[Question]:
    """Ask whether the looks since the last growth are so few as chance and the longest silence allow."""
    if not grew.any():
        return
    last = int(np.flatnonzero(grew)[-1])
    before = grew[: last + 1]
    if len(before) < _LEAST_BUSY:
        return
    share = min((before.sum() + 1) / (len(before) + 2), _BUSIEST)
    longest = int(np.diff(np.flatnonzero(np.concatenate([[True], before]))).max()) - 1
    by_chance = math.ceil(_SURPRISE / -math.log(1 - share))
    upper = max(least, by_chance, math.ceil(1.5 * longest) + 2)
    yield ask(SILENT, place, value=float(len(grew) - 1 - last), count=len(grew), upper=float(upper))


def _ask_days(place: Place, grew: npt.NDArray[np.bool_], *, days: list[date], limit: timedelta) -> Question:
    last = days[int(np.flatnonzero(grew)[-1]) + 1] if grew.any() else days[0]
    quiet = float((days[-1] - last).days)
    return ask(SILENT, place, value=quiet, count=len(days), upper=limit / timedelta(days=1))
