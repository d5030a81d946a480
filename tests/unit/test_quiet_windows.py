"""Quiet windows say by the clock of the study's zone whether REDCap is to be left alone."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capstan.study.quiet import QuietWindow, quiet_now

ZONE = ZoneInfo("America/Los_Angeles")


def at(clock: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-03T{clock}").replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("window", "clock", "quiet"),
    [
        ("02:00-03:00", "01:59:59", False),
        ("02:00-03:00", "02:00:00", True),
        ("02:00-03:00", "02:59:59", True),
        ("02:00-03:00", "03:00:00", False),
        ("23:30-01:00", "23:30:00", True),
        ("23:30-01:00", "00:59:00", True),
        ("23:30-01:00", "01:00:00", False),
        ("00:00-24:00", "12:00:00", True),
        ("24:00-02:00", "01:00:00", True),
        ("24:00-02:00", "23:59:00", False),
    ],
)
def test_a_window_holds_its_begin_and_not_its_end(window: str, clock: str, quiet: bool) -> None:
    found = quiet_now([QuietWindow.parse(window)], at(clock))

    assert (found is not None) is quiet


@pytest.mark.parametrize("text", ["", "02:00", "2:00-3:00", "02:00-02:00", "25:00-26:00", "02:00-03:60"])
def test_what_is_no_window_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="two different times of day"):
        QuietWindow.parse(text)


@given(begins=st.times(), ends=st.times(), clock=st.times())
def test_a_window_and_the_one_from_its_end_to_its_begin_make_the_whole_day(begins, ends, clock) -> None:
    first, second = f"{begins:%H:%M}", f"{ends:%H:%M}"
    if first == second:
        second = "24:00" if first != "00:00" else "12:00"

    there, back = QuietWindow(first, second), QuietWindow(second, first)

    moment = at(f"{clock:%H:%M:%S}")
    assert there.holds(moment) != back.holds(moment)
