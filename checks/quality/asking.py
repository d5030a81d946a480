"""Asking: everything that is expected of a project on a day, and the numbers that are to be judged."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import date, timedelta

import pandas as pd

from capstan.dictionary import Dictionary
from capstan.events import EventGrid
from capstan.quality.measures import COUNTS
from capstan.quality.recent import WINDOWS, recent_rows
from capstan.study import Study
from checks.quality.asked import Asked, Question, gather, wait, without
from checks.quality.between_sites import ask_between_sites
from checks.quality.growth import ask_growth
from checks.quality.levels import DAY, LAG, MEAN, SPREAD, ask_days, ask_levels
from checks.quality.limits import SETTLED, ask_limits, ask_never
from checks.quality.merging import merge_places
from checks.quality.references import SINCE, ask_references
from checks.quality.shares import ask_delivery, ask_shares
from checks.quality.silence import ask_quiet, ask_silence
from checks.quality.wild import MIDDLE, REACH

_EARLIER = timedelta(days=14)
_REMEMBERED = timedelta(days=90)
ALWAYS = frozenset({*COUNTS, "delivered", MIDDLE, REACH})
"""Measures that are wanted of every day of a history; of others `days_wanted` is enough."""


def ask_project(
    study: Study,
    dictionary: Dictionary,
    grid: EventGrid,
    *,
    measures: pd.DataFrame,
    history: pd.DataFrame,
    today: date,
) -> Asked:
    """Say what is expected of a project today, by its study file and the days before.

    `measures` is what `measure_project` says of today, `history` the same of days before with `at` in front.
    What was measured today tells how many rows are judged, never how they are judged.
    """
    known = _remembered(history, dictionary, grid, today=today)
    expect = study.quality.expect
    questions = [
        *ask_limits(measures, expect),
        *ask_between_sites(measures),
        *ask_references(known, dictionary, today=today),
        *_ask_by_history(measures, known, today=today),
    ]
    if expect.ended is None or today < expect.ended:
        questions += ask_silence(known, measures, today=today, limit=expect.freshness)
        questions += ask_quiet(measures) if known.empty or expect.freshness is None else []
    return gather(merge_places(without(questions, off=expect.off)))


def days_wanted(days: Iterable[date], *, today: date) -> frozenset[date]:
    """The days of a history of which `ask_project` wants every measure: the last one before each window."""
    known = sorted(days)
    ends = [today - SETTLED, today - SINCE, *_window_ends(today)]
    then = known[: bisect_right(known, today - _EARLIER)]
    ends += [then[-1], *_window_ends(then[-1])] if then else []
    places = (bisect_right(known, end) for end in ends)
    return frozenset(known[place - 1] for place in places if place)


def _window_ends(day: date) -> list[date]:
    return [day - timedelta(days=days) for days in WINDOWS]


def _remembered(
    history: pd.DataFrame, dictionary: Dictionary, grid: EventGrid, *, today: date
) -> pd.DataFrame:
    """The history of what the project still has; a form or an event that was taken away is not missed."""
    is_event = history["event"].isin(["", *grid.names])
    is_form = history["form"].isin(["", *dictionary.forms])
    days = history["at"].dt.date
    known: pd.DataFrame = history[is_event & is_form & (days < today) & (days >= today - _REMEMBERED)]
    return known


def _ask_by_history(measures: pd.DataFrame, known: pd.DataFrame, *, today: date) -> Iterator[Question]:
    yield from ask_growth(known, measures, today=today)
    yield from ask_never(measures, known, today=today)
    recent = recent_rows(measures, history=known, today=today)
    yield from ask_shares(recent)
    yield from ask_delivery(measures, known)
    yield from ask_levels(recent, measures)
    looks = [at for at in known["at"].unique() if at.date() <= today - _EARLIER]
    if recent.empty:
        reason = f"It needs {WINDOWS[0]} days of history or more, and enough new rows."
        yield from (wait(rule, reason) for rule in (MEAN, SPREAD, LAG, DAY))
    elif looks:
        then = max(looks)
        days = known[known["measure"].isin(["day", "day spread"])]
        before = days[days["at"] == then].drop(columns="at")
        earlier = recent_rows(before, history=days[days["at"] < then], today=then.date())
        yield from ask_days(_shifted(recent, today), _shifted(earlier, then.date()))


def _shifted(recent: pd.DataFrame, day: date) -> pd.DataFrame:
    """Add what makes a mean day of the rows a distance from the middle of the days in which they came."""
    middle = recent.index.get_level_values("days").to_numpy(dtype="float64") / 2
    return recent.assign(shift=middle - (day - date(1970, 1, 1)).days)
