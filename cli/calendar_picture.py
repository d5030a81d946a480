"""The calendar picture: a week of all flows, one lane each, and how many begin in each hour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from capstan.timetable.deployments import Deployment

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DAYS = 7
_HOURS = 24.0
# What begins at least so often is drawn as a bar, in hours.
_OFTEN = 20 / 60
_FEW = 3
# How wide one start is, in hours.
_TICK = 0.18


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


class _Lane(NamedTuple):
    """One flow: the starts of each study on each day, in hours of the day."""

    flow: str
    starts: dict[str, list[list[float]]]


def save_week(
    deployments: Sequence[Deployment], *, first: date, zone: ZoneInfo, file: Path, dark: bool = False
) -> None:
    """Draw seven days from `first` on, on the clock of `zone`, into an SVG or PNG file."""
    figure = draw_week(deployments, first=first, zone=zone, colours=_DARK if dark else _LIGHT)
    # Without a date in it, the same week gives the same file.
    kept = {"Date": None} if file.suffix == ".svg" else {}
    figure.savefig(file, dpi=110, facecolor=figure.get_facecolor(), metadata=kept)


def draw_week(deployments: Sequence[Deployment], *, first: date, zone: ZoneInfo, colours: _Colours) -> Figure:
    """The picture as a figure of matplotlib's."""
    from matplotlib.figure import Figure

    lanes, studies = _lanes(deployments, first=first, zone=zone), sorted({one.study for one in deployments})
    figure = Figure(figsize=(16, 1.9 + 0.42 * len(lanes)), facecolor=colours.page, layout="constrained")
    whole = figure.subplots(
        2, DAYS, sharex=True, sharey="row", squeeze=False, height_ratios=[max(1.0, 0.42 * len(lanes)), 0.6]
    )
    for day in range(DAYS):
        upper, lower = whole[0][day], whole[1][day]
        upper.set_title(f"{first + timedelta(days=day):%a %d %b}", color=colours.text, fontsize=10)
        for axes in (upper, lower):
            _dress(axes, colours=colours)
        for place, lane in enumerate(lanes):
            _draw_lane(upper, lane, day=day, place=place, studies=studies, colours=colours)
        hours = Counter(int(hour) for lane in lanes for days in lane.starts.values() for hour in days[day])
        lower.bar([hour + 0.5 for hour in hours], list(hours.values()), width=0.8, color=colours.faint)
    _label(whole[0][0], whole[1][0], lanes=lanes, colours=colours)
    _name_studies(figure, studies, zone=zone, colours=colours)
    return figure


def _lanes(deployments: Sequence[Deployment], *, first: date, zone: ZoneInfo) -> list[_Lane]:
    """The flows that begin in this week, in the order of the timetable."""
    begin = datetime(first.year, first.month, first.day, tzinfo=zone)
    after = first + timedelta(days=DAYS)
    end = datetime(after.year, after.month, after.day, tzinfo=zone)
    found: dict[str, dict[str, list[list[float]]]] = {}
    for one in deployments:
        starts = [start.astimezone(zone) for start in one.starts(begin, end=end)]
        if starts:
            by_day: list[list[float]] = [[] for _ in range(DAYS)]
            for start in starts:
                by_day[(start.date() - first).days].append(start.hour + start.minute / 60)
            found.setdefault(one.row.flow, {})[one.study] = by_day
    return [_Lane(flow, starts) for flow, starts in found.items()]


def _dress(axes: Axes, *, colours: _Colours) -> None:
    axes.set_facecolor(colours.page)
    axes.set_xlim(0, _HOURS)
    axes.set_xticks([0, 6, 12, 18], ["00", "06", "12", "18"])
    axes.tick_params(colors=colours.faint, labelsize=8, length=0)
    axes.grid(axis="x", color=colours.lines, linewidth=0.8)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_color(colours.lines)


def _draw_lane(
    axes: Axes, lane: _Lane, *, day: int, place: int, studies: Sequence[str], colours: _Colours
) -> None:
    """Draw a flow on one day; each study has a strip of the lane."""
    height = 0.64 / len(lane.starts)
    for strip, (study, days) in enumerate(lane.starts.items()):
        at = studies.index(study) if len(studies) > 1 else place
        colour = colours.series[at % len(colours.series)]
        bottom = place - 0.32 + strip * height
        for run in _runs(days[day]):
            span = (run[0], max(run[-1] - run[0], _TICK))
            # Snapped to pixels, some ticks would be twice as wide as others.
            axes.broken_barh([span], (bottom, height * 0.9), facecolors=colour, linewidth=0, snap=False)
            if len(lane.starts) == 1:
                _write_beside(axes, run, days[day], place=place, colours=colours)


def _runs(starts: list[float]) -> list[list[float]]:
    """Starts of a day, those that follow each other often as one."""
    runs: list[list[float]] = []
    for start in starts:
        if runs and start - runs[-1][-1] <= _OFTEN + 1e-9:
            runs[-1].append(start)
        else:
            runs.append([start])
    return runs


def _write_beside(
    axes: Axes, run: list[float], starts: list[float], *, place: int, colours: _Colours
) -> None:
    """Say how often, in a bar, or the time of day, beside one of few starts."""
    if len(run) > 8:
        minutes = round(60 * (run[1] - run[0]))
        said, middle = f"every {minutes} min", (run[0] + run[-1]) / 2
        axes.text(middle, place, said, color=colours.page, fontsize=7, ha="center", va="center")
    elif len(starts) <= _FEW:
        minutes = round(60 * run[0])
        side = "right" if run[0] > 18 else "left"
        at = run[0] - 0.3 if side == "right" else run[0] + 0.5
        clock = f"{minutes // 60:02}:{minutes % 60:02}"
        axes.text(at, place, clock, color=colours.faint, fontsize=6.5, ha=side, va="center")


def _label(upper: Axes, lower: Axes, *, lanes: Sequence[_Lane], colours: _Colours) -> None:
    names = [lane.flow.replace("_", " ") for lane in lanes]
    upper.set_yticks(range(len(lanes)), names, color=colours.text, fontsize=9)
    upper.set_ylim(max(len(lanes), 1) - 0.5, -0.5)
    lower.set_ylabel("begin\nin an hour", color=colours.faint, fontsize=8)
    lower.locator_params(axis="y", integer=True, nbins=3)


def _name_studies(figure: Figure, studies: Sequence[str], *, zone: ZoneInfo, colours: _Colours) -> None:
    from matplotlib.patches import Patch

    named = studies[0] if len(studies) == 1 else f"{len(studies)} studies"
    figure.suptitle(f"What runs when: {named}, clock of {zone.key}", color=colours.text, fontsize=12)
    if 1 < len(studies) <= len(colours.series):
        marks = [Patch(color=colours.series[at], label=name) for at, name in enumerate(studies)]
        figure.legend(
            handles=marks,
            loc="outside lower center",
            ncols=6,
            frameon=False,
            labelcolor=colours.text,
            fontsize=9,
        )
