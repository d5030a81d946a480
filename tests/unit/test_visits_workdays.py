"""Days off, and moving dates off them."""

from __future__ import annotations

import numpy as np
import pytest

from capstan.errors import StudyError
from capstan.study import Holidays
from capstan.workdays import days_off, move_to_workday


def free(first: int = 2026, last: int = 2026, **holidays: object) -> list[str]:
    return [str(day) for day in days_off(Holidays.model_validate(holidays), first_year=first, last_year=last)]


def test_public_holidays_of_every_year_and_listed_days_are_off() -> None:
    days = free(2026, 2027, country="US", days=["2026-12-24"])

    assert {"2026-07-04", "2027-07-04", "2026-12-24", "2026-12-25"} <= set(days)
    assert days == sorted(set(days))


def test_a_subdivision_adds_its_own_holidays() -> None:
    assert "2026-03-31" in set(free(country="US", subdivision="CA")) - set(free(country="US"))


def test_without_holidays_only_weekends_are_off() -> None:
    assert free() == []


@pytest.mark.parametrize("country", [{"country": "Atlantis"}, {"country": "US", "subdivision": "XX"}])
def test_an_unknown_country_or_subdivision_is_named(country: dict[str, str]) -> None:
    with pytest.raises(StudyError, match=r"^holidays\.country: no holidays are known for"):
        free(**country)


def test_a_day_that_is_no_day_is_named_by_its_place() -> None:
    with pytest.raises(StudyError, match=r"^holidays\.days\[1\]: .*2026-12-24"):
        free(days=["2026-01-01", "Christmas"])


@pytest.mark.parametrize(
    ("rule", "moved"),
    [("next workday", "2026-11-30"), ("previous workday", "2026-11-25"), ("nearest workday", "2026-11-25")],
)
def test_a_bridge_of_holidays_and_weekend_is_crossed(rule: str, moved: str) -> None:
    thanksgiving = np.array(["2026-11-26", "2026-11-27"], dtype="datetime64[D]")

    day = move_to_workday(
        np.array(["2026-11-27", "NaT"], dtype="datetime64[D]"), rule=rule, free=thanksgiving
    )

    assert [str(one) for one in day] == [moved, "NaT"]


def test_of_two_workdays_equally_near_the_later_is_taken() -> None:
    wednesday = np.array(["2026-11-25"], dtype="datetime64[D]")

    day = move_to_workday(wednesday, rule="nearest workday", free=wednesday)

    assert str(day[0]) == "2026-11-26"
