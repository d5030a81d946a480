"""Visits due, as the events of calendars: by visit, or counted by day; without names and values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple

import pandas as pd

from capstan.visits import PENDING, VisitStatus

WHOLE, NO_SITE, SITE = "all sites", "no site", "site"


class SiteCalendar(NamedTuple):
    """A calendar of a study: of all its visits, of one site's (access group), or of those without a site."""

    kind: str
    site: str = ""

    @property
    def title(self) -> str:
        """What people call it."""
        return self.site or self.kind


class Due(NamedTuple):
    """One event and the calendars in which it stands. `key` names it for ever, also when its day moves."""

    key: tuple[str, ...]
    day: date
    summary: str
    description: str
    site: str
    calendars: tuple[SiteCalendar, ...]


def calendar_of(site: str) -> SiteCalendar:
    """The calendar of a site, blank for none."""
    return SiteCalendar(SITE, site) if site else SiteCalendar(NO_SITE)


def visits_due(visits: pd.DataFrame, *, sites: Mapping[str, str], names: Mapping[str, str]) -> Iterator[Due]:
    """Each visit that is to come, of all `visits` (`VISIT_COLUMNS`).

    `sites` says the site by record, and `names` what may stand for a participant.
    """
    pending = pending_of(visits)
    # Two visits of one participant may have one name.
    number = pending.groupby([pending["record"].str.casefold(), pending["visit"]]).cumcount()
    for row, nth in zip(pending.to_dict("records"), number, strict=True):
        record, site = str(row["record"]), sites.get(row["record"], "")
        key = ("visit", record.strip().casefold(), row["visit"], *([str(nth)] if nth else ()))
        summary, where = f"{row['visit']} due: {names[record]}", (SiteCalendar(WHOLE), calendar_of(site))
        yield Due(key, date.fromisoformat(row["due"]), summary, _window(row), site, where)


def days_due(visits: pd.DataFrame, *, sites: Mapping[str, str]) -> Iterator[Due]:
    """Each day on which visits are due, for all sites and for each: how many, and which."""
    pending = pending_of(visits)
    where = pending["record"].map(lambda record: calendar_of(sites.get(record, "")))
    whole = pd.Series([SiteCalendar(WHOLE)] * len(pending), index=pending.index, dtype=object)
    for places in (whole, where):
        for calendar in dict.fromkeys(places):
            yield from _days_of(calendar, pending[[place == calendar for place in places]])


def pending_of(visits: pd.DataFrame) -> pd.DataFrame:
    """The visits that are to come; calendars end with the year 9999."""
    is_pending = visits["status"].isin([status.value for status in PENDING])
    return visits[is_pending & (visits["due"].str.len() == 10) & (visits["due"] < "9999")]


def _days_of(calendar: SiteCalendar, pending: pd.DataFrame) -> Iterator[Due]:
    for due, of_day in pending.groupby("due", sort=True)["visit"]:
        counts = of_day.value_counts(sort=False).sort_index()
        said = "\n".join(f"{visit}: {count}" for visit, count in counts.items())
        summary = f"{len(of_day)} visit{'s' if len(of_day) > 1 else ''} due"
        day = str(due)
        yield Due(("day", *calendar, day), date.fromisoformat(day), summary, said, calendar.site, (calendar,))


def _window(row: Mapping[Any, Any]) -> str:
    opens, closes = row["opens"], row["closes"]
    said = f"Window: {opens} to {closes}." if opens != closes else "It has no window."
    return f"{said} It is overdue." if row["status"] == VisitStatus.OVERDUE else said
