"""Visits due as events of calendars: what each says, how it is named, and where it stands."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from capstan.visits import VISIT_COLUMNS
from checks.overview.visits_due import NO_SITE, SITE, WHOLE, Due, SiteCalendar, days_due, visits_due

SITES = {"1": "seattle", "2": "", "3": "seattle"}
NAMES = {"1": "kqrt-mbxw-hjzp", "2": "bbbb-cccc-dddd", "3": "ffff-gggg-hhhh"}


def visits(*rows: tuple[str, ...]) -> pd.DataFrame:
    """Rows of record, visit, due and status, with a window of three days."""
    told = [(record, visit, "e", due, due, f"{due[:-1]}9", status) for record, visit, due, status in rows]
    return pd.DataFrame(told, columns=list(VISIT_COLUMNS), dtype="str")


def test_a_visit_is_an_event_on_its_day_for_all_and_for_its_site() -> None:
    (due,) = visits_due(visits(("1", "6 month", "2026-12-01", "upcoming")), sites=SITES, names=NAMES)

    assert (due.day, due.summary) == (date(2026, 12, 1), "6 month due: kqrt-mbxw-hjzp")
    assert due.description == "Window: 2026-12-01 to 2026-12-09."
    assert due.calendars == (SiteCalendar(WHOLE), SiteCalendar(SITE, "seattle"))


def test_a_participant_without_a_site_stands_in_a_calendar_of_such() -> None:
    (due,) = visits_due(visits(("2", "6 month", "2026-12-01", "due")), sites=SITES, names=NAMES)

    assert due.calendars == (SiteCalendar(WHOLE), SiteCalendar(NO_SITE))


def test_a_site_that_is_called_like_the_calendar_of_no_site_is_another_calendar() -> None:
    assert SiteCalendar(SITE, NO_SITE) != SiteCalendar(NO_SITE)


@pytest.mark.parametrize("status", ["complete", "missed", "not scheduled"])
def test_what_is_over_or_not_scheduled_is_no_event(status: str) -> None:
    given = visits(("1", "6 month", "2026-12-01", status))

    assert not list(visits_due(given, sites=SITES, names=NAMES))
    assert not list(days_due(given, sites=SITES))


def test_an_overdue_visit_says_so_on_its_day() -> None:
    (due,) = visits_due(visits(("1", "6 month", "2026-12-01", "overdue")), sites=SITES, names=NAMES)

    assert due.description.endswith("It is overdue.")


def test_a_visit_that_moves_keeps_its_name_and_others_have_others() -> None:
    days = ("2026-12-01", "2026-12-02")
    moved = [next(visits_due(visits(("1", "a", day, "due")), sites=SITES, names=NAMES)).key for day in days]
    others = visits(
        ("1", "a", days[0], "due"),
        ("1", "a", days[1], "due"),
        ("1", "b", days[0], "due"),
        ("2", "a", days[0], "due"),
    )

    assert moved[0] == moved[1]
    assert len({due.key for due in visits_due(others, sites=SITES, names=NAMES)}) == 4


def test_a_day_has_one_event_with_counts_by_visit() -> None:
    rows = [(record, "6 month", "2026-12-01", "due") for record in NAMES]
    found = list(days_due(visits(*rows, ("1", "a, b", "2026-12-01", "upcoming")), sites=SITES))

    by_calendar = {due.calendars: (due.summary, due.description) for due in found}
    assert by_calendar == {
        (SiteCalendar(WHOLE),): ("4 visits due", "6 month: 3\na, b: 1"),
        (SiteCalendar(SITE, "seattle"),): ("3 visits due", "6 month: 2\na, b: 1"),
        (SiteCalendar(NO_SITE),): ("1 visit due", "6 month: 1"),
    }
    assert len({due.key for due in found}) == 3


def test_a_due_date_that_no_calendar_has_is_left_out() -> None:
    given = visits(("1", "a", "10000-01-01", "upcoming"), ("1", "a", "9999-12-31", "upcoming"))

    assert not list(visits_due(given, sites=SITES, names=NAMES))


def test_no_visits_are_no_events() -> None:
    found: list[Due] = [*visits_due(visits(), sites={}, names={}), *days_due(visits(), sites={})]

    assert found == []
