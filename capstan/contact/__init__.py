"""The contact policy: where a recipient's clock is, and when it allows a message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

import phonenumbers
from phonenumbers import timezone

from capstan.workdays import days_off

if TYPE_CHECKING:
    from capstan.study import Study

_DAY = timedelta(days=1)
# Long enough for any run of holidays; zones without a common hour would otherwise be searched for ever.
_FARTHEST = timedelta(days=60)
# Twilio keeps a message in its queue for at most this long, and needs some of it to hand it over.
_LONGEST_VALIDITY = timedelta(hours=10)
_HANDOVER = timedelta(seconds=30)
# With less of its hours left, a text would hardly have the time to arrive.
_LEAST_OPEN = timedelta(minutes=1)
_NORTH_AMERICA = 1
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True)
class OpenHours:
    """When people may be contacted, in minutes of their own day; `closes` itself is too late.

    `skip` are weekdays (Monday is 0) and `free` days without contact.
    """

    opens: int
    closes: int
    skip: frozenset[int] = frozenset()
    free: frozenset[date] = field(default=frozenset(), repr=False)


def contact_hours(study: Study, *, now: datetime) -> OpenHours:
    """The study's contact hours, with its holidays around `now` where it takes them off."""
    hours = study.messaging.hours
    days = days_off(study.holidays, first_year=now.year - 1, last_year=now.year + 1) if hours.holidays else ()
    return OpenHours(
        _minutes(hours.opens),
        _minutes(hours.closes),
        frozenset(_WEEKDAYS.index(day) for day in hours.skip),
        frozenset(day.item() for day in days),
    )


def next_open(now: datetime, *, zones: Sequence[str], hours: OpenHours) -> datetime | None:
    """The first moment from `now` on that is within the hours of every zone, in UTC; None if none comes soon.

    Where a clock shows a time twice or never, the stricter reading holds. Raises ValueError for a naive
    time and for no zone.
    """
    if now.tzinfo is None or not zones:
        raise ValueError("needs an aware time and at least one zone")
    moment = start = now.astimezone(UTC)
    while moment <= start + _FARTHEST:
        opened = [_next_open_in(zone, moment, hours=hours) for zone in dict.fromkeys(zones)]
        latest = max((each for each in opened if each), default=moment)
        if None in opened or latest == moment:
            return None if None in opened else moment
        moment = latest
    return None


def next_chance(now: datetime, *, zones: Sequence[str], hours: OpenHours) -> datetime | None:
    """The first moment, as `next_open` finds it, from which a text has a minute before the hours close."""
    opened = next_open(now, zones=zones, hours=hours)
    closes = closes_at(opened, zones=zones, hours=hours) if opened else now
    if opened is None or closes - opened >= _LEAST_OPEN:
        return opened
    return next_open(closes, zones=zones, hours=hours)


def closes_at(moment: datetime, *, zones: Sequence[str], hours: OpenHours) -> datetime:
    """When the hours that are open at `moment` close in the first of the zones, in UTC."""
    local = [moment.astimezone(ZoneInfo(zone)) for zone in zones]
    return min(_closing(each.date(), zone, hours=hours) for each, zone in zip(local, zones, strict=True))


def valid_seconds(now: datetime, *, not_after: datetime, zones: Sequence[str], hours: OpenHours) -> int:
    """For how many seconds a message that is sent now may wait at the provider; 0 if not at all.

    It must not arrive after `not_after`, nor once the hours have closed.
    """
    limits = (_LONGEST_VALIDITY, not_after - now, closes_at(now, zones=zones, hours=hours) - now)
    return max(0, int((min(limits) - _HANDOVER).total_seconds()))


def zones_of(*, named: str, phone: str, otherwise: str) -> tuple[str, ...]:
    """A recipient's time zones: the one that a field names, else those of the phone, else the study's.

    `phone` is E.164 or blank. A name that is no zone counts as none.
    """
    if named.strip() in _all_zones():
        return (named.strip(),)
    return (phone_zones(phone) if phone else ()) or (otherwise,)


def phone_zones(phone: str) -> tuple[str, ...]:
    """The time zones in which a phone (E.164) may be; none where its number names no place.

    A number without an area has all zones of its country, but none in North America: from Guam to Bermuda
    hardly an hour is common.
    """
    number = phonenumbers.parse(phone)
    if number.country_code != _NORTH_AMERICA:
        found = timezone.time_zones_for_number(number)
    elif phonenumbers.is_number_geographical(number):
        found = timezone.time_zones_for_geographical_number(number)
    else:
        return ()
    return tuple(zone for zone in found if zone in _all_zones())


@cache
def _all_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _minutes(clock: str) -> int:
    hours, _, minutes = clock.partition(":")
    return int(hours) * 60 + int(minutes)


def _next_open_in(zone: str, moment: datetime, *, hours: OpenHours) -> datetime | None:
    first = moment.astimezone(ZoneInfo(zone)).date()
    for day in (first + _DAY * ahead for ahead in range(_FARTHEST.days)):
        if day.weekday() in hours.skip or day in hours.free:
            continue
        opened = max(moment, *_readings(day, hours.opens, zone=zone))
        if opened < _closing(day, zone, hours=hours):
            return opened
    return None


def _closing(day: date, zone: str, *, hours: OpenHours) -> datetime:
    return min(_readings(day, hours.closes, zone=zone))


def _readings(day: date, minutes: int, *, zone: str) -> tuple[datetime, datetime]:
    """What a wall time means: two moments in the hour that a clock shows twice, or skips."""
    wall = datetime.combine(day, time.min) + timedelta(minutes=minutes)
    first, second = (wall.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC) for fold in (0, 1))
    return first, second
