"""Completeness: of each form, in how many places that should have it, it is marked complete."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from capstan.overview import Panel
from capstan.plan import KEY_NAMES
from checks.quality.export import Export, Mask

_COLUMNS = ["form", "event", "site", "expected", "complete"]


def completeness_panel(export: Export, *, sites: pd.Series[str]) -> Panel:
    """Count by form, event and site where a form is expected and where it is complete.

    A form is expected once in each event that has any data of the participant; one that repeats, wherever
    it was begun. `sites` is the site by record.
    """
    where = export.frame[export.dictionary.record_field].map(sites).fillna("").to_numpy()
    counted = [_of_form(export, form, sites=where) for form in export.dictionary.forms]
    none = pd.DataFrame({name: [] for name in _COLUMNS})
    table = pd.concat([none, *counted], ignore_index=True).astype({"expected": "int64", "complete": "int64"})
    table = table.assign(share=(table["complete"] / table["expected"]).round(4))
    expected, complete = int(table["expected"].sum()), int(table["complete"].sum())
    share = f"{complete:,} of {expected:,} forms that were begun, or should be, are complete"
    said = f"{share} ({100 * complete // expected}%)." if expected else "No form is expected yet."
    note = (
        "A form is expected in each event in which a participant has any data; one that repeats, where it "
        "was begun."
    )
    return Panel("completeness", "Complete forms", said, table, note)


def _of_form(export: Export, form: str, *, sites: np.ndarray) -> pd.DataFrame:
    status = f"{form}_complete"
    expected = np.logical_or.reduce([*_places(export, form)])
    if status not in export.frame.columns:
        return pd.DataFrame({name: [] for name in _COLUMNS})
    rows = pd.DataFrame(
        {
            "event": export.frame[KEY_NAMES[0]].to_numpy()[expected],
            "site": sites[expected],
            "complete": export.frame[status].eq("2").to_numpy()[expected],
        }
    )
    counts = rows.groupby(["event", "site"], sort=False)["complete"].agg(["size", "sum"]).reset_index()
    counts = counts.set_axis(["event", "site", "expected", "complete"], axis=1).assign(form=form)
    order = {event: number for number, event in enumerate(export.grid.names)}
    counts = counts.sort_values(
        ["event", "site"], key=lambda names: names.map(order).fillna(0), kind="stable"
    )
    return counts[_COLUMNS]


def _places(export: Export, form: str) -> Iterator[Mask]:
    """The rows that should have a form: of events that take it once, and where one that repeats began."""
    grid, codes = export.grid, export.events.codes
    repeats = {event for event in grid.names if {(event, form), (event, "")} & grid.repeating}
    taking = {event for event, there in grid.designated if there == form}
    once = [number for number, event in enumerate(grid.names) if event in taking - repeats]
    often = [number for number, event in enumerate(grid.names) if event in taking & repeats]
    base = export.frame[KEY_NAMES[1]].eq("").to_numpy() & export.frame[KEY_NAMES[2]].eq("").to_numpy()
    reached = np.logical_or.reduce(list(export.started.values()))
    yield base & reached & np.isin(codes, once)
    yield export.started[form] & np.isin(codes, often)
