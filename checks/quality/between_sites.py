"""Between sites: each site has the habits, units and dates of the others; it needs no history."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from capstan.quality.chances import mean_error, most_share
from capstan.quality.expected import Kind
from capstan.quality.measures import PLACE
from checks.quality.asked import Question, Rule, ask, places

_LEAST_ROWS = 20
_APART = 2.5
"""Sites differ: only a difference of so many standard deviations is another unit, or another question."""
_LEAST_SHARE = 0.35
_LEAST_LAG_DAYS = 10.0
_OF_OTHERS = ["measure", "form", "field"]


class _Habit(NamedTuple):
    measure: str
    kind: Kind
    says: str


_HABITS = (
    _Habit("commonest", Kind.DRIFT, "No one value is far more common than at other sites"),
    _Habit("rounded", Kind.DRIFT, "Values are rounded no more often than at other sites"),
    _Habit("off schedule", Kind.DATES, "Dates keep to the schedule as at other sites"),
    _Habit("out of order", Kind.DATES, "Dates lie near those of neighbouring records as at other sites"),
    _Habit("repeated", Kind.DUPLICATES, "Rows repeat no others, as at other sites"),
    _Habit("shared", Kind.CONTACT, "People share numbers no more often than at other sites"),
)
_LEVELS = (
    _Habit("mean", Kind.DRIFT, "The mean is in the order of other sites"),
    _Habit("lag", Kind.DATES, "Dates are as far from the record's first date as at other sites"),
)


def ask_between_sites(measures: pd.DataFrame) -> Iterator[Question]:
    """Ask of every site whether it lies near the middle of all sites."""
    of_sites = measures[(measures["site"] != "") & (measures["event"] == "")]
    of_sites = of_sites[of_sites["count"] >= _LEAST_ROWS]
    table = of_sites.set_index(list(PLACE))
    for habit in _HABITS:
        yield from _ask_habit(habit, _with_middle(table, habit.measure))
    for level in _LEVELS:
        yield from _ask_level(level, table)


def _with_middle(table: pd.DataFrame, measure: str) -> pd.DataFrame:
    """The sites of one measure, with the `middle` and the smallest `others` rows, where there are several."""
    own = table[table.index.get_level_values("measure") == measure]
    grouped = own.groupby(level=_OF_OTHERS)
    sizes = grouped["value"].transform("size")
    found = own.assign(middle=grouped["value"].transform("median"), others=grouped["count"].transform("sum"))
    return found[sizes > 1]


def _ask_habit(habit: _Habit, own: pd.DataFrame) -> Iterator[Question]:
    rule = Rule(f"site {habit.measure}", habit.kind, "warning", f"{habit.says}: {{it}}.")
    middle, count = own["middle"].to_numpy(), own["count"].to_numpy(dtype="float64")
    likely = most_share(middle, among=count, before=own["others"].to_numpy(dtype="float64"))
    bounded = own.assign(upper=np.maximum(likely, middle + _LEAST_SHARE))
    for place, row in places(bounded[bounded["upper"] < 1]):
        yield ask(rule, place, value=row["value"], count=row["count"], upper=row["upper"])


def _ask_level(level: _Habit, table: pd.DataFrame) -> Iterator[Question]:
    rule = Rule(f"site {level.measure}", level.kind, "warning", f"{level.says}: {{it}}.")
    spread_name = "spread" if level.measure == "mean" else f"{level.measure} spread"
    own, spreads = _with_middle(table, level.measure), _with_middle(table, spread_name)
    spread = spreads["middle"].rename(index={spread_name: level.measure}, level="measure")
    both = own.assign(spread=spread.reindex(own.index))
    least = _LEAST_LAG_DAYS if level.measure == "lag" else 0.0
    for place, row in places(both[both["spread"] > 0]):
        apart = least + _APART * row["spread"]
        apart += float(mean_error(row["spread"], among=row["count"], before=row["others"]))
        low, high = row["middle"] - apart, row["middle"] + apart
        yield ask(rule, place, value=row["value"], count=row["count"], lower=low, upper=high)
