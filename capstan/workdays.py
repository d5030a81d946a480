"""Which days are no workdays, and moving dates off them."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from capstan.errors import StudyError
from capstan.periods import Dates

if TYPE_CHECKING:
    from capstan.study import Holidays


def days_off(free: Holidays, *, first_year: int, last_year: int) -> Dates:
    """List the study's holidays from `first_year` to `last_year` as sorted datetime64[D]; no weekends.

    Raises StudyError where the country, the subdivision or a listed day is not known.
    """
    listed = [_listed_day(day, place=f"holidays.days[{place}]") for place, day in enumerate(free.days)]
    public = _public_holidays(free, first_year=first_year, last_year=last_year) if free.country else []
    return np.array(sorted({*listed, *public}), dtype="datetime64[D]")


def move_to_workday(dates: Dates, *, rule: str, free: Dates) -> Dates:
    """Move dates that are on a Saturday, a Sunday or a day of `free`, as `Visit.move` says; NaT stays.

    Of two workdays equally near, the nearest is the later: a visit that comes late can still be moved.
    """
    after = np.busday_offset(dates, 0, roll="forward", holidays=free)
    before = np.busday_offset(dates, 0, roll="backward", holidays=free)
    nearest = np.where(dates - before < after - dates, before, after)
    moved = {"next workday": after, "previous workday": before, "nearest workday": nearest}
    return np.asarray(moved.get(rule, dates), dtype="datetime64[D]")


def _listed_day(text: object, *, place: str) -> date:
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        raise StudyError(f'{place}: is not a day; write it as "2026-12-24".') from None


def _public_holidays(free: Holidays, *, first_year: int, last_year: int) -> list[date]:
    import holidays

    years = range(first_year, last_year + 1)
    try:
        found = holidays.country_holidays(free.country, subdiv=free.subdivision or None, years=years)
    except NotImplementedError:
        named = f"{free.country} {free.subdivision}".strip()
        raise StudyError(
            f"holidays.country: no holidays are known for {named}; write codes such as US and CA, "
            "or list the days under holidays.days."
        ) from None
    return list(found)
