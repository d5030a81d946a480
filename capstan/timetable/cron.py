"""Cron: five fields that say at which minutes, hours and days something starts, and how to move them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from itertools import product
from typing import NamedTuple, Self

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_TERM = re.compile(r"(?P<first>\*|[0-9a-z]+)(-(?P<last>[0-9a-z]+))?(/(?P<step>[0-9]+))?")


class _Field(NamedTuple):
    """What a field may hold; its `names` are counted from `low`."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of the week", 0, 7, _DAYS),
)
EVERY_HOUR, EVERY_WEEKDAY = frozenset(range(24)), frozenset(range(7))
_EVERY_DAY, _EVERY_MONTH = frozenset(range(1, 32)), frozenset(range(1, 13))
_LONGEST_MONTHS = dict.fromkeys(range(1, 13), 31) | {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}


@dataclass(frozen=True)
class Cron:
    """The values of the five fields; of `weekdays` 0 is Sunday."""

    minutes: frozenset[int]
    hours: frozenset[int] = EVERY_HOUR
    days: frozenset[int] = _EVERY_DAY
    months: frozenset[int] = _EVERY_MONTH
    weekdays: frozenset[int] = EVERY_WEEKDAY

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `*/15 5-22 * * mon-fri`; raises ValueError that says what is wrong.

        What cron programs read differently is refused: a day of the month together with a day of the week.
        """
        parts = text.lower().split()
        if len(parts) != len(_FIELDS):
            raise ValueError(
                "must have the five fields of cron (minute, hour, day of the month, month, day of the week)"
            )
        read = [_values(part, field) for part, field in zip(parts, _FIELDS, strict=True)]
        minutes, hours, days, months, weekdays = read
        found = cls(minutes, hours, days, months, frozenset(day % 7 for day in weekdays))
        if found.days != _EVERY_DAY and found.weekdays != EVERY_WEEKDAY:
            raise ValueError("must not have both a day of the month and a day of the week")
        if all(min(found.days) > _LONGEST_MONTHS[month] for month in found.months):
            raise ValueError("names a day that none of its months has")
        return found

    def __str__(self) -> str:
        values = (self.minutes, self.hours, self.days, self.months, self.weekdays)
        highs = (59, 23, 31, 12, 6)
        return " ".join(
            _written(part, low=field.low, high=high)
            for part, field, high in zip(values, _FIELDS, highs, strict=True)
        )

    @property
    def is_daily(self) -> bool:
        """Whether it takes every day of every month, whatever the day of the week."""
        return self.days == _EVERY_DAY and self.months == _EVERY_MONTH

    def times_on(self, day: date) -> Iterator[datetime]:
        """The moments of a day on the clock at the wall, without a zone, in order."""
        weekday = day.isoweekday() % 7
        if day.day in self.days and day.month in self.months and weekday in self.weekdays:
            for hour, minute in product(sorted(self.hours), sorted(self.minutes)):
                yield datetime.combine(day, time(hour, minute))

    def moved(self, minutes: int) -> tuple[Cron, ...]:
        """The same times 0 to 59 minutes later; what passes an hour or midnight is a part of its own.

        Raises ValueError where a day of the month or a month would have to move.
        """
        kept = frozenset(one + minutes for one in self.minutes if one + minutes < 60)
        carried = frozenset(one + minutes - 60 for one in self.minutes if one + minutes >= 60)
        parts = [replace(self, minutes=kept)] if kept else []
        if carried:
            parts += _an_hour_later(replace(self, minutes=carried))
        whole = replace(self, minutes=kept | carried)
        return (whole,) if all(part == replace(whole, minutes=part.minutes) for part in parts) else (*parts,)


def _an_hour_later(cron: Cron) -> list[Cron]:
    same_day = frozenset(hour + 1 for hour in cron.hours if hour < 23)
    if 23 not in cron.hours:
        return [replace(cron, hours=same_day)]
    if not cron.is_daily:
        raise ValueError("cannot be moved past midnight, because it names days of the month or months")
    if cron.weekdays == EVERY_WEEKDAY:
        return [replace(cron, hours=same_day | {0})]
    next_days = frozenset((day + 1) % 7 for day in cron.weekdays)
    next_day = replace(cron, hours=frozenset({0}), weekdays=next_days)
    return [replace(cron, hours=same_day), next_day] if same_day else [next_day]


def _values(text: str, field: _Field) -> frozenset[int]:
    found: set[int] = set()
    for term in text.split(","):
        read = _TERM.fullmatch(term)
        if read is None:
            raise ValueError(f"has {term!r} as its {field.name}, which nobody can read")
        is_all, step = read["first"] == "*", int(read["step"] or 1)
        first = field.low if is_all else _value(read["first"], field)
        # 5/15 is from 5 on, as Prefect reads it.
        last = field.high if is_all or (read["step"] and not read["last"]) else first
        last = _value(read["last"], field) if read["last"] else last
        if (is_all and read["last"]) or step < 1 or last < first:
            raise ValueError(f"has {term!r} as its {field.name}, which nobody can read")
        if is_all and field.high == 7:
            last = 6
        found.update(range(first, last + 1, step))
    return frozenset(found)


def _value(text: str, field: _Field) -> int:
    if text in field.names:
        return field.names.index(text) + field.low
    value = int(text) if text.isdecimal() and len(text) < 3 else -1
    if not field.low <= value <= field.high:
        raise ValueError(f"has {text!r} as its {field.name}, which is from {field.low} to {field.high}")
    return value


def _written(values: frozenset[int], *, low: int, high: int) -> str:
    """The shortest way to write the values of a field."""
    ordered = sorted(values)
    if len(ordered) == high - low + 1:
        return "*"
    step = ordered[1] - ordered[0] if len(ordered) > 2 else 0
    if not step or ordered != list(range(ordered[0], ordered[-1] + 1, step)):
        return ",".join(map(str, ordered))
    to_the_end = ordered[-1] + step > high
    span = "*" if ordered[0] == low and to_the_end and step > 1 else f"{ordered[0]}-{ordered[-1]}"
    return span if step == 1 else f"{span}/{step}"
