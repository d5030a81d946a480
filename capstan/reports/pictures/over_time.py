"""A line over time against what was meant."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import altair as alt
import pandas as pd

from capstan.reports.palette import BLUE, FAINT
from capstan.reports.pictures.marks import data_of, told_by
from capstan.reports.pictures.words import room_of

_HEIGHT, _LABEL = 240, 84
_DAY = pd.Timedelta(days=1)


def against_target(table: pd.DataFrame, *, width: int) -> alt.Chart:
    """Draw those enrolled so far (`week`, `enrolled`, `target`) and the target, which may reach further."""
    weeks = table.groupby("week", as_index=False).agg(enrolled=("enrolled", "sum"), target=("target", "max"))
    weeks = weeks.assign(day=pd.to_datetime(weeks["week"]), enrolled=weeks["enrolled"].cumsum())
    first, last = weeks["day"].min(), weeks["day"].max()
    weeks = weeks.assign(day=(weeks["day"] - first) // _DAY)
    # The target may reach into weeks to come, of which nothing is known.
    is_known = weeks["enrolled"].diff().fillna(weeks["enrolled"]).gt(0)
    known = weeks.loc[: is_known[is_known].index.max() if is_known.any() else 0]
    lines = {"enrolled": known, "target": weeks.dropna(subset=["target"])}
    told = {
        f"{line[kind].iloc[-1]:,.0f} {kind}": line[["day", kind]].rename(columns={kind: "people"})
        for kind, line in lines.items()
        if len(line)
    }
    points = pd.concat([line.assign(kind=words) for words, line in told.items()], ignore_index=True)
    room = room_of(f"{points['people'].max():,.0f}") + 10
    axis = _days(first, last, width=width - room)
    drawn = alt.Chart(data_of(points)).encode(
        x=alt.X("day:Q", title=None, axis=axis, scale=_span(first, last)),
        y=alt.Y("people:Q", title=None, axis=_counts(room)),
        color=_told(alt.Color, told, looks=[BLUE, FAINT]),
        strokeDash=_told(alt.StrokeDash, told, looks=[[1, 0], [5, 4]]),
    )
    chart: alt.Chart = drawn.mark_line(strokeWidth=2.5).properties(width=width - room - 24, height=_HEIGHT)
    return chart


def _counts(room: int) -> alt.Axis:
    return alt.Axis(tickCount=5, tickMinStep=1, format=",.0f", minExtent=room, maxExtent=room)


def _told(channel: Any, words: Iterable[str], *, looks: list[Any]) -> Any:
    names = list(words)
    legend = alt.Legend(symbolType="stroke", symbolStrokeWidth=3, symbolSize=300)
    return channel("kind:N", scale=alt.Scale(domain=names, range=looks[: len(names)]), legend=legend)


def _span(first: pd.Timestamp, last: pd.Timestamp) -> alt.Scale:
    return alt.Scale(domain=[0, max((last - first) // _DAY, 1)], nice=False)


def _days(first: pd.Timestamp, last: pd.Timestamp, *, width: int) -> alt.Axis:
    """An axis of months, or of weeks in a short time, no more than can be read."""
    months = pd.date_range(first, last, freq="MS")
    many = max(width // _LABEL, 2)
    days = months if len(months) > 3 else pd.date_range(first, last, freq="7D")
    shown = days[:: -(-len(days) // many)]
    words = [f"{one:%b %Y}" if len(months) > 3 else f"{one.day} {one:%b}" for one in shown]
    places = [int((one - first) // _DAY) for one in shown]
    at = told_by(words).replace("datum.value", f"indexof({places}, datum.value)")
    return alt.Axis(grid=False, values=places, labelExpr=at, labelFlush=True, labelLimit=0)
