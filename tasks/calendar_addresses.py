"""Addresses of calendars: which ones a study has, and the word by which each is read without a sign-in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

from capstan.store import KeyRing
from capstan.study import Study
from checks.overview.visits_due import SITE, SiteCalendar

_LIST = "calendars.json"
_LENGTH = 48
_PLAIN = re.compile(r"[a-z0-9_]{1,60}")


def calendars_in(folder: Path) -> tuple[SiteCalendar, ...]:
    """The calendars of a study's folder of calendars; none where none were made."""
    try:
        listed = json.loads((folder / _LIST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ()
    return tuple(SiteCalendar(kind, site) for kind, site in listed)


def listing_of(calendars: Iterable[SiteCalendar]) -> tuple[str, bytes]:
    """The name and content of the file that lists the calendars of a folder."""
    return _LIST, json.dumps(list(calendars)).encode()


def calendar_file(calendar: SiteCalendar, *, keys: KeyRing) -> str:
    """The name of a calendar's file: the site's own where that is a plain word, for it may be anything."""
    if calendar.kind != SITE:
        return f"{calendar.kind.replace(' ', '-')}.ics"
    site = calendar.site
    return f"site_{site if _PLAIN.fullmatch(site) else keys.fingerprint(f'calendar file {site}')[:16]}.ics"


def calendar_word(calendar: SiteCalendar, *, study: Study, keys: KeyRing) -> str:
    """The word in a calendar's address, which nobody can guess; "" for a study without calendars."""
    wanted = study.page.calendars
    if wanted is None:
        return ""
    return keys.fingerprint(json.dumps(["calendar", study.study, wanted.generation, *calendar]))[:_LENGTH]


def calendar_path(calendar: SiteCalendar, *, study: Study, keys: KeyRing) -> str:
    """The path of a calendar at the receiver."""
    return f"/calendars/{study.study}/{calendar_word(calendar, study=study, keys=keys)}.ics"
