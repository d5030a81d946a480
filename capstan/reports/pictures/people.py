"""Pictures of people: who came over time, and which visits are due, and in their windows."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from capstan.reports.palette import BLUE, FAINT, GREY, NOTHING, ON_PALE, ORANGE, ORANGES, PLUM, TEAL, shade
from capstan.reports.pictures.marks import WIDTH, Chart, bars, beside, data_of, heat, named, stacked

_WEEKS_AHEAD = 12
_LATE = "overdue"
_PLACINGS = {"early": PLUM, "in window": TEAL, "late": ORANGE, "missed": GREY}


def enrolment(table: pd.DataFrame) -> Chart:
    """Everybody enrolled over time against the target, and how many at each site."""
    weeks = table.groupby("week", as_index=False).agg(enrolled=("enrolled", "sum"), target=("target", "max"))
    weeks = weeks.assign(week=_days(weeks["week"]), enrolled=weeks["enrolled"].cumsum())
    # The target may reach into weeks to come, of which nothing is known.
    known = weeks["enrolled"].diff().fillna(weeks["enrolled"]).gt(0)
    last = known[known].index.max() if known.any() else 0
    over_time = _line(weeks.loc[:last], value="enrolled", colour=BLUE)
    aim = weeks.dropna(subset=["target"])
    if len(aim):
        over_time = alt.LayerChart(layer=[over_time, _line(aim, value="target", colour=FAINT, dash=(5, 4))])
    names = table.assign(site=named(table["site"], blank="no site"))
    sites = names.groupby("site", as_index=False).agg(enrolled=("enrolled", "sum"))
    over_time = over_time.properties(width=WIDTH, height=220)
    if len(sites) < 2:
        return over_time
    by_site = sites.sort_values(by=["enrolled", "site"], ascending=[False, True])
    return beside(over_time, bars(by_site, label="site", value="enrolled", title="Enrolled by site"))


def calendar(table: pd.DataFrame) -> Chart:
    """What is overdue, and what falls due in each of the coming weeks, by site."""
    rows = table.assign(week=_days(table["week"]), site=named(table["site"], blank="no site"))
    ahead = sorted(rows.loc[rows["status"] != _LATE, "week"].unique())[:_WEEKS_AHEAD]
    rows = rows[(rows["status"] == _LATE) | rows["week"].isin(ahead)]
    words = pd.to_datetime(rows["week"]).dt.strftime("%d %b")
    rows = rows.assign(across=words.mask(rows["status"] == _LATE, _LATE))
    counts = rows.groupby(["site", "across"], as_index=False)["visits"].sum()
    counts = counts[counts["visits"] > 0]
    most = counts.groupby(counts["across"] == _LATE)["visits"].transform("max")
    shares = zip(counts["visits"] / most, counts["across"] == _LATE, strict=True)
    shades = [shade(share, ramp=ORANGES) if late else shade(share) for share, late in shares]
    cells = counts.assign(
        down=counts["site"],
        words=counts["visits"].map("{:,}".format),
        colour=[each[0] for each in shades],
        ink=[each[1] for each in shades],
    )
    columns = [_LATE, *(pd.Timestamp(day).strftime("%d %b") for day in ahead)]
    return heat(cells, down=sorted(set(rows["site"])), across=columns)


def windows(table: pd.DataFrame) -> Chart:
    """How each visit kept to its window."""
    order = list(dict.fromkeys(table["visit"]))
    counts = table.groupby(["visit", "placing"], as_index=False)["visits"].sum()
    counts = counts.assign(visit=pd.Categorical(named(counts["visit"], blank="no name"), order)).sort_values(
        "visit"
    )
    rows = counts.assign(visit=counts["visit"].astype(str))
    return stacked(rows, label="visit", part="placing", value="visits", colours=_PLACINGS, as_share=True)


def completeness(table: pd.DataFrame) -> Chart:
    """The share of complete forms by form and event, over all sites."""
    forms, events = (
        list(dict.fromkeys(table["form"])),
        list(dict.fromkeys(named(table["event"], blank="all"))),
    )
    counts = table.assign(event=named(table["event"], blank="all"))
    counts = counts.groupby(["form", "event"], as_index=False)[["expected", "complete"]].sum()
    expected = counts["expected"].where(counts["expected"] > 0)
    shares = (counts["complete"] / expected).clip(0, 1)
    shades: list[tuple[str, str]] = [
        (NOTHING, ON_PALE) if pd.isna(share) else shade(_stretched(share)) for share in shares
    ]
    cells = counts.assign(
        down=counts["form"],
        across=counts["event"],
        words=["–" if pd.isna(share) else f"{int(100 * share)}%" for share in shares],
        colour=[colour for colour, _ in shades],
        ink=[ink for _, ink in shades],
    )
    # Words that would run into each other stand aslant.
    slant = len(events) > 8 or any(len(event) > 9 for event in events)
    return heat(cells, down=forms, across=events, slant=slant)


def _stretched(share: float) -> float:
    """Spread the upper half over the ramp: what falls short of complete is what people look for."""
    return max(0.0, (share - 0.5) * 2)


def _line(weeks: pd.DataFrame, *, value: str, colour: str, dash: tuple[int, int] = (1, 0)) -> alt.LayerChart:
    day = alt.X(
        "week:T", title=None, axis=alt.Axis(grid=False, format="%b %Y", tickCount=5, labelOverlap=True)
    )
    up = alt.Y(f"{value}:Q", title=None, axis=alt.Axis(tickCount=5))
    line = alt.Chart(data_of(weeks[["week", value]])).encode(x=day, y=up)
    last = weeks.tail(1).assign(words=[f"{weeks[value].iloc[-1]:,.0f} {value}"])[["week", value, "words"]]
    end = alt.Chart(data_of(last)).encode(x=day, y=up, text="words:N")
    drawn = line.mark_line(color=colour, strokeWidth=2.5, strokeDash=list(dash))
    dy = -9 if value == "enrolled" else 15
    return alt.LayerChart(layer=[drawn, end.mark_text(align="right", dy=dy, color=colour, fontWeight="bold")])


def _days(weeks: pd.Series[Any]) -> pd.Series[str]:
    return pd.to_datetime(weeks).dt.strftime("%Y-%m-%d")
