"""Our timetable starts flows at the moments at which Prefect's scheduler does, also when clocks change."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from prefect.server.schemas.schedules import CronSchedule, IntervalSchedule

from capstan.timetable.cron import Cron
from capstan.timetable.starts import ANCHOR, Schedule

CRONS = (
    "30 2 * * *",
    "*/15 * * * *",
    "*/15 5-22 * * 1-5",
    "0 0,4 * * *",
    "30 1 * * *",
    "0 0 1 * *",
    "5 0 * * 0",
)
# Clocks that change by an hour or by half of one, in spring and autumn, at night or at midnight, or never.
ZONES = ("America/Los_Angeles", "Europe/London", "Australia/Lord_Howe", "America/Havana", "Asia/Kathmandu")
WEEKS = [datetime(2026, *day, tzinfo=UTC) for day in ((3, 5), (3, 26), (4, 2), (10, 1), (10, 22), (10, 30))]


def theirs(schedule: CronSchedule | IntervalSchedule, begin: datetime, end: datetime) -> list[datetime]:
    found = asyncio.run(schedule.get_dates(1000, begin, end))
    return sorted({datetime.fromisoformat(one.isoformat()).astimezone(UTC) for one in found if one < end})


def is_skipped(start: datetime, *, zone: str, cron: str) -> bool:
    """Whether it stands for a time that the clock does not show, which Prefect moves as its Python does."""
    wall = start.astimezone(ZoneInfo(zone))
    return wall.replace(tzinfo=None) not in Cron.parse(cron).times_on(wall.date())


@pytest.mark.parametrize("zone", ZONES)
def test_cron_starts_when_prefect_starts(zone: str) -> None:
    for cron in CRONS:
        for begin in WEEKS:
            end = begin + timedelta(days=5)

            ours = list(Schedule("", zone, cron).starts(begin, end=end))

            wanted = theirs(CronSchedule(cron=cron, timezone=zone), begin, end)
            kept = [one for one in wanted if not is_skipped(one, zone=zone, cron=cron)]
            assert [one for one in ours if not is_skipped(one, zone=zone, cron=cron)] == kept
            assert len(ours) == len(wanted)


@pytest.mark.parametrize("minutes", [1, 7, 90, 1439])
def test_intervals_start_when_prefect_starts(minutes: int) -> None:
    every, anchor = timedelta(minutes=minutes), ANCHOR + timedelta(minutes=5)
    for begin in WEEKS:
        end = begin + timedelta(hours=12)

        ours = list(Schedule("", "America/Havana", every=every, anchor=anchor).starts(begin, end=end))

        prefect = IntervalSchedule(interval=every, anchor_date=anchor, timezone="America/Havana")
        assert ours == theirs(prefect, begin, end)


def test_a_time_that_the_clock_shows_twice_starts_once() -> None:
    autumn = datetime(2026, 10, 31, 12, tzinfo=UTC)

    starts = list(
        Schedule("", "America/Los_Angeles", "30 1 * * *").starts(autumn, end=autumn + timedelta(days=1))
    )

    assert starts == [datetime(2026, 11, 1, 8, 30, tzinfo=UTC)]


def test_a_time_that_the_clock_skips_starts_too() -> None:
    spring = datetime(2026, 3, 8, 5, tzinfo=UTC)

    starts = list(
        Schedule("", "America/Los_Angeles", "30 2 * * *").starts(spring, end=spring + timedelta(days=1))
    )

    assert len(starts) == 1


def test_before_its_anchor_nothing_starts() -> None:
    schedule = Schedule("", "UTC", every=timedelta(hours=1))

    assert list(schedule.starts(ANCHOR - timedelta(days=1), end=ANCHOR + timedelta(minutes=1))) == [ANCHOR]
