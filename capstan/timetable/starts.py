"""Starts: at which moments a schedule starts its flow, as Prefect counts them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from capstan.timetable.cron import Cron

if TYPE_CHECKING:
    from collections.abc import Mapping

ANCHOR = datetime(2020, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Schedule:
    """One schedule of a deployment: `cron` on the clock of `timezone`, or `every` so often since `anchor`."""

    slug: str
    timezone: str
    cron: str = ""
    every: timedelta | None = None
    anchor: datetime = ANCHOR
    parameters: Mapping[str, object] = field(default_factory=dict)

    def starts(self, begin: datetime, *, end: datetime) -> Iterator[datetime]:
        """Every start from `begin` to before `end`, in UTC and in order."""
        found = _by_interval(self.every, self.anchor, begin) if self.every else self._by_cron(begin, end)
        for start in found:
            if start >= end:
                return
            yield start

    def _by_cron(self, begin: datetime, end: datetime) -> Iterator[datetime]:
        zone, cron = ZoneInfo(self.timezone), Cron.parse(self.cron)
        day, last = begin.astimezone(zone).date() - _DAY, begin - timedelta(microseconds=1)
        while day <= end.astimezone(zone).date():
            for start in sorted({_instant(time, zone) for time in cron.times_on(day)}):
                if start > last:
                    yield start
                    last = start
            day += _DAY


def _instant(time: datetime, zone: ZoneInfo) -> datetime:
    """When a clock at the wall shows a time: the first of two, an hour early for one that is skipped."""
    instant = time.replace(tzinfo=zone).astimezone(UTC)
    is_skipped = instant.astimezone(zone).replace(tzinfo=None) != time
    return time.replace(tzinfo=zone, fold=1).astimezone(UTC) if is_skipped else instant


def _by_interval(every: timedelta, anchor: datetime, begin: datetime) -> Iterator[datetime]:
    start = anchor + max(0, ceil((begin - anchor) / every)) * every
    while True:
        yield start
        start += every
