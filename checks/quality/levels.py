"""Levels: numbers that came lately have the mean and the spread of those before, and dates their distance."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from capstan.quality.chances import Floats, mean_error, spread_error
from capstan.quality.expected import Kind
from capstan.quality.measures import PLACE
from capstan.quality.recent import SPREADS
from checks.quality.asked import Question, Rule, ask, places, worst

MEAN = Rule("recent mean", Kind.DRIFT, "warning", "The mean of new values is that of earlier ones: {it}.")
SPREAD = Rule("recent spread", Kind.DRIFT, "warning", "New values are spread as earlier ones are: {it}.")
LAG = Rule("recent lag", Kind.DATES, "warning", "Dates are as far from the first date as before: {it}.")
DAY = Rule("recent day", Kind.DATES, "warning", "New dates are of the days on which they were entered: {it}.")
_LEAST_MEAN = 0.3
_LEAST_LAG_DAYS = 3.0
_LEAST_DAY_DAYS = 10.0
_MANY = 40
_WIDER = 2.5
_COMMON = 0.5


def ask_levels(recent: pd.DataFrame, measures: pd.DataFrame) -> Iterator[Question]:
    """Ask whether means and spreads of the recent rows (`capstan.quality.recent`) are what they were."""
    for rule, mean in ((MEAN, "mean"), (LAG, "lag")):
        table = _table(recent, mean)
        spread = np.maximum(table["spread"], table["spread_before"])
        error = mean_error(spread, among=table["new"].to_numpy(), before=table["known"].to_numpy())
        least = _LEAST_MEAN * table["spread_before"] if rule is MEAN else _LEAST_LAG_DAYS
        yield from _ask_level(rule, table, error=error + least)
    yield from _ask_spreads(_with_tails(recent), measures)


def ask_days(recent: pd.DataFrame, before: pd.DataFrame) -> Iterator[Question]:
    """Ask whether new dates are as far from today as the dates of the days before were from their days.

    `before` is `recent_rows` as it was on an earlier day. Both have `shift`: days to add to the middle date.
    """
    now, then = _table(recent, "day"), _table(before, "day")
    both = now.join(then.add_suffix("_then"), how="inner")
    error = mean_error(both["spread"], among=both["new"], before=both["new_then"])
    shifted = both.assign(
        recent=both["recent"] + both["shift"], before=both["recent_then"] + both["shift_then"]
    )
    yield from _ask_level(DAY, shifted, error=error + _LEAST_DAY_DAYS)


def _ask_level(rule: Rule, table: pd.DataFrame, *, error: Floats) -> Iterator[Question]:
    bounded = table.assign(lower=table["before"] - error, upper=table["before"] + error)
    for place, row in places(worst(bounded[error > 0])):
        bounds = {"lower": row["lower"], "upper": row["upper"]}
        yield ask(rule, place, value=row["recent"], count=row["new"], **bounds)


def _table(recent: pd.DataFrame, mean: str) -> pd.DataFrame:
    """The recent rows of one mean, with `spread` and `spread_before` beside them.

    `spread_unmoved` is that of the rows before as they were, whatever events the new rows are of.
    """
    spread = next(name for name, of in SPREADS.items() if of == mean)
    names = recent.index.get_level_values("measure")
    table, squares = recent[names == mean], recent[names == spread]
    squares = squares.rename(index={spread: mean}, level="measure")[["recent", "before", "moved"]]
    both = table.join(squares.add_suffix("_square"), how="inner")
    return both.assign(
        spread=_spread(both["recent_square"], both["recent"]),
        spread_before=_spread(both["before_square"], both["before"]),
        spread_unmoved=_spread(both["before_square"] - both["moved_square"], both["before"] - both["moved"]),
    )


def _spread(square: pd.Series[float], mean: pd.Series[float]) -> Floats:
    return np.asarray(np.sqrt((square - mean**2).clip(lower=0)))


def _with_tails(recent: pd.DataFrame) -> pd.DataFrame:
    """The recent rows of the mean, with `tails`: the kurtosis that the rows before had."""
    tails = recent[recent.index.get_level_values("measure") == "tails"]
    before = tails["before"].rename("tails").rename(index={"tails": "mean"}, level="measure")
    return _table(recent, "mean").join(before, how="inner")


def _ask_spreads(table: pd.DataFrame, measures: pd.DataFrame) -> Iterator[Question]:
    """Ask it where many rows came and many were known, in fields that are not nearly constant anyhow."""
    common = measures[measures["measure"] == "commonest"]
    common = common[common["value"] > _COMMON].assign(measure="mean")
    constant = pd.MultiIndex.from_frame(common[list(PLACE)])
    is_told = (table["new"] >= _MANY) & (table["known"] >= _MANY) & (table["spread_before"] > 0)
    judged = table[is_told & ~table.droplevel("days").index.isin(constant)]
    error = spread_error(judged["tails"], among=judged["new"], before=judged["known"])
    factor = np.maximum(_WIDER, np.exp(error))
    # Sites differ: what another mix of events does to the spread is told for all of them only.
    both = judged[["spread_before", "spread_unmoved"]]
    bounded = judged.assign(
        recent=judged["spread"],
        before=judged["spread_unmoved"],
        lower=both.min(axis=1) / factor,
        upper=both.max(axis=1) * factor,
    )
    for place, row in places(worst(bounded)):
        bounds = {"lower": row["lower"], "upper": row["upper"]}
        yield ask(SPREAD, place, value=row["recent"], count=row["new"], **bounds)
