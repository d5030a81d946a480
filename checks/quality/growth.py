"""Growth: a project grows from night to night, does not shrink and does not leap."""

from __future__ import annotations

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
_LOST_SHARE = 0.02
_LOST_LEAST = 3.0
_LOST_OF_SITE = 3.0
_LEAPS = 4.0
_LEAP_LEAST = 15.0
_LOOKS = 10
_KEPT_DAYS = timedelta(days=7)

Series = npt.NDArray[np.float64]


def ask_growth(history: pd.DataFrame, measures: pd.DataFrame, *, today: date) -> Iterator[Question]:
    """Ask whether records and rows are kept and grow as usual."""
    table = series_of(history, measures, ["records", "rows"], today=today)
    if len(table.columns) < _LOOKS:
        yield wait(LEAPS, f"It needs {_LOOKS} days of history, and has {len(table.columns) - 1}.")
    for key, counts in zip(table.index, table.to_numpy(), strict=True):
        _, form, _, event, site = key
        if event and site:
            continue
        place = Place(form=form, event=event, site=site)
        yield from _ask_kept(place, counts, days=days_of(table))
        if not event and len(counts) > _LOOKS:
            yield from _ask_leap(place, counts, days=days_of(table))


def series_of(
    history: pd.DataFrame, measures: pd.DataFrame, names: list[str], *, today: date
) -> pd.DataFrame:
    """How much there was on each day, by place; days are columns, and nothing is 0."""
    now = measures.assign(day=today)
    then = history[history["measure"].isin(names)]
    then = then.assign(day=then["at"].dt.date)
    whole = pd.concat([then, now[now["measure"].isin(names)]])
    keys = ["measure", "form", "field", "event", "site"]
    return whole.pivot_table(index=keys, columns="day", values="value", aggfunc="last", fill_value=0.0)


def days_of(table: pd.DataFrame) -> list[date]:
    """The days of a table of `series_of`, oldest first."""
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
