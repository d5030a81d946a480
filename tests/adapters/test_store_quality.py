"""Measures and outcomes in the store: one look a day counts, and staff hear once of what begins to fail."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import func, select
from store_cases import NOW, open_store

from capstan.notice import Cause, Happening
from capstan.store import Store, load_keys
from capstan.store.panels import keep_panels, read_panels
from capstan.store.quality_history import (
    MEASURE_COLUMNS,
    MEASURES_KEPT,
    Judged,
    Result,
    Thinned,
    keep_measures,
    keep_outcomes,
    last_project,
    list_outcomes,
    read_measures,
    read_outcomes,
)
from capstan.store.reply_tables import NOTICE
from capstan.store.seen_places import Project

PROJECT = Project("demo", "redcap.test/14")
DAY = timedelta(days=1)
PASSED, FAILED, WAITING = Result.PASSED, Result.FAILED, Result.WAITING


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """SQLite; one test is for PostgreSQL too."""
    with open_store(tmp_path) as opened:
        yield opened


def measured(value: float) -> pd.DataFrame:
    rows = [
        ("rows", "exam", "", "6_month", "Zoë's <b>", value, 20),
        ("rows", "", "", "", "", float("nan"), 0),
    ]
    return pd.DataFrame(rows, columns=list(MEASURE_COLUMNS))


def measured_of(name: str, value: float) -> pd.DataFrame:
    return pd.DataFrame([(name, "exam", "", "", "", value, 20)], columns=list(MEASURE_COLUMNS))


def measure(store: Store, value: float, *, at: datetime = NOW) -> None:
    keep_measures(store, PROJECT, measures=measured(value), day=at.date(), now=at)


def judge(store: Store, result: Result, *, at: datetime = NOW, name: str = "silence") -> tuple[str, ...]:
    judged = [Judged(name, "volume", "critical", ("exam", "", "", "north"), result, 3.5)]
    news = {name: Happening(Cause.QUALITY, f"{name} {result}", at)}
    return keep_outcomes(store, PROJECT.room, PROJECT, judged=judged, news=news, day=at.date(), now=at)


def test_two_looks_a_day_count_once_and_the_later_one_stays(url: str, tmp_path: Path) -> None:
    with Store.open(url, load_keys(None, home=tmp_path)) as store:
        measure(store, 1)
        measure(store, 2, at=NOW + timedelta(hours=1))
        measure(store, 3, at=NOW - timedelta(hours=1))
        told = [judge(store, result) for result in (FAILED, FAILED, PASSED)]
        keep_panels(store, "demo", panels={"runs": "[1]"}, now=NOW)
        history = read_measures(store, PROJECT)
        outcomes = read_outcomes(store, PROJECT)

    assert told == [("silence",), (), ("silence",)]
    assert [one.result for one in outcomes] == [PASSED]
    assert history["value"].dropna().tolist() == [2]
    assert list(history.columns) == ["at", *MEASURE_COLUMNS]
    assert set(history["at"]) == {pd.Timestamp(NOW + timedelta(hours=1))}


def test_the_history_is_of_one_project_from_a_time_and_before_a_day(store: Store) -> None:
    for days in range(4):
        measure(store, days, at=NOW + days * DAY)
    other = Project("demo", "redcap.test/15")

    asked = read_measures(store, PROJECT, since=NOW + DAY, before=(NOW + 3 * DAY).date())
    nothing = read_measures(store, other)
    assert asked["value"].dropna().tolist() == [1, 2]
    assert (len(nothing), nothing.dtypes.tolist()) == (0, asked.dtypes.tolist())
    assert (last_project(store, "demo"), last_project(store, "other")) == (PROJECT, None)


def test_of_a_thinned_history_some_days_are_whole_and_others_have_some_measures_only(store: Store) -> None:
    for days in range(3):
        measured = pd.concat([measured_of("rows", days), measured_of("mean", days)])
        keep_measures(store, PROJECT, measures=measured, day=(NOW + days * DAY).date(), now=NOW + days * DAY)

    thinned = Thinned(lambda days: days[1:2], {"rows"})
    history = read_measures(store, PROJECT, thinned=thinned)

    assert list(zip(history["measure"], history["value"], strict=True)) == [
        ("rows", 0),
        ("rows", 1),
        ("mean", 1),
        ("rows", 2),
    ]


def test_what_is_too_old_goes(store: Store) -> None:
    measure(store, 1)
    judge(store, FAILED)
    measure(store, 2, at=NOW + MEASURES_KEPT + DAY)
    judge(store, FAILED, at=NOW + MEASURES_KEPT + DAY)

    assert read_measures(store, PROJECT)["value"].dropna().tolist() == [2]
    assert list_outcomes(store, PROJECT)["expectations"].tolist() == [1]


def test_an_expectation_says_since_when_it_is_as_it_is(store: Store) -> None:
    for days, result in enumerate((PASSED, FAILED, FAILED)):
        judge(store, result, at=NOW + days * DAY)
    (one,) = read_outcomes(store, PROJECT)

    assert (one.result, one.since, one.at, one.site) == (FAILED, NOW + DAY, NOW + 2 * DAY, "north")
    assert list_outcomes(store, PROJECT)["result"].tolist() == ["passed", "failed", "failed"]


@pytest.mark.parametrize(
    ("results", "told"),
    [
        ((PASSED, PASSED), [False, False]),
        ((FAILED, FAILED, FAILED), [True, False, False]),
        ((PASSED, FAILED, PASSED, PASSED), [False, True, True, False]),
        ((FAILED, WAITING, FAILED), [True, False, False]),
        ((FAILED, Result.RAISED, PASSED), [True, False, True]),
        ((WAITING, PASSED), [False, False]),
    ],
)
def test_staff_hear_once_that_it_begins_and_once_that_it_ends(
    store: Store, results: tuple[Result, ...], told: list[bool]
) -> None:
    heard = [bool(judge(store, result, at=NOW + days * DAY)) for days, result in enumerate(results)]
    with store.read() as connection:
        notices = connection.execute(select(func.count()).select_from(NOTICE)).scalar()

    assert heard == told
    assert notices == sum(told)


def test_a_second_look_of_the_same_day_tells_nobody_again(store: Store) -> None:
    first = judge(store, FAILED)
    second = judge(store, FAILED, at=NOW + timedelta(hours=2))

    assert (first, second) == (("silence",), ())
    assert len(read_outcomes(store, PROJECT)) == 1


def test_a_panel_says_whether_it_shows_something_new(store: Store) -> None:
    first = keep_panels(store, "demo", panels={"runs": "[1]", "visits": "[]"}, now=NOW)
    second = keep_panels(store, "demo", panels={"runs": "[1]", "visits": "[2]"}, now=NOW + DAY)

    assert (first, second) == ({"runs", "visits"}, {"visits"})
    assert {name: panel.content for name, panel in read_panels(store, "demo").items()} == {
        "runs": "[1]",
        "visits": "[2]",
    }
    assert read_panels(store, "other") == {}
