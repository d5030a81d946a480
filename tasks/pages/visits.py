"""Visits of all participants, shown when they were just computed: by week in Prefect, and in calendars."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from capstan.errors import CapstanError
from tasks.connections import LiveProject
from tasks.pages.visit_calendar import renew_calendars
from tasks.report.visits import publish_visits, sites_of
from tasks.shield import run_logger


def show_visits(live: LiveProject, visits: pd.DataFrame, *, now: datetime) -> None:
    """Show visits (`VISIT_COLUMNS`, of all participants); that it fails is no reason not to write."""
    try:
        sites = sites_of(live)
    except CapstanError as error:
        run_logger().warning("The visits could not be shown by site: %s", type(error).__name__)
        return
    publish_visits(live, visits, sites=sites, now=now)
    renew_calendars(live, visits, sites={str(record): site for record, site in sites.items()}, now=now)
