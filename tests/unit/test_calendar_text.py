"""The text of calendars: what a library reads out of it, and what RFC 5545 wants of its lines."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta

import icalendar
import pytest

from capstan.reports.calendar import Entry, render_calendar, render_event

CHANGED = datetime(2026, 11, 22, 10, 15, 30, tzinfo=UTC)
ENTRY = Entry("ab12@capstan", date(2026, 12, 31), "6 month due: kqrt", "Window.", "seattle", 2, CHANGED)


def read(content: bytes) -> icalendar.Calendar:
    return icalendar.Calendar.from_ical(content)


def events(content: bytes) -> list[icalendar.Event]:
    return list(read(content).walk("VEVENT"))


def test_an_entry_is_an_event_of_a_whole_day() -> None:
    (event,) = events(render_calendar("Visits", [render_event(ENTRY)]))

    assert (event["UID"], event["SEQUENCE"]) == ("ab12@capstan", 2)
    assert (event["DTSTART"].dt, event["DTEND"].dt) == (date(2026, 12, 31), date(2027, 1, 1))
    assert event["LAST-MODIFIED"].dt == event["DTSTAMP"].dt == CHANGED
    assert (event["SUMMARY"], event["LOCATION"], event["TRANSP"]) == (
        "6 month due: kqrt",
        "seattle",
        "TRANSPARENT",
    )


def test_a_calendar_is_published_under_its_title_and_says_how_often_to_look() -> None:
    calendar = read(render_calendar("Tooth Fairy Trial: visits due", []))

    assert (calendar["VERSION"], calendar["METHOD"]) == ("2.0", "PUBLISH")
    assert calendar["X-WR-CALNAME"] == calendar["NAME"] == "Tooth Fairy Trial: visits due"
    assert calendar["REFRESH-INTERVAL"].dt == timedelta(hours=6)


def test_a_calendar_without_events_still_has_a_component() -> None:
    calendar = read(render_calendar("Visits", []))

    assert [component.name for component in calendar.subcomponents] == ["VTIMEZONE"]


HOSTILE = (
    "a, b; c\\d",
    "two\nlines\r\nEND:VEVENT\r\nBEGIN:VEVENT",
    "<script>alert(1)</script>",
    "Zoë 😀" * 40,
    "x" * 300,
    "bell\x07 and null\x00",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_any_text_stays_text_in_lines_of_75_octets(text: str) -> None:
    entry = ENTRY._replace(summary=text, description=text, place=text)
    content = render_calendar(text, [render_event(entry)])

    (event,) = events(content)
    said = text.replace("\r\n", "\n").replace("\x07", " ").replace("\x00", " ")
    assert event["SUMMARY"] == event["DESCRIPTION"] == event["LOCATION"] == said
    lines = content.removesuffix(b"\r\n").split(b"\r\n")
    assert max(map(len, lines)) <= 75
    assert not any(b"\n" in line or b"\r" in line or b"\x00" in line for line in lines)


def test_the_same_entries_give_the_same_bytes() -> None:
    assert render_calendar("A", [render_event(ENTRY)]) == render_calendar("A", [render_event(ENTRY)])


def test_ten_thousand_events_are_written_in_some_seconds() -> None:
    began = time.process_time()
    texts = [render_event(ENTRY._replace(uid=f"{number}@capstan")) for number in range(10_000)]
    content = render_calendar("Visits", texts)

    assert time.process_time() - began < 5
    assert content.count(b"BEGIN:VEVENT") == 10_000
