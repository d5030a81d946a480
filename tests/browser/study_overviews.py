"""Overviews of studies of any size, for tests of the page: counts by a seeded generator, and hostile names."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from capstan.overview import Overview, Panel

HOSTILE = (
    '<script>alert("x")</script>',
    "</svg><img src=x onerror=alert(1)>",
    "=HYPERLINK(1)",
    "عيادة القلب المركزية",
    "Site \u202egnp.exe\u202c 🦷🧚🏽‍♀️ " + "of a name without an end " * 11,
    "x" * 300,
)
MONDAY = date(2026, 11, 23)
COLUMNS = {
    "enrolment": ("week", "site", "enrolled", "target"),
    "consort": ("step", "reason", "count"),
    "calendar": ("week", "site", "status", "visits"),
    "windows": ("visit", "site", "placing", "visits"),
    "messages": ("message", "stage", "reason", "count"),
    "completeness": ("form", "event", "site", "expected", "complete", "share"),
    "findings": ("check", "severity", "age", "site", "open"),
    "runs": ("started", "flow", "outcome", "cells_written", "rows_stopped", "run"),
    "triggers": ("until", "received", "late", "missed", "duplicate"),
    "monitors": ("monitor", "state", "age", "waits"),
    "quality": ("expectation", "kind", "site", "result", "since"),
}
TITLES = {
    "enrolment": "Enrolment",
    "consort": "Flow of participants",
    "calendar": "Visits due",
    "windows": "Visits in their windows",
    "messages": "Messages",
    "completeness": "Forms complete",
    "findings": "Open findings",
    "runs": "Last runs",
    "triggers": "Data entry triggers",
    "monitors": "Monitors",
    "quality": "Data quality",
}


def overview_of(tables: dict[str, list[tuple[Any, ...]]]) -> Overview:
    """A page of a study with every panel; those not named are empty."""
    panels = tuple(
        Panel(
            name,
            TITLES[name],
            f"What there is of {TITLES[name].lower()}." if name in tables else "",
            pd.DataFrame(tables.get(name, []), columns=list(columns)),
        )
        for name, columns in COLUMNS.items()
    )
    return Overview("demo", "The Tooth Fairy Trial", datetime(2026, 11, 23, 6, 0, tzinfo=UTC), "1.0", panels)


def study_of(*, people: int, sites: list[str], forms: int, events: int) -> Overview:
    """A study in full swing."""
    draws = np.random.default_rng(8)
    weeks = [MONDAY - timedelta(weeks=80 - number) for number in range(80)]
    each = people // len(weeks) // len(sites) + 1
    names = [f"visit {number + 1}" for number in range(events)]
    statuses = [
        (-2, "overdue"),
        (-1, "overdue"),
        (0, "due"),
        *((ahead, "upcoming") for ahead in range(1, 10)),
    ]
    return overview_of(
        {
            "enrolment": [
                (week, site, int(draws.integers(0, 2 * each)), (at + 1) * people / 76)
                for at, week in enumerate(weeks)
                for site in sites
            ],
            "consort": [
                ("Screened", "", 2 * people),
                ("Excluded", "younger than 18 years", people // 2),
                ("Excluded", "declined to take part in a study of this length", people // 3),
                ("Eligible", "", people + people // 6),
                ("Not randomized", "changed their mind", people // 6),
                ("Randomized", "", people),
                ("arm", "Treatment", people // 2),
                ("arm", "Usual care", people - people // 2),
            ],
            "calendar": [
                (MONDAY + timedelta(weeks=ahead), site, status, int(draws.integers(0, 40)))
                for site in sites
                for ahead, status in statuses
            ],
            "windows": [
                (visit, site, placing, int(draws.integers(0, top)))
                for visit in names
                for site in sites
                for placing, top in (("early", 8), ("in window", 90), ("late", 15), ("missed", 5))
            ],
            "messages": [
                ("visit reminder", "planned", "", 4200),
                ("visit reminder", "suppressed", "opted out", 120),
                ("visit reminder", "suppressed", "quiet hours", 48),
                ("visit reminder", "sent", "", 4032),
                ("visit reminder", "delivered", "", 3905),
                ("visit reminder", "failed", "30003 unreachable", 87),
                ("visit reminder", "unknown", "", 40),
            ],
            "completeness": [
                (
                    f"form_{form}",
                    visit,
                    site,
                    500,
                    int(draws.integers(min(200 + 9 * form, 480), 501)),
                    float("nan"),
                )
                for form in range(forms)
                for visit in names
                for site in sites
            ],
            "findings": [
                (check, "error", age, site, int(draws.integers(0, 9)))
                for check in ("required_blank", "out_of_range", "custom_dates", "outlier")
                for age in ("under 1 day", "1 to 7 days", "7 to 30 days", "over 30 days")
                for site in sites
            ],
            "runs": [
                (
                    datetime(2026, 11, 22, hour, 15, tzinfo=UTC),
                    "import_derived",
                    "done",
                    40 * hour,
                    hour % 3,
                    f"20261122-{hour}",
                )
                for hour in range(12)
            ],
            "triggers": [
                (MONDAY - timedelta(days=day), 300 - 9 * day, day % 4, day % 2, day % 3)
                for day in range(10, 0, -1)
            ],
            "monitors": [("consent waits", "firing", "2 days", 3), ("tokens", "quiet", "", 0)],
            "quality": [
                (
                    f"e{number}",
                    ("volume", "freshness", "drift")[number % 3],
                    "",
                    ("passed", "passed", "passed", "failed", "waiting")[number % 5],
                    "",
                )
                for number in range(60)
            ],
        }
    )


def large() -> Overview:
    """The study that a page must hold: 10,000 participants, 20 sites, 30 forms, 12 events."""
    return study_of(
        people=10_000, sites=[f"Site {number:02}" for number in range(1, 21)], forms=30, events=12
    )
