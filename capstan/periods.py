"""Calendar dates, as text and as arrays, and periods such as `6 months` or `-14d` that move them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

Dates = npt.NDArray[np.datetime64]

_UNITS = {
    "years": ("y", "yr", "yrs", "year", "years"),
    "months": ("mo", "month", "months"),
    "weeks": ("w", "wk", "wks", "week", "weeks"),
    "days": ("d", "day", "days"),
}
_UNIT_OF = {spelling: unit for unit, spellings in _UNITS.items() for spelling in spellings}
_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FIRST_YEAR, _LAST_YEAR = 1900, 2199
# [0-9], because \d would let other scripts' digits pass.
_PART = re.compile(r"([+-]?)\s*([0-9]{1,4})\s*([a-z]+)(?:\s*,)?\s*")


@dataclass(frozen=True)
class Period:
    """A span of the calendar; years and months are counted before weeks and days."""

    years: int = 0
    months: int = 0
    weeks: int = 0
    days: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `6 months`, `-14d`, `1 year 2 weeks`; a sign holds until the next sign.

        Raises ValueError that says how to write it. There is no `m`: it could be minutes.
        """
        amounts = dict.fromkeys(_UNITS, 0)
        sign, position, rest = 1, 0, text.strip().lower()
        while found := _PART.match(rest, position):
            unit = _UNIT_OF.get(found[3])
            if unit is None:
                break
            sign = {"+": 1, "-": -1}.get(found[1], sign)
            amounts[unit] += sign * int(found[2])
            position = found.end()
        if not rest or position < len(rest):
            raise ValueError('is not a period; write it as "6 months" or "-14d" (years, months, weeks, days)')
        return cls(**amounts)

    def __str__(self) -> str:
        """Write the period so that `parse` reads it back."""
        parts: list[str] = []
        sign = 1
        for unit in _UNITS:
            amount: int = getattr(self, unit)
            if not amount:
                continue
            turned = (amount < 0) != (sign < 0)
            sign = -1 if amount < 0 else 1
            mark = ("-" if sign < 0 else "+") if turned else ""
            parts.append(f"{mark}{abs(amount)} {unit if abs(amount) != 1 else unit[:-1]}")
        return " ".join(parts) or "0 days"

    def shift(self, dates: npt.ArrayLike) -> Dates:
        """Move dates (datetime64, NaT stays NaT) by the period; the result is datetime64[D].

        A day that the reached month lacks becomes that month's last: August 31 and 6 months give the
        end of February.
        """
        day = np.asarray(dates).astype("datetime64[D]")
        months = 12 * self.years + self.months
        if months:
            day = _shift_months(day, months=months)
        moved: Dates = np.add(day, np.timedelta64(7 * self.weeks + self.days, "D"))
        return moved


def _shift_months(day: Dates, *, months: int) -> Dates:
    month = day.astype("datetime64[M]")
    reached_month = month + np.timedelta64(months, "M")
    first = reached_month.astype("datetime64[D]")
    last = (reached_month + np.timedelta64(1, "M")).astype("datetime64[D]") - np.timedelta64(1, "D")
    reached: Dates = np.minimum(first + (day - month.astype("datetime64[D]")), last)
    return reached


def read_dates(texts: pd.Series[str]) -> Dates:
    """Read ISO dates, or the days of ISO datetimes, as datetime64[D]; anything else is NaT.

    Years outside 1900 to 2199 are placeholders (1111-11-11, 9999-12-31): no due date follows from them.
    """
    codes, distinct = pd.factorize(texts)
    return np.array([_read_date(str(text)) for text in distinct], dtype="datetime64[D]")[codes]


def _read_date(text: str) -> np.datetime64:
    day = re.split("[ T]", text, maxsplit=1)[0]
    try:
        read = date.fromisoformat(day) if _ISO_DAY.fullmatch(day) else None
    except ValueError:
        read = None
    return np.datetime64(read if read and _FIRST_YEAR <= read.year <= _LAST_YEAR else "NaT", "D")


def write_dates(dates: Dates) -> npt.NDArray[np.object_]:
    """Write datetime64[D] as ISO text; NaT is ""."""
    # Days repeat, and NumPy writes each one slowly.
    distinct, codes = np.unique(dates, return_inverse=True)
    texts = np.datetime_as_string(distinct, unit="D").astype(object)
    return np.where(np.isnat(distinct), "", texts)[codes]


_DURATION_UNITS = {
    "minutes": ("min", "minute", "minutes"),
    "hours": ("h", "hour", "hours"),
    "days": ("d", "day", "days"),
    "weeks": ("w", "week", "weeks"),
}
_IN_MINUTES = ((1440, "day"), (60, "hour"), (1, "minute"))
_DURATION_UNIT_OF = {word: unit for unit, words in _DURATION_UNITS.items() for word in words}
_DURATION = re.compile(r"([0-9]{1,5})\s*([a-z]+)")


def parse_duration(text: str) -> timedelta:
    """Read `36 hours`, `3 days`, `90 min`, `2 weeks`: a length of time, not of the calendar.

    Raises ValueError that says how to write it.
    """
    found = _DURATION.fullmatch(text.strip().lower())
    unit = _DURATION_UNIT_OF.get(found[2]) if found else None
    if found is None or unit is None:
        raise ValueError(
            'is not a length of time; write it as "36 hours" or "3 days" (minutes, hours, days, weeks)'
        )
    return timedelta(**{unit: int(found[1])})


def write_duration(length: timedelta) -> str:
    """Write a length of time so that `parse_duration` reads it back; whole minutes."""
    minutes = length // timedelta(minutes=1)
    size, unit = next(
        (size, unit) for size, unit in _IN_MINUTES if (minutes and minutes % size == 0) or size == 1
    )
    return f"{minutes // size} {unit}{'' if minutes == size else 's'}"
