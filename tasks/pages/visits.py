"""Visits of all participants, shown when they were just computed: by week in Prefect, and in calendars."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from capstan.errors import CapstanError
from capstan.visits import compute_visits
from tasks.connections import LiveProject
from tasks.pages.counting import count_panels, count_visits
from tasks.pages.visit_calendar import renew_calendars
from tasks.report.visits import publish_visits, sites_in, sites_of
from tasks.shield import run_logger, shielded


def show_export(live: LiveProject, export: pd.DataFrame, *, now: datetime) -> None:
    """Show the visits in an export of all records and fields, with access groups, as `show_visits` does."""
    try:
        visits = visits_in(live, export, now=now)
    except CapstanError as error:
        run_logger().warning("The visits could not be computed: %s", type(error).__name__)
        return
    count_panels(live, export, visits=visits, now=now)
    _show(live, visits, sites=sites_in(export, record_field=live.dictionary.record_field), now=now)


@shielded
def visits_in(live: LiveProject, export: pd.DataFrame, *, now: datetime) -> pd.DataFrame:
    """All visits (`VISIT_COLUMNS`) of an export."""
    return compute_visits(live.study, export, layout=live.layout, now=now)


def show_visits(live: LiveProject, visits: pd.DataFrame, *, now: datetime) -> None:
    """Show visits (`VISIT_COLUMNS`, of all participants); that it fails is no reason not to write."""
    try:
        sites = sites_of(live)
    except CapstanError as error:
        run_logger().warning("The visits could not be shown by site: %s", type(error).__name__)
        return
    count_visits(live, visits, sites=sites, now=now)
    _show(live, visits, sites=sites, now=now)


def _show(live: LiveProject, visits: pd.DataFrame, *, sites: pd.Series[str], now: datetime) -> None:
    publish_visits(live, visits, sites=sites, now=now)
    renew_calendars(live, visits, sites={str(record): site for record, site in sites.items()}, now=now)
