"""Silence: a site that stops is told, a site that is only slow is not."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from capstan.quality.measures import Measure, typed
from checks.quality.silence import ask_silence

START = date(2026, 1, 5)
_CHANCE_OF_A_DAY = {"big": 0.99, "middling": 0.7, "small": 0.25}


def _night(cells: dict[str, float], night: int) -> pd.DataFrame:
    whole = {"": sum(cells.values()), **cells}
    rows = [
        Measure("rows", "visit", "", "", site, value / 10, int(value / 10)) for site, value in whole.items()
    ]
    frame = typed(
        [*rows, *(Measure("cells", "", "", "", site, value, int(value)) for site, value in whole.items())]
    )
    frame.insert(0, "at", pd.Timestamp(START + timedelta(days=night), tz="UTC"))
    return frame


def _silent(seed: int, *, nights: int, stopped: str = "", since: int = 10**6, each: int = 1) -> set[str]:
    """The sites that are told to be silent on a night, of three that enter on workdays."""
    rng = np.random.default_rng(seed)
    cells = dict.fromkeys(_CHANCE_OF_A_DAY, 100.0)
    seen = []
    for night in range(nights):
        is_workday = (START + timedelta(days=night)).weekday() < 5
        for site, chance in _CHANCE_OF_A_DAY.items():
            is_stopped = site == stopped and night >= since
            cells[site] += 10 * (is_workday and not is_stopped and rng.random() < chance)
        if (nights - 1 - night) % each == 0:
            seen.append(_night(cells, night))
    today = START + timedelta(days=nights - 1)
    asked = ask_silence(pd.concat(seen[:-1]), seen[-1].drop(columns="at"), today=today, limit=None)
    return {one.site for one, told in asked if told and not one.allows(told.value)}


@pytest.mark.parametrize("seed", range(15))
def test_sites_that_enter_now_and_then_are_not_silent(seed: int) -> None:
    assert _silent(seed, nights=60) == set()


@pytest.mark.parametrize(("site", "days"), [("big", 16), ("middling", 24)])
def test_a_site_that_stops_is_silent_after_some_days(site: str, days: int) -> None:
    assert _silent(1, nights=60 + days, stopped=site, since=60) == {site}


def test_a_site_that_stopped_yesterday_is_not_silent_yet() -> None:
    assert _silent(1, nights=62, stopped="big", since=60) == set()


@pytest.mark.parametrize("each", [2, 3, 7, 14])
def test_silence_is_counted_in_days_however_far_apart_the_looks_are(each: int) -> None:
    assert _silent(1, nights=60 + 15 + each, stopped="big", since=60, each=each) == {"big"}


@pytest.mark.parametrize("each", [3, 7, 14])
def test_looks_far_apart_raise_nothing_of_sites_that_enter(each: int) -> None:
    assert _silent(2, nights=60, each=each) == set()
