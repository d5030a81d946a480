"""Cron: what is read, what is refused, how times move and how people say them."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capstan.timetable.cron import Cron
from capstan.timetable.starts import Schedule
from capstan.timetable.words import say

MONDAY = date(2026, 6, 1)


def times(*crons: Cron, first: date = MONDAY, days: int = 8) -> set[datetime]:
    return {time for cron in crons for day in range(days) for time in cron.times_on(first + timedelta(day))}


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("*/15 5-22 * * MON-FRI", "*/15 5-22 * * 1-5"),
        ("0 6,9,12,15,18,21 * * 0,6", "0 6-21/3 * * 0,6"),
        ("3-58/5 * * * *", "3-58/5 * * * *"),
        ("5/20 0 * * 7", "5-45/20 0 * * 0"),
        ("0 0 1,15 jan,jul *", "0 0 1,15 1,7 *"),
        ("59 23 29 2 *", "59 23 29 2 *"),
        ("* * * * 0-7", "* * * * *"),
    ],
)
def test_cron_is_written_as_short_as_it_means(text: str, written: str) -> None:
    cron = Cron.parse(text)

    assert str(cron) == written
    assert Cron.parse(written) == cron


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("* * * *", "five fields"),
        ("0 0 0 * * *", "five fields"),
        ("60 * * * *", "minute, which is from 0 to 59"),
        ("0 24 * * *", "hour, which is from 0 to 23"),
        ("0 0 0 * *", "day of the month, which is from 1 to 31"),
        ("0 0 * 13 *", "month, which is from 1 to 12"),
        ("0 0 * * 8", "day of the week, which is from 0 to 7"),
        ("0 0 * * monday", "day of the week"),
        ("*/0 * * * *", "nobody can read"),
        ("*-5 * * * *", "nobody can read"),
        ("9-5 * * * *", "nobody can read"),
        ("1,,2 * * * *", "nobody can read"),
        ("-1 * * * *", "nobody can read"),
        ("٣ * * * *", "nobody can read"),
        ("0 0 L * *", "day of the month"),
        ("0 0 13 * 5", "must not have both"),
        ("0 0 30 2 *", "a day that none of its months has"),
        ("@daily", "five fields"),
    ],
)
def test_what_cannot_be_read_or_never_comes_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Cron.parse(text)


def sets(low: int, high: int) -> st.SearchStrategy[frozenset[int]]:
    return st.frozensets(st.integers(low, high), min_size=1)


@given(sets(0, 59), sets(0, 23), sets(0, 6), st.integers(0, 59))
def test_moved_times_are_all_later_by_as_much(
    minutes: frozenset[int], hours: frozenset[int], weekdays: frozenset[int], shift: int
) -> None:
    cron = Cron(minutes, hours, weekdays=weekdays)
    week = [MONDAY + timedelta(day) for day in range(1, 8)]

    moved = times(*cron.moved(shift), days=9)

    wanted = {time + timedelta(minutes=shift) for time in times(cron, days=9)}
    assert {time for time in moved if time.date() in week} == {time for time in wanted if time.date() in week}
    assert [Cron.parse(str(part)) for part in cron.moved(shift)] == list(cron.moved(shift))


@pytest.mark.parametrize(
    ("text", "minutes", "moved"),
    [
        ("0 0,4 * * *", 5, ["5 0,4 * * *"]),
        ("*/5 * * * *", 5, ["*/5 * * * *"]),
        ("25,55 5-22 * * *", 5, ["30 5-22 * * *", "0 6-23 * * *"]),
        ("55 23 * * fri", 10, ["5 0 * * 6"]),
        ("0 3 1 * *", 59, ["59 3 1 * *"]),
    ],
)
def test_moved_times_take_few_lines(text: str, minutes: int, moved: list[str]) -> None:
    assert [str(part) for part in Cron.parse(text).moved(minutes)] == moved


def test_the_last_hour_of_a_month_is_not_moved_into_the_next() -> None:
    with pytest.raises(ValueError, match="past midnight"):
        Cron.parse("58 23 1 * *").moved(5)


@pytest.mark.parametrize(
    ("cron", "said"),
    [
        ("*/15 5-22 * * 1-5", "every 15 minutes from 05:00 to 22:45, Monday to Friday"),
        ("0 0,4 * * *", "00:00, 04:00"),
        ("0 6,9,12,15,18,21 * * 0,6", "06:00, 09:00, 12:00, 15:00, 18:00, 21:00, Saturday, Sunday"),
        ("12 * * * *", "every hour, from minute 12"),
        ("0 */6 * * *", "every 6 hours"),
        ("* * * * *", "every minute"),
        ("10,40 9-19 * * *", "every 30 minutes from 09:10 to 19:40"),
        ("1,2,30 1-5 * * sun", "at minutes 01, 02, 30 of the hours 01 to 05, Sunday"),
        ("0 3 1,15 1-3 *", "03:00, on day 1, 15, in January to March"),
        ("50 13 * * *", "13:50"),
    ],
)
def test_cron_is_said_in_words(cron: str, said: str) -> None:
    assert say(Schedule("", "UTC", cron)) == said


@pytest.mark.parametrize(
    ("every", "said"), [(timedelta(minutes=10), "every 10 minutes"), (timedelta(hours=1), "every hour")]
)
def test_an_interval_is_said_in_words(every: timedelta, said: str) -> None:
    assert say(Schedule("", "UTC", every=every)) == said
