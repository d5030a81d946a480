"""Calendars of visits due: a file for each site, and one for all, made whenever all visits are computed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import pandas as pd

from capstan.errors import CapstanError
from capstan.reports.calendar import Entry, render_calendar, render_event
from capstan.settings import load_settings
from checks.overview.visits_due import (
    NO_SITE,
    WHOLE,
    Due,
    SiteCalendar,
    calendar_of,
    days_due,
    pending_of,
    visits_due,
)
from tasks.calendar_addresses import calendar_file, calendars_in, listing_of
from tasks.connections import LiveProject
from tasks.page_folders import calendars_of
from tasks.private_files import replace_privately
from tasks.references import reference_of
from tasks.shield import run_logger, shielded

_HISTORY = "events.json"
_History = dict[str, tuple[str, str, int, str]]
"""By event: its day, its digest, how often it moved, and since when it is what it is."""


def renew_calendars(
    live: LiveProject, visits: pd.DataFrame, *, sites: Mapping[str, str], now: datetime
) -> None:
    """Write the calendars of a study that wants them; `visits` are `VISIT_COLUMNS` of all participants.

    `sites` is the access group of each record, blank for none. What a study does not want any more is
    deleted. A calendar that cannot be written changes nothing of what the run does: then the log says so.
    """
    try:
        _renew(live, visits, sites=sites, now=now)
    except CapstanError as error:
        run_logger().warning("The calendars could not be written: %s", type(error).__name__)


@shielded
def _renew(live: LiveProject, visits: pd.DataFrame, *, sites: Mapping[str, str], now: datetime) -> None:
    folder = calendars_of(load_settings().home, live.study.study)
    if live.study.page.calendars is None:
        delete_calendars(folder)
        return
    calendars = _wanted(folder, sites=sites.values())
    texts: dict[SiteCalendar, list[str]] = {calendar: [] for calendar in calendars}
    before, history = _read_history(folder), _History()
    for due in _due(live, visits, sites=sites):
        entry = _entry(live, due, history=before, now=now)
        history[entry.uid] = (*_marks(due), entry.sequence, entry.changed.isoformat())
        text = render_event(entry)
        for calendar in due.calendars:
            texts.setdefault(calendar, []).append(text)
    for calendar, events in texts.items():
        whole = render_calendar(f"{live.study.title}: visits due, {calendar.title}", events)
        _replace(folder / calendar_file(calendar, keys=live.store.keys), whole)
    name, listing = listing_of(texts)
    _replace(folder / name, listing)
    _replace(folder / _HISTORY, json.dumps(history).encode())


def delete_calendars(folder: Path) -> None:
    """Delete a study's calendars, if it has any."""
    for path in [*folder.glob("*.ics"), *folder.glob("*.json")]:
        path.unlink(missing_ok=True)


def _wanted(folder: Path, *, sites: Iterable[str]) -> list[SiteCalendar]:
    """The calendars that there are to be; a site that lost its visits keeps its own, for its subscribers."""
    now = {calendar_of(site) for site in sites if site}
    every = sorted(now | {one for one in calendars_in(folder) if one.site})
    return [SiteCalendar(WHOLE), *([SiteCalendar(NO_SITE), *every] if every else ())]


def _due(live: LiveProject, visits: pd.DataFrame, *, sites: Mapping[str, str]) -> Iterable[Due]:
    page = live.study.page
    if page.calendars and page.calendars.each == "day":
        return days_due(visits, sites=sites)
    names = {
        record: record if page.records else reference_of(live.store, project=live.project, record=record)
        for record in pending_of(visits)["record"].unique()
    }
    return visits_due(visits, sites=sites, names=names)


def _entry(live: LiveProject, due: Due, *, history: _History, now: datetime) -> Entry:
    """The entry of an event: one that moved is an update of what it was, and no second event."""
    word = json.dumps(["calendar event", live.study.study, *live.project, *due.key])
    uid, marks = f"{live.store.keys.fingerprint(word)[:32]}@capstan", _marks(due)
    day, digest, sequence, changed = history.get(uid, (marks[0], "", 0, ""))
    since = datetime.fromisoformat(changed) if digest == marks[1] else now.replace(microsecond=0)
    moves = sequence + (day != marks[0])
    return Entry(uid, due.day, due.summary, due.description, due.site, moves, since)


def _marks(due: Due) -> tuple[str, str]:
    """The day of an event, and a digest of all that it says."""
    said = repr((due.day, due.summary, due.description, due.site))
    return due.day.isoformat(), hashlib.sha256(said.encode()).hexdigest()[:16]


def _read_history(folder: Path) -> _History:
    with suppress(OSError, ValueError):
        kept = json.loads((folder / _HISTORY).read_text(encoding="utf-8"))
        return {uid: (day, digest, moves, since) for uid, (day, digest, moves, since) in kept.items()}
    return {}


def _replace(path: Path, content: bytes) -> None:
    """Write a file where it is another one now."""
    if not path.is_file() or path.read_bytes() != content:
        replace_privately(path, content)
