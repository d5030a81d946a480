"""Recent: what the rows that came lately amount to, told from the measures of two days."""

from __future__ import annotations

from datetime import date, timedelta
from types import MappingProxyType

import numpy as np
import pandas as pd

from capstan.quality.measures import COUNTS, PLACE

WINDOWS = (3, 7, 14, 28, 56)
"""Days; each place is judged over all in which enough rows came."""
LEAST_NEW = 12
LEAST_BEFORE = 20
SPREADS = MappingProxyType({"spread": "mean", "lag spread": "lag", "day spread": "day"})
"""Of which mean each measure is the standard deviation; `recent_rows` tells the mean of squares instead."""
_UNKNOWN = 0.05
_OF_A_DAY = (
    "delivered",
    "quiet days",
    "longest quiet",
    "dated days",
    "repeated by chance",
    "middle",
    "reach",
)
"""Measures that do not add up over rows, so that two days of them tell nothing of the rows between."""
_RECENT = ["recent", "new", "before", "known", "moved"]
_LEAST_STANDING = 50


def recent_rows(measures: pd.DataFrame, *, history: pd.DataFrame, today: date) -> pd.DataFrame:
    """What came lately, by place (`PLACE`) and `days`: `recent` and `new` for its mean and number.

    `before` and `known` are those of the rows before. Every window in which enough rows came is told, so that
    a leap is seen soon and a small change in time. A mean over several events is expected to change with the
    events that its rows are of: `before` has that already, and `moved` is how much. Where hardly a row came,
    all rows are told: what stands is not to change.
    """
    now, rows = _means(measures), _rows(measures)
    looks = [(days, _night(history, today - timedelta(days=days))) for days in WINDOWS]
    known = [(days, then) for days, then in looks if then is not None]
    parts = [_between(now, _means(then), rows=rows, rows_then=_rows(then), days=days) for days, then in known]
    found = pd.concat([_nothing(), *parts])
    rest = now[~now.index.isin(found.droplevel("days").index)]
    return pd.concat([found, *(_standing(rest, _means(then), days=days) for days, then in known[-1:])])


def _nothing() -> pd.DataFrame:
    index = pd.MultiIndex.from_arrays([[] for _ in (*PLACE, "days")], names=[*PLACE, "days"])
    return pd.DataFrame(columns=_RECENT, index=index, dtype="float64")


def _standing(now: pd.DataFrame, then: pd.DataFrame, *, days: int) -> pd.DataFrame:
    """All rows of a place against all rows that it had, but for days, which pass by themselves."""
    both = now.join(then.add_suffix("_then"), how="inner")
    is_day = both.index.get_level_values("measure").isin(["day", "day spread"])
    both = both[(both["count_then"] >= _LEAST_STANDING) & ~is_day].astype("float64")
    names = {"value": "recent", "count": "new", "value_then": "before", "count_then": "known"}
    told = both.rename(columns=names).assign(moved=0.0, days=float(days))
    return told[[*_RECENT, "days"]].set_index("days", append=True)


def _night(history: pd.DataFrame, day: date) -> pd.DataFrame | None:
    """The last look of a history on or before a day."""
    looks = [at for at in history["at"].unique() if at.date() <= day]
    return history[history["at"] == max(looks)] if looks else None


def _means(measures: pd.DataFrame) -> pd.DataFrame:
    means = measures[~measures["measure"].isin([*COUNTS, *_OF_A_DAY])]
    found = means.set_index(list(PLACE))[["value", "count"]]
    spreads = means[means["measure"].isin(list(SPREADS))]
    own = pd.MultiIndex.from_frame(spreads[list(PLACE)])
    of = pd.MultiIndex.from_frame(spreads[list(PLACE)].assign(measure=spreads["measure"].map(dict(SPREADS))))
    squares = found.loc[own, "value"].to_numpy() ** 2 + found.loc[of, "value"].to_numpy() ** 2
    found.loc[own, "value"] = squares
    return found


def _rows(measures: pd.DataFrame) -> pd.Series[float]:
    rows = measures[measures["measure"] == "rows"]
    return rows.set_index(["form", "event", "site"])["value"]


def _between(
    now: pd.DataFrame, then: pd.DataFrame, *, rows: pd.Series[float], rows_then: pd.Series[float], days: int
) -> pd.DataFrame:
    both = now.join(then.add_suffix("_then"), how="inner")
    new = both["count"] - both["count_then"]
    both = both[(new >= LEAST_NEW) & (both["count_then"] >= LEAST_BEFORE)]
    new = (both["count"] - both["count_then"]).astype("float64")
    sums = both["value"] * both["count"] - both["value_then"] * both["count_then"]
    shift = _shift(both, then, rows=rows, rows_then=rows_then)
    found = pd.DataFrame({"recent": sums / new, "new": new, "before": both["value_then"] + shift})
    found["known"] = both["count_then"].astype("float64")
    found["moved"] = shift
    return found[shift.notna()].assign(days=float(days)).set_index("days", append=True)


def _shift(
    both: pd.DataFrame, then: pd.DataFrame, *, rows: pd.Series[float], rows_then: pd.Series[float]
) -> pd.Series[float]:
    """How much each mean changes because its new rows are of other events; NaN where an event is too new."""
    weights = _weights(rows, rows_then)
    places = both.index.to_frame(index=False)
    mixed = places[places["event"] == ""]
    if weights.empty or mixed.empty:
        return pd.Series(0.0, index=both.index)
    parts = mixed.drop(columns="event").reset_index(names="at").merge(weights, on=["form", "site"])
    usual = then[then["count"] >= LEAST_BEFORE].reset_index()
    usual = usual[(usual["site"] == "") & (usual["event"] != "")].drop(columns=["site", "count"])
    parts = parts.merge(usual, on=["measure", "form", "field", "event"], how="left")
    parts["unknown"] = np.where(parts["value"].isna(), parts["share"] + parts["share_then"], 0.0)
    parts["part"] = parts["value"].fillna(0.0) * (parts["share"] - parts["share_then"])
    summed = parts.groupby("at")[["part", "unknown"]].sum()
    told = summed["part"].where(summed["unknown"] <= _UNKNOWN)
    whole = pd.Series(0.0, index=range(len(both)))
    whole.loc[told.index] = told
    return pd.Series(whole.to_numpy(), index=both.index)


def _weights(rows: pd.Series[float], rows_then: pd.Series[float]) -> pd.DataFrame:
    """The share that each event has in the new rows of a form and site, and had in those before."""
    frame = pd.DataFrame({"now": rows, "then": rows_then}).fillna(0.0).rename_axis(["form", "event", "site"])
    frame = frame.reset_index()
    frame = frame[frame["event"] != ""]
    frame["new"] = (frame["now"] - frame["then"]).clip(lower=0.0)
    sums = frame.groupby(["form", "site"])[["new", "then"]].transform("sum")
    frame["share"] = (frame["new"] / sums["new"]).fillna(0.0)
    frame["share_then"] = (frame["then"] / sums["then"]).fillna(0.0)
    return frame[["form", "event", "site", "share", "share_then"]]
