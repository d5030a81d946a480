"""The calendar picture: a week of all flows, one lane each, and how many begin in each hour."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

import altair as alt
import pandas as pd

from capstan.reports.pictures.marks import Chart, data_of
from capstan.timetable.deployments import Deployment
from cli.calendar_lanes import DAYS, HOURS, Lane, counts_of, lanes_of, parts_of

# In pixels.
_WIDTH, _LANE, _COUNTS = 1480, 34, 60
_Side = Literal["center", "left", "right"]
_SIDES: tuple[_Side, ...] = ("center", "left", "right")


class _Colours(NamedTuple):
    """Colours of a picture on a light or a dark page."""

    page: str
    text: str
    faint: str
    lines: str
    series: tuple[str, ...]


_LIGHT = _Colours(
    "#ffffff",
    "#1f2328",
    "#59636e",
    "#d8dee4",
    ("#0969da", "#bc4c00", "#1a7f37", "#8250df", "#bf3989", "#57606a"),
)
_DARK = _Colours(
    "#0d1117",
    "#e6edf3",
    "#9198a1",
    "#2f353d",
    ("#58a6ff", "#f0883e", "#3fb950", "#bc8cff", "#f778ba", "#8b949e"),
)


def save_week(
    deployments: Sequence[Deployment], *, first: date, zone: ZoneInfo, file: Path, dark: bool = False
) -> None:
    """Draw seven days from `first` on, on the clock of `zone`, into an SVG or PNG file."""
    import vl_convert

    colours = _DARK if dark else _LIGHT
    drawn = draw_week(deployments, first=first, zone=zone, colours=colours).to_dict()
    if file.suffix == ".svg":
        file.write_text(vl_convert.vegalite_to_svg(drawn), encoding="utf-8")
    else:
        file.write_bytes(vl_convert.vegalite_to_png(drawn, scale=1.2))


def draw_week(
    deployments: Sequence[Deployment], *, first: date, zone: ZoneInfo, colours: _Colours
) -> alt.VConcatChart:
    """The picture as a chart of Altair's."""
    lanes, studies = lanes_of(deployments, first=first, zone=zone), sorted({one.study for one in deployments})
    named = studies[0] if len(studies) == 1 else f"{len(studies)} studies"
    whole = alt.vconcat(
        _week(lanes, first=first, studies=studies, colours=colours),
        _counts(lanes, colours=colours),
        title=alt.Title(f"What runs when: {named}, clock of {zone.key}", anchor="middle", color=colours.text),
        background=colours.page,
        bounds="flush",
        spacing=14,
    )
    drawn: alt.VConcatChart = (
        whole.configure(font="sans-serif", padding=14)
        .configure_view(stroke=colours.lines)
        .configure_axis(titleFontWeight="normal")
    )
    return drawn


def _week(lanes: Sequence[Lane], *, first: date, studies: Sequence[str], colours: _Colours) -> Chart:
    """A lane for each flow, of which each study has a strip, and the days above."""
    bars, words = parts_of(lanes)
    series, shown = (studies, "study") if len(studies) > 1 else ([lane.flow for lane in lanes], "flow")
    painted = alt.Scale(domain=series, range=[colours.series[at % 6] for at, _ in enumerate(series)])
    legend = alt.Legend(orient="bottom", title=None, labelColor=colours.text, symbolType="square")
    has_legend = 1 < len(studies) <= len(colours.series)
    room = alt.Scale(domain=[-0.5, max(len(lanes), 1) - 0.5], reverse=True, nice=False)
    names = pd.DataFrame({"said": [lane.flow.replace("_", " ") for lane in lanes], "top": range(len(lanes))})
    days = [(f"{first + timedelta(days=day):%a %d %b}", HOURS * (day + 0.5)) for day in range(DAYS)]
    drawn = alt.Chart(data_of(bars)).encode(x=_hours(colours), y=alt.Y("top:Q", scale=room, axis=None))
    return alt.layer(
        drawn.mark_rect().encode(
            x2="end",
            y2="bottom",
            color=alt.Color(f"{shown}:N", scale=painted, legend=legend if has_legend else None),
        ),
        *(_written(words, side=side, colours=colours) for side in _SIDES),
        alt.Chart(data_of(names))
        .mark_text(align="right", color=colours.text, fontSize=12)
        .encode(x=alt.value(-8), y="top:Q", text="said:N"),
        alt.Chart(data_of(pd.DataFrame(days, columns=["said", "begin"])))
        .mark_text(color=colours.text, fontSize=13)
        .encode(x="begin:Q", y=alt.value(-14), text="said:N"),
    ).properties(width=_WIDTH, height=max(_LANE * len(lanes), _LANE))


def _written(words: pd.DataFrame, *, side: _Side, colours: _Colours) -> alt.Chart:
    colour = colours.page if side == "center" else colours.faint
    marks = alt.Chart(data_of(words[words["side"] == side])).mark_text(align=side, color=colour, fontSize=10)
    drawn: alt.Chart = marks.encode(x="begin:Q", y="top:Q", text="said:N")
    return drawn


def _counts(lanes: Sequence[Lane], *, colours: _Colours) -> alt.Chart:
    """How many runs begin in each hour."""
    table = counts_of(lanes)
    axis = alt.Axis(
        tickCount=3, format="d", labelColor=colours.faint, titleColor=colours.faint, **_bare(grid=False)
    )
    marks = alt.Chart(data_of(table)).mark_rect(color=colours.faint)
    up = alt.Y("count:Q", axis=axis, title=["begin", "in an hour"], scale=alt.Scale(zero=True))
    drawn: alt.Chart = marks.encode(x=_hours(colours), x2="end", y=up, y2=alt.datum(0))
    return drawn.properties(width=_WIDTH, height=_COUNTS)


def _hours(colours: _Colours) -> alt.X:
    """The hours of the week, with each day's clock."""
    axis = alt.Axis(
        values=list(range(0, DAYS * HOURS, 6)),
        labelExpr=f"format(datum.value % {HOURS}, '02')",
        labelColor=colours.faint,
        gridColor=colours.lines,
        gridWidth=alt.condition(f"datum.value % {HOURS} == 0", alt.value(2), alt.value(1)),
        **_bare(grid=True),
    )
    return alt.X("begin:Q", title=None, axis=axis, scale=alt.Scale(domain=[0, DAYS * HOURS], nice=False))


def _bare(*, grid: bool) -> dict[str, Any]:
    return {"domain": False, "ticks": False, "grid": grid}
