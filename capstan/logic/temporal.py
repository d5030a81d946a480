"""The date functions of the logic language (redcap-api G.3)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import reduce

import numpy as np

from capstan.logic.columns import Column, Numbers, constant, map_numbers, map_truths, numbers
from capstan.logic.words import Bools, Floats

# Seconds of each unit: a year is 365.2425 days and a month 30.44.
UNITS = {"y": 31_556_952.0, "M": 2_630_016.0, "d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0}

_TIME = r"(?:[ T](?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?)?"
_ISO = re.compile(r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})" + _TIME, re.ASCII)
_WRITTEN = {
    "mdy": re.compile(r"(?P<month>\d{1,2})[-/.](?P<day>\d{1,2})[-/.](?P<year>\d{4})" + _TIME, re.ASCII),
    "dmy": re.compile(r"(?P<day>\d{1,2})[-/.](?P<month>\d{1,2})[-/.](?P<year>\d{4})" + _TIME, re.ASCII),
}
_NONE = constant("")


def difference(first: Column, second: Column, unit: Column, *options: Column, now: datetime) -> Numbers:
    """Give the unrounded time between two dates in a unit; `second - first` when signed.

    Options are REDCap's: a legacy format of dates that are not ISO, then whether the result is signed;
    the format may be left out.
    """
    written = options[0] if options else _NONE
    seconds = _seconds(second, now, written=written) - _seconds(first, now, written=written)
    size = map_numbers(lambda name: UNITS.get(name, math.nan), unit).numbers
    signed = reduce(np.logical_or, [_is_yes(option) for option in (*options, _NONE)])
    return numbers(np.where(signed, seconds, np.abs(seconds)) / size)


def _is_yes(option: Column) -> Bools:
    return map_truths(lambda text: text.lower() in ("1", "true"), option).truths


def _seconds(moment: Column, now: datetime, *, written: Column = _NONE) -> Floats:
    def count(text: str, order: str) -> float:
        read = _read(text, now, order=order)
        return math.nan if read is None else read.timestamp()

    return map_numbers(count, moment, written).numbers


def _read(text: str, now: datetime, *, order: str = "") -> datetime | None:
    if text in ("today", "now"):
        # The clock on the wall: the zone was chosen by whoever gave `now`.
        wall = now.replace(tzinfo=UTC, microsecond=0)
        return wall if text == "now" else wall.replace(hour=0, minute=0, second=0)
    pattern = _WRITTEN.get(order)
    found = _ISO.fullmatch(text) or (pattern.fullmatch(text) if pattern else None)
    if found is None:
        return None
    parts = {name: int(digits) for name, digits in found.groupdict(default="0").items()}
    try:
        return datetime(**parts, tzinfo=UTC)
    except ValueError:
        return None


def age_at(birth: Column, moment: Column, is_decimal: Column = _NONE, *, now: datetime) -> Numbers:
    """Give completed calendar years, or years of 365.2425 days when decimal; blank before birth."""
    decimal = (_seconds(moment, now) - _seconds(birth, now)) / UNITS["y"]
    later = _in_year(moment, now) < _in_year(birth, now)
    whole = year(moment, now=now).numbers - year(birth, now=now).numbers - later
    return numbers(np.where(decimal < 0, math.nan, np.where(_is_yes(is_decimal), decimal, whole)))


def _in_year(moment: Column, now: datetime) -> Floats:
    return month(moment, now=now).numbers * 100 + day(moment, now=now).numbers


def day_of_week(moment: Column, *, now: datetime) -> Numbers:
    """Give 1 for Monday to 7 for Sunday."""
    return _part(datetime.isoweekday, moment, now=now)


def year(moment: Column, *, now: datetime) -> Numbers:
    """Give the year of a date."""
    return _part(lambda read: read.year, moment, now=now)


def month(moment: Column, *, now: datetime) -> Numbers:
    """Give the month of a date, 1 to 12."""
    return _part(lambda read: read.month, moment, now=now)


def day(moment: Column, *, now: datetime) -> Numbers:
    """Give the day of the month of a date."""
    return _part(lambda read: read.day, moment, now=now)


def _part(part: Callable[[datetime], int], moment: Column, *, now: datetime) -> Numbers:
    def take(text: str) -> float:
        read = _read(text, now)
        return math.nan if read is None else part(read)

    return map_numbers(take, moment)
