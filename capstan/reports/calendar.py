"""Calendars that other programs subscribe to (iCalendar, RFC 5545): one event for each entry, on its day."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from icalendar import Calendar, Timezone, TimezoneStandard, vText
from icalendar.parser import Contentline

REFRESH = timedelta(hours=6)
_LINE_BYTES = 74
# TEXT may hold no control characters but line ends and tabs (RFC 5545, 3.3.11).
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Entry(NamedTuple):
    """An event of a whole day; `uid` stays its own when it moves, and `sequence` then rises.

    `changed` is when it became what it is, aware: programs that subscribed see an update by it.
    """

    uid: str
    day: date
    summary: str
    description: str
    place: str
    sequence: int
    changed: datetime


def render_calendar(title: str, events: Iterable[str]) -> bytes:
    """Write a calendar to be published, of what `render_event` gave; the same events give the same bytes."""
    listed = list(events)
    head = _head(title, is_empty=not listed).to_ical().decode()
    end = "END:VCALENDAR\r\n"
    return "".join([head.removesuffix(end), *listed, end]).encode()


def _head(title: str, *, is_empty: bool) -> Calendar:
    calendar, every = Calendar(), {"VALUE": "DURATION"}
    calendar.add("prodid", "-//Capstan//Visits due//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    for name in ("name", "x-wr-calname"):  # RFC 7986, and what programs knew before it
        calendar.add(name, vText(_plain(title)))
    calendar.add("refresh-interval", REFRESH, parameters=every)
    calendar.add("x-published-ttl", REFRESH, parameters=every)
    if is_empty:
        # A calendar has one component at least (RFC 5545, 3.6), and some programs refuse one that has none.
        calendar.add_component(_utc())
    return calendar


def _utc() -> Timezone:
    zone, always = Timezone(), TimezoneStandard()
    zone.add("tzid", "UTC")
    always.add("dtstart", datetime(1970, 1, 1))  # noqa: DTZ001 - a local time, as the standard wants it
    for name in ("tzoffsetfrom", "tzoffsetto"):
        always.add(name, timedelta())
    zone.add_component(always)
    return zone


def render_event(entry: Entry) -> str:
    """Write an entry as an event, which may stand in several calendars."""
    return "".join(map(_line, _properties(entry)))


def _properties(entry: Entry) -> Iterator[str]:
    # Components of the library take 250 microseconds each, which is long for 30,000 visits.
    changed = f"{entry.changed.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    yield "BEGIN:VEVENT"
    yield f"UID:{entry.uid}"
    yield f"DTSTAMP:{changed}"
    yield f"LAST-MODIFIED:{changed}"
    yield f"SEQUENCE:{entry.sequence}"
    yield f"DTSTART;VALUE=DATE:{entry.day:%Y%m%d}"
    yield f"DTEND;VALUE=DATE:{entry.day + timedelta(days=1):%Y%m%d}"
    for name, text in (
        ("SUMMARY", entry.summary),
        ("DESCRIPTION", entry.description),
        ("LOCATION", entry.place),
    ):
        if text:
            yield f"{name}:{_escaped(text)}"
    yield "CLASS:PRIVATE"
    yield "TRANSP:TRANSPARENT"
    yield "END:VEVENT"


def _line(text: str) -> str:
    """A content line, folded where it is longer than 75 octets."""
    whole = text if len(text.encode()) <= _LINE_BYTES else str(Contentline(text).to_ical(), "utf-8")  # type: ignore[no-untyped-call]
    return f"{whole}\r\n"


@lru_cache(maxsize=1000)
def _escaped(text: str) -> str:
    return vText(_plain(text)).to_ical().decode()


def _plain(text: str) -> str:
    return _CONTROLS.sub(" ", text)
