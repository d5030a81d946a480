"""A longitudinal project of several sites that grows from night to night, from a seed, with faults on demand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property

import numpy as np
import pandas as pd

from capstan.dictionary import Dictionary
from capstan.events import EventGrid
from capstan.plan import KEY_NAMES, keyed
from capstan.study import Study
from checks.quality.measuring import measure_project
from tests.spec.history_dictionary import LOG, make_dictionary, make_grid

STUDY = """
study: grows
title: Grows
redcap:
  url: http://127.0.0.1/api/
  token: {env: TOKEN}
  project: {id: 1, title: Grows, status: production}
"""
START = date(2026, 1, 5)
FIRST_NIGHT, FAULT_NIGHT, LAST_NIGHT = 60, 100, 130
"""Days since the start: when Capstan begins to look, when a fault begins, and the end."""


@dataclass(frozen=True)
class Shape:
    """What kind of project: sites (0 for no access groups), events, fields, new records per workday."""

    sites: int = 6
    events: int = 4
    numbers: int = 4
    codes: int = 4
    pace: float = 5.0
    repeats: bool = True
    by_site: bool = False
    at_once: bool = False
    """Everybody was enrolled on the first day, by an import, and is seen at any time afterwards."""


@dataclass(frozen=True, eq=False)
class History:
    """A project with everything that is ever entered; `rows` has `_entered` and `_done`, the days of it."""

    shape: Shape
    dictionary: Dictionary
    grid: EventGrid
    rows: pd.DataFrame
    tally: Callable[[int], float] = lambda night: 0.9

    @property
    def study(self) -> Study:
        return Study.from_text(STUDY, source="study.yaml", environment={})

    @cached_property
    def busiest(self) -> str:
        """The site with most rows; blank without access groups."""
        column = self.rows.get("redcap_data_access_group", pd.Series([""]))
        return str(column.value_counts().index[0])

    def changed(self, rows: pd.DataFrame) -> History:
        return replace(self, rows=rows)

    def export(self, night: int) -> pd.DataFrame:
        """What REDCap holds at the end of a day."""
        here = self.rows[(self.rows["_entered"] <= night) & (self.rows["_gone"] > night)]
        is_done = here["_done"] <= night
        statuses = {
            name: here[name].where(is_done | (here[name] == ""), "0")
            for name in here
            if name.endswith("_complete")
        }
        frame = here.assign(**statuses).drop(columns=["_entered", "_done", "_gone"])
        return keyed(frame, record_field="record_id")

    def measures(self, night: int, *, before: pd.DataFrame | None = None) -> pd.DataFrame:
        """What is measured on a night; `before` is what was measured on one before."""
        sent = 70
        delivered = int(sum(10 * self.tally(one) for one in range(night - 6, night + 1)))
        tallies = pd.DataFrame(
            {"message": "reminder", "stage": ["delivered", "failed"], "count": [delivered, sent - delivered]}
        )
        return measure_project(
            self.export(night),
            study=self.study,
            dictionary=self.dictionary,
            grid=self.grid,
            today=day_of(night),
            tallies=tallies,
            history=before,
        )


def day_of(night: int) -> date:
    return START + timedelta(days=night)


def at(measures: pd.DataFrame, night: int) -> pd.DataFrame:
    """Measures as the store gives them back."""
    stamp = pd.Timestamp(datetime.combine(day_of(night), time(4), tzinfo=UTC))
    told = measures.copy()
    told.insert(0, "at", stamp)
    return told


def make_history(seed: int, shape: Shape = Shape()) -> History:
    """A project without faults: weekdays, sites of different size, growth, seasons, missing data, late entry."""
    rng = np.random.default_rng(seed)
    dictionary, grid = make_dictionary(shape.numbers, shape.codes), make_grid(shape.events, shape.repeats)
    people = _people(rng, shape)
    parts = [_visit(rng, people, shape, event=name, offset=offset) for name, offset in _visits(grid)]
    if shape.repeats:
        parts.append(_log(rng, people, grid))
    rows = pd.concat(parts, ignore_index=True)
    columns = [*["record_id"], *KEY_NAMES, *dictionary.by_column]
    rows = rows.reindex(columns=list(dict.fromkeys([*columns, *rows.columns])), fill_value="").fillna("")
    texts = [name for name in rows if not name.startswith("_")]
    rows = rows.astype(dict.fromkeys(texts, "str")).assign(_gone=10**6)
    if not shape.sites:
        rows = rows.drop(columns="redcap_data_access_group")
    return History(shape, dictionary, grid, rows.drop(columns=["_person"]))


def _visits(grid: EventGrid) -> list[tuple[str, int]]:
    return [(name, number * 20) for number, name in enumerate(grid.names)]


def _people(rng: np.random.Generator, shape: Shape) -> pd.DataFrame:
    sites = max(shape.sites, 1)
    sizes = rng.lognormal(0, 0.7, sites)
    days = np.arange(LAST_NIGHT + 1)
    season = 1 + 0.3 * np.sin(days / 40)
    workday = np.array([day_of(int(day)).weekday() < 5 for day in days])
    rates = np.outer(season * workday, shape.pace * sizes / sizes.sum())
    counts = rng.poisson(rates)
    if shape.at_once:
        counts[0], counts[1:] = rng.poisson(rates.sum(axis=0)), 0
    days_of, sites_of = np.nonzero(counts)
    times = counts[days_of, sites_of]
    frame = pd.DataFrame({"_day": np.repeat(days_of, times), "_site": np.repeat(sites_of, times)})
    frame["_person"] = rng.normal(size=len(frame))
    order = frame.groupby("_site").cumcount() + 1
    numbers = pd.Series(np.arange(1, len(frame) + 1))
    frame["record_id"] = (
        (frame["_site"] + 1).astype(str) + "-" + order.astype(str) if shape.by_site else numbers.astype(str)
    )
    frame["redcap_data_access_group"] = "site_" + (frame["_site"] + 1).astype(str)
    return frame


def _visit(
    rng: np.random.Generator, people: pd.DataFrame, shape: Shape, *, event: str, offset: int
) -> pd.DataFrame:
    came = people if offset == 0 else people[rng.random(len(people)) > 0.1]
    day = came["_day"].to_numpy() + (_after(rng, len(came), shape, offset=offset) if offset else 0)
    entered = _workday(day + rng.geometric(0.6, len(came)) - 1)
    cells: dict[str, object] = {
        "record_id": came["record_id"],
        "redcap_data_access_group": came["redcap_data_access_group"],
        KEY_NAMES[0]: event,
        "visit_date": [_text(one) for one in day],
        "visit_complete": "2",
    }
    site = came["_site"].to_numpy()
    for number in range(shape.numbers):
        cells[f"number_{number}"] = _numbers(rng, came, number, offset=offset, day=day)
    for number in range(shape.codes):
        shares = np.sort(rng.dirichlet([6, 5, 2]))[::-1] if number else np.array([0.5, 0.45, 0.05])
        picked = rng.choice(["1", "2", "3"], len(came), p=shares)
        cells[f"code_{number}"] = np.where(rng.random(len(came)) < 0.04, "", picked)
    for code in ("1", "2"):
        cells[f"ticks___{code}"] = rng.choice(["0", "1"], len(came), p=[0.7, 0.3])
    cells["remark"] = np.where(rng.random(len(came)) < 0.1, "as told", "")
    if offset == 0:
        cells |= _enrolment(rng, came, day)
    frame = pd.DataFrame(cells).assign(_site=site, _person=came["_person"], _entered=entered)
    late = rng.random(len(frame)) < 0.1
    return frame.assign(_done=np.where(late, 10**6, entered + rng.geometric(0.5, len(frame)) - 1)).drop(
        columns="_site"
    )


def _after(rng: np.random.Generator, count: int, shape: Shape, *, offset: int) -> np.ndarray:
    if shape.at_once:
        return rng.integers(5, LAST_NIGHT + 30, count)
    return offset + np.rint(rng.normal(0, 2, count))


def _enrolment(rng: np.random.Generator, came: pd.DataFrame, day: np.ndarray) -> dict[str, object]:
    phones = 5_035_550_000 + rng.permutation(9_000_000)[: len(came)]
    born = [_text(one) for one in -rng.integers(7000, 25000, len(came))]
    mails = "p" + came["record_id"] + "@example.org"
    return {
        "enrolled": [_text(one) for one in day],
        "born": born,
        "phone": np.where(rng.random(len(came)) < 0.06, "", phones.astype(str)),
        "mail": np.where(rng.random(len(came)) < 0.2, "", mails),
        "enrol_complete": "2",
    }


def _numbers(
    rng: np.random.Generator, came: pd.DataFrame, number: int, *, offset: int, day: np.ndarray
) -> np.ndarray:
    """Weight-like, count-like, skewed and fine-grained numbers, with people, sites, visits and seasons in it."""
    sites = np.random.default_rng(number).normal(0, 0.25, 64)[came["_site"].to_numpy()]
    level = 0.6 * came["_person"].to_numpy() + sites + 0.01 * offset + 0.15 * np.sin(day / 30)
    scale = level + 0.8 * rng.normal(size=len(came))
    kinds = [
        np.round(75 + 12 * scale, 1),
        rng.poisson(np.exp(np.clip(0.3 * scale, -2, 2))),
        np.round(np.exp(0.8 * scale), 2),
        np.rint(170 + 9 * scale),
    ]
    texts = np.array([f"{value:g}" for value in kinds[number % len(kinds)]], dtype=object)
    slips = rng.random(len(came)) < 0.002
    texts[slips] = "1700"
    texts[rng.random(len(came)) < 0.05] = ""
    return texts


def _log(rng: np.random.Generator, people: pd.DataFrame, grid: EventGrid) -> pd.DataFrame:
    """Calls to each participant, as instances of a repeating form on the first event."""
    times = rng.poisson(2.0, len(people))
    came = people.loc[np.repeat(people.index.to_numpy(), times)]
    instance = came.groupby("record_id").cumcount() + 1
    day = came["_day"].to_numpy() + instance.to_numpy() * 9 + rng.integers(0, 4, len(came))
    entered = _workday(day)
    return pd.DataFrame(
        {
            "record_id": came["record_id"],
            "redcap_data_access_group": came["redcap_data_access_group"],
            KEY_NAMES[0]: grid.names[0],
            KEY_NAMES[1]: LOG,
            KEY_NAMES[2]: instance.astype(str),
            "called": [_text(one) for one in day],
            "minutes": np.rint(rng.gamma(4, 3, len(came))).astype(int).astype(str),
            "outcome": rng.choice(["1", "2", "3"], len(came), p=[0.6, 0.3, 0.1]),
            "calls_complete": "2",
            "_person": 0.0,
            "_entered": entered,
            "_done": entered,
        }
    )


def _workday(day: np.ndarray) -> np.ndarray:
    whole = np.asarray(day, dtype="int64")
    weekday = (whole + START.weekday()) % 7
    return whole + np.where(weekday >= 5, 7 - weekday, 0)


def _text(day: float) -> str:
    return (START + timedelta(days=int(day))).isoformat()
