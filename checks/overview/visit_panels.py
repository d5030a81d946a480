"""Visits on a study's page: when they are due, whether they were in their windows, which are overdue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from capstan.overview import Panel
from capstan.periods import read_dates
from capstan.visits import PENDING, VISIT_COLUMNS, VisitStatus
from checks.overview.participants import base_values

if TYPE_CHECKING:
    from capstan.study import Study

EARLY, IN_WINDOW, LATE, MISSED = "early", "in window", "late", "missed"


def calendar_panel(visits: pd.DataFrame, *, sites: pd.Series[str]) -> Panel:
    """Count the visits that are to come by the Monday of the week of their due date, by site and status."""
    pending = visits[visits["status"].isin([status.value for status in PENDING]) & (visits["due"] != "")]
    due = read_dates(pending["due"])
    # The first day of 1970 was a Thursday.
    mondays = due - (due.astype("int64") + 3) % 7 * np.timedelta64(1, "D")
    counted = pd.DataFrame(
        {
            "week": np.datetime_as_string(mondays, unit="D"),
            "site": _sites(pending, sites),
            "status": pending["status"].to_numpy(),
        }
    )
    table = _counts(counted[~np.isnat(mondays)], columns=["week", "site", "status"])
    overdue = int((pending["status"] == VisitStatus.OVERDUE).sum())
    said = f"{len(pending):,} visits are to come, of which {overdue:,} are overdue."
    note = "A week is named by its Monday; a visit stands in the week of its due date."
    return Panel("calendar", "Visits to come", said if len(pending) else "No visit is to come.", table, note)


def windows_panel(
    study: Study, visits: pd.DataFrame, *, frame: pd.DataFrame, sites: pd.Series[str], record_field: str
) -> Panel:
    """Count the visits by where the day on which they took place lies: early, in window, late; or missed.

    Only visits of which the study says where that day is (`took_place`) are placed; a visit that is said to
    be done, without a day, is not.
    """
    placed = visits.assign(
        placing=_placings(study, visits, frame=frame, record_field=record_field), site=_sites(visits, sites)
    )
    placed = placed[placed["placing"] != ""]
    counts = _counts(placed[["visit", "site", "placing"]], columns=["visit", "site", "placing"])
    order = {visit.name: number for number, visit in enumerate(study.visits)}
    table = counts.sort_values("visit", key=lambda names: names.map(order), kind="stable", ignore_index=True)
    lacking = [visit.name for visit in study.visits if not visit.took_place]
    kept = int((placed["placing"] == IN_WINDOW).sum())
    said = f"{kept:,} of {len(placed):,} visits took place in their windows."
    if len(lacking) == len(study.visits):
        said = f"{len(placed):,} visits were missed."
    note = f"No field says when these took place (took_place): {', '.join(lacking)}." if lacking else ""
    return Panel("windows", "Visits and their windows", said if len(placed) else "", table, note)


def overdue_panel(visits: pd.DataFrame, *, sites: pd.Series[str]) -> Panel:
    """List overdue visits by record, for a study whose pages name records."""
    late = visits[visits["status"] == VisitStatus.OVERDUE]
    table = late[["record", "visit", "due"]].assign(site=_sites(late, sites)).sort_values(["due", "record"])
    said = f"{len(table):,} visits are overdue." if len(table) else "No visit is overdue."
    return Panel("overdue", "Overdue visits", said, table.reset_index(drop=True))


def _placings(
    study: Study, visits: pd.DataFrame, *, frame: pd.DataFrame, record_field: str
) -> pd.Series[str]:
    found = pd.Series("", index=visits.index, dtype=object)
    for visit in study.visits:
        of_visit = visits.loc[visits["visit"] == visit.name, list(VISIT_COLUMNS)]
        found[of_visit.index] = np.where(of_visit["status"] == VisitStatus.MISSED, MISSED, "")
        if visit.took_place and visit.took_place in frame.columns:
            days = base_values(frame, visit.took_place, record_field=record_field)
            took = of_visit.merge(days, on=["record", "event"], how="left")["value"].fillna("")
            found[of_visit.index] = _placed(of_visit, took=took, otherwise=found[of_visit.index])
    return found


def _placed(visits: pd.DataFrame, *, took: pd.Series[str], otherwise: pd.Series[str]) -> np.ndarray:
    """Where each day lies; a visit that has no window, because its anchor has no date, is not placed."""
    day, opens, closes = (read_dates(days) for days in (took, visits["opens"], visits["closes"]))
    known = ~np.isnat(day) & ~np.isnat(opens)
    where = np.select([day < opens, day > closes], [EARLY, LATE], default=IN_WINDOW)
    return np.where(known, where, otherwise.to_numpy())


def _sites(visits: pd.DataFrame, sites: pd.Series[str]) -> np.ndarray:
    known = {str(record): str(site) for record, site in sites.items()}
    return np.array([known.get(record, "") for record in visits["record"]], dtype=object)


def _counts(frame: pd.DataFrame, *, columns: list[str]) -> pd.DataFrame:
    return frame.groupby(columns, sort=True).size().rename("visits").reset_index()
