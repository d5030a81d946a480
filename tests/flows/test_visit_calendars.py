"""Calendars of visits due: made with the visits of all, by site, and kept in step with REDCap."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import icalendar
import pytest
from command_line import CommandLine
from live_study import LiveStudy
from trial_study import edit, enter
from undo_trials import make_grouped

from flows.compute_visit_dates import compute_visit_dates

VISIT = """visits:
  - {name: Final, event: baseline_arm_1, anchor: "[rand_date]", after: 20 years, window: [-7d, +7d],
     done_when: "[part_age] = '9'"}
"""
FILES = {"all-sites.ics", "no-site.ics", "site_north.ics", "site_south.ics"}


@pytest.fixture
def study(addresses: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LiveStudy:
    made = make_grouped(tmp_path, addresses)
    enter(made, monkeypatch)
    configure(made, "page: {calendars: {}}\n")
    return made


def configure(study: LiveStudy, page: str) -> None:
    """Give the study file a visit in twenty years, and this key `page`."""
    file = study.folder / "study.yaml"
    head = file.read_text(encoding="utf-8").partition("visits:")[0]
    file.write_text(f"{head}{VISIT}{page}", encoding="utf-8")


def folder(study: LiveStudy) -> Path:
    return study.home / "reports" / "trial" / "calendars"


def events(study: LiveStudy, name: str = "all-sites.ics") -> dict[str, icalendar.Event]:
    """The events of a calendar by their UIDs."""
    calendar = icalendar.Calendar.from_ical((folder(study) / name).read_bytes())
    return {str(event["UID"]): event for event in calendar.walk("VEVENT")}


def test_each_site_has_its_own_visits_and_one_calendar_has_all(study: LiveStudy) -> None:
    compute_visit_dates.fn("trial")

    parts = {name: events(study, name) for name in FILES}
    whole = parts.pop("all-sites.ics")
    assert {path.name for path in folder(study).glob("*.ics")} == FILES
    assert all(parts.values())
    assert sum(map(len, parts.values())) == len(whole)
    assert set().union(*parts.values()) == set(whole)


def test_an_event_says_visit_and_reference_and_no_record(study: LiveStudy) -> None:
    compute_visit_dates.fn("trial")

    (summary,) = {str(event["SUMMARY"])[:10] for event in events(study).values()}
    assert summary == "Final due:"
    assert all(len(str(event["SUMMARY"]).split(": ")[1]) == 14 for event in events(study).values())


def test_a_visit_that_moved_is_an_update_and_one_that_is_done_is_gone(
    study: LiveStudy, addresses: dict[str, Any]
) -> None:
    configure(study, "page: {records: true, calendars: {}}\n")
    compute_visit_dates.fn("trial")
    first = {str(event["SUMMARY"]): event for event in events(study).values()}
    edit(addresses, study, "1", "rand_date", "2027-02-03")
    edit(addresses, study, "2", "part_age", "9")

    compute_visit_dates.fn("trial")

    second = {str(event["SUMMARY"]): event for event in events(study).values()}
    moved = [calendar["Final due: 1"] for calendar in (first, second)]
    assert set(first) - set(second) == {"Final due: 2"}
    assert moved[0]["UID"] == moved[1]["UID"]
    assert [event["SEQUENCE"] for event in moved] == [0, 1]
    assert f"{moved[1]['DTSTART'].dt}" == "2047-02-03"
    assert moved[0]["LAST-MODIFIED"].dt <= moved[1]["LAST-MODIFIED"].dt
    others = [name for name in second if name != "Final due: 1"]
    assert [second[name].to_ical() for name in others] == [first[name].to_ical() for name in others]


def test_nothing_is_written_again_while_nothing_changes(study: LiveStudy) -> None:
    compute_visit_dates.fn("trial")
    before = {path.name: path.stat().st_mtime_ns for path in folder(study).iterdir()}
    compute_visit_dates.fn("trial")

    assert {path.name: path.stat().st_mtime_ns for path in folder(study).iterdir()} == before


def test_a_calendar_may_count_the_visits_of_each_day(study: LiveStudy) -> None:
    compute_visit_dates.fn("trial")
    visits = len(events(study))
    configure(study, "page: {calendars: {each: day}}\n")
    compute_visit_dates.fn("trial")

    days = events(study).values()
    assert sum(int(str(event["SUMMARY"]).split()[0]) for event in days) == visits
    assert len({event["DTSTART"].dt for event in days}) == len(days)


def test_a_site_without_visits_keeps_an_empty_calendar(study: LiveStudy) -> None:
    compute_visit_dates.fn("trial")
    configure(study, "page: {calendars: {}}\n")
    text = (study.folder / "study.yaml").read_text(encoding="utf-8").replace("20 years", "-20 years")
    (study.folder / "study.yaml").write_text(text, encoding="utf-8")
    compute_visit_dates.fn("trial")

    assert {path.name for path in folder(study).glob("*.ics")} == FILES
    assert events(study) == events(study, "site_north.ics") == {}


def test_calendars_that_a_study_does_not_want_any_more_are_deleted(study: LiveStudy) -> None:
    compute_visit_dates.fn("trial")
    configure(study, "")
    compute_visit_dates.fn("trial")

    assert list(folder(study).iterdir()) == []


def test_a_dry_run_and_one_for_another_day_leave_the_calendars_alone(study: LiveStudy) -> None:
    compute_visit_dates.fn("trial", dry_run=True)
    compute_visit_dates.fn("trial", today=date(2026, 6, 1))

    assert not folder(study).exists()


def test_a_terminal_tells_the_addresses_and_how_to_get_any(
    study: LiveStudy, capstan: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_url = capstan("calendar", "trial")
    monkeypatch.setenv("CAPSTAN_PUBLIC_URL", "https://capstan.example.org")
    too_early = capstan("calendar", "trial")
    compute_visit_dates.fn("trial")
    told = capstan("calendar", "trial", "--json")
    configure(study, "")
    unwanted = capstan("calendar", "trial")

    listed = json.loads(told.out)["calendars"]
    assert [(one["kind"], one["site"]) for one in listed] == [
        ("all sites", ""),
        ("no site", ""),
        ("site", "north"),
        ("site", "south"),
    ]
    addresses = {one["address"] for one in listed}
    assert len(addresses) == 4
    assert all(one.startswith("https://capstan.example.org/calendars/trial/") for one in addresses)
    assert "CAPSTAN_PUBLIC_URL" in without_url.sentence
    assert "compute_visit_dates" in too_early.sentence
    assert "page" in unwanted.sentence
    assert {without_url.code, too_early.code, unwanted.code} == {2}
