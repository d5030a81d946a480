"""The lanes of the calendar picture: when each flow begins in a week, and what is written there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pandas as pd

from capstan.timetable.deployments import Deployment

DAYS = 7
HOURS = 24
# What begins at least so often is drawn as a bar, in hours.
_OFTEN = 20 / 60
_FEW = 3
# How wide one start is, in hours.
_TICK = 0.18


class Lane(NamedTuple):
    """One flow: the starts of each study on each day, in hours of the day."""

    flow: str
    starts: dict[str, list[list[float]]]


def lanes_of(deployments: Sequence[Deployment], *, first: date, zone: ZoneInfo) -> list[Lane]:
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
    return [Lane(flow, starts) for flow, starts in found.items()]


def parts_of(lanes: Sequence[Lane]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The bars of all lanes, and the words in or beside them, in hours of the week and in lanes."""
    bars, words = [], []
    for place, lane in enumerate(lanes):
        height = 0.64 / len(lane.starts)
        for strip, (study, days) in enumerate(lane.starts.items()):
            top = place - 0.32 + strip * height
            for day, starts in enumerate(days):
                for run in _runs(starts):
                    begin = HOURS * day + run[0]
                    end = begin + max(run[-1] - run[0], _TICK)
                    bars.append((lane.flow, study, begin, end, top, top + height * 0.9))
                    if len(lane.starts) == 1:
                        words += [(*said, place) for said in _words(run, starts, day=day)]
    columns = ["flow", "study", "begin", "end", "top", "bottom"]
    return pd.DataFrame(bars, columns=columns), pd.DataFrame(words, columns=["said", "begin", "side", "top"])


def _runs(starts: list[float]) -> list[list[float]]:
    """Starts of a day, those that follow each other often as one."""
    runs: list[list[float]] = []
    for start in starts:
        if runs and start - runs[-1][-1] <= _OFTEN + 1e-9:
            runs[-1].append(start)
        else:
            runs.append([start])
    return runs


def _words(run: list[float], starts: list[float], *, day: int) -> list[tuple[str, float, str]]:
    """How often, in a bar, or the time of day, beside one of few starts; where, and on which side."""
    begin, end = HOURS * day + run[0], HOURS * day + run[-1]
    if len(run) > 8:
        return [(f"every {round(60 * (run[1] - run[0]))} min", (begin + end) / 2, "center")]
    if len(starts) > _FEW:
        return []
    minutes = round(60 * run[0])
    clock = f"{minutes // 60:02}:{minutes % 60:02}"
    return [(clock, begin - 0.3, "right") if run[0] > 18 else (clock, begin + 0.5, "left")]


def counts_of(lanes: Sequence[Lane]) -> pd.DataFrame:
    """How many runs begin in each hour of the week: `begin` and `end` of its bar, and `count`."""
    hours = Counter(
        HOURS * day + int(hour)
        for lane in lanes
        for days in lane.starts.values()
        for day, starts in enumerate(days)
        for hour in starts
    )
    bars = [(at + 0.1, at + 0.9, count) for at, count in hours.items()]
    return pd.DataFrame(bars, columns=["begin", "end", "count"])
