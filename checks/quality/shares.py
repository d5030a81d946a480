"""Shares: the rows that came lately are as full, complete, alike and in order as those before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from capstan.quality.chances import least_share, most_share
from capstan.quality.expected import Kind
from capstan.quality.measures import PLACE
from checks.quality.asked import Question, Rule, Severity, ask, places, worst


class _Watched(NamedTuple):
    """A measure that is a share; a change of `least` is worth telling, where the share falls or grows."""

    measure: str
    kind: Kind
    least: float
    falls: bool
    grows: bool
    says: str
    severity: Severity = "warning"


_RIPENS = 2.0
"""What was entered in the last days is not complete yet: of a window so many days count for nothing."""
_NOTHING = 1e-6
_LOWER, _HIGHER, _BOTH = (True, False), (False, True), (True, True)
_WATCHED = (
    _Watched("present", Kind.COMPLETENESS, 0.15, *_LOWER, "The form is entered as often as before"),
    _Watched("complete", Kind.COMPLETENESS, 0.15, *_LOWER, "New rows are completed as often as before"),
    _Watched("filled", Kind.COMPLETENESS, 0.15, *_LOWER, "New rows are as full as those before"),
    _Watched("commonest", Kind.DRIFT, 0.25, *_HIGHER, "No one value becomes more common than before"),
    _Watched("rounded", Kind.DRIFT, 0.25, *_HIGHER, "Values are rounded no more often than before"),
    _Watched("off schedule", Kind.DATES, 0.1, *_HIGHER, "Dates keep to the schedule as before"),
    _Watched("out of order", Kind.DATES, 0.1, *_HIGHER, "Dates lie near those of neighbouring records"),
    _Watched("ahead", Kind.DATES, 0.1, *_HIGHER, "Dates lie in the future no more often than before"),
    _Watched("repeated", Kind.DUPLICATES, 0.05, *_HIGHER, "New rows repeat no others", "critical"),
    _Watched(
        "orphans", Kind.REFERENTIAL, 0.05, *_HIGHER, "New rows have the form that they need", "critical"
    ),
    _Watched("reachable", Kind.CONTACT, 0.1, *_LOWER, "New people can be reached as before"),
    _Watched("shared", Kind.CONTACT, 0.1, *_HIGHER, "New people share numbers no more often than before"),
)
_DELIVERED = _Watched("delivered", Kind.DELIVERY, 0.1, *_LOWER, "Messages are delivered as often as before")
_LEAST_DAYS = 7
_TOLD_OVER = 7.0
_CODES = _Watched("share of", Kind.DRIFT, 0.15, *_BOTH, "A code is chosen as often as before")


def ask_shares(recent: pd.DataFrame) -> Iterator[Question]:
    """Ask whether each share among the recent rows (`capstan.quality.recent`) is what it was."""
    names = recent.index.get_level_values("measure")
    for watched in _WATCHED:
        yield from _ask(watched, recent[names == watched.measure], name=f"recent {watched.measure}")
    codes = [name for name in names.unique() if name.startswith(_CODES.measure)]
    for name in codes:
        yield from _ask(_CODES, recent[names == name], name=f"recent {name}")


def ask_delivery(measures: pd.DataFrame, history: pd.DataFrame) -> Iterator[Question]:
    """Ask whether the messages of the last days were delivered as often as those of the days before."""
    now, then = (frame[frame["measure"] == _DELIVERED.measure] for frame in (measures, history))
    grouped = then.groupby(list(PLACE))
    usual = pd.DataFrame({"before": grouped["value"].median(), "known": grouped["count"].sum()})
    usual = usual[grouped.size() >= _LEAST_DAYS]
    both = now.set_index(list(PLACE)).join(usual, how="inner")
    told = both.rename(columns={"value": "recent", "count": "new"}).astype("float64")
    told = told.assign(days=_TOLD_OVER).set_index("days", append=True)
    yield from _ask(_DELIVERED, told, name=f"recent {_DELIVERED.measure}")


def _ask(watched: _Watched, recent: pd.DataFrame, *, name: str) -> Iterator[Question]:
    if recent.empty:
        return
    rule = Rule(name, watched.kind, watched.severity, f"{watched.says}: {{it}}.")
    before, new, known = (recent[column].to_numpy() for column in ("before", "new", "known"))
    days = recent.index.get_level_values("days").to_numpy(dtype="float64")
    unripe = _RIPENS / days if watched.kind is Kind.COMPLETENESS else 0.0
    before = np.clip(before, 0, 1) * (1 - np.minimum(unripe, 1))
    bounded = recent.assign(before=before, lower=np.nan, upper=np.nan)
    if watched.falls:
        likely = least_share(before, among=new, before=known)
        bounded["lower"] = np.minimum(likely, before - watched.least)
    if watched.grows:
        likely = most_share(before, among=new, before=known)
        bounded["upper"] = np.maximum(likely, before + watched.least)
    bounded["lower"] = bounded["lower"].where(bounded["lower"] > _NOTHING)
    bounded["upper"] = bounded["upper"].where(bounded["upper"] < 1 - _NOTHING)
    for place, row in places(worst(bounded)):
        lower, upper = (None if np.isnan(row[name]) else float(row[name]) for name in ("lower", "upper"))
        yield ask(rule, place, value=row["recent"], count=row["new"], lower=lower, upper=upper)
