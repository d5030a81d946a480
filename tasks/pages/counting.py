"""Counting: the panels of a study's page that need data, counted when a run has them, and kept."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from capstan.errors import CapstanError
from checks.overview.data_panels import data_panels
from checks.overview.participants import named_sites
from checks.overview.visit_panels import calendar_panel
from tasks.connections import LiveProject
from tasks.pages.panels import keep_counted
from tasks.shield import run_logger, shielded


def count_panels(live: LiveProject, export: pd.DataFrame, *, visits: pd.DataFrame, now: datetime) -> None:
    """Count and keep the panels that need an export of everything, with the visits (`VISIT_COLUMNS`) in it.

    Panels that cannot be counted change nothing of what the run does: then the log says so.
    """
    try:
        _count(live, export, visits=visits, now=now)
    except CapstanError as error:
        run_logger().warning("The study's page could not be counted: %s", type(error).__name__)


def count_visits(live: LiveProject, visits: pd.DataFrame, *, sites: pd.Series[str], now: datetime) -> None:
    """Count and keep the visits to come (`VISIT_COLUMNS`, of all participants); `sites` by record."""
    try:
        shielded(keep_counted)(
            live.store, live.study, panels=[calendar_panel(visits, sites=named_sites(sites))], now=now
        )
    except CapstanError as error:
        run_logger().warning("The study's page could not be counted: %s", type(error).__name__)


@shielded
def _count(live: LiveProject, export: pd.DataFrame, *, visits: pd.DataFrame, now: datetime) -> None:
    counted = data_panels(
        live.study, export, dictionary=live.dictionary, grid=live.grid, visits=visits, now=now
    )
    keep_counted(live.store, live.study, panels=counted, now=now)
