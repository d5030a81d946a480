"""Counting: how many records, rows and cells there are, and how full and complete the forms are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from capstan.plan import KEY_NAMES
from capstan.quality.measures import Measure
from checks.quality.export import Export, Floats, Mask


def count_growth(export: Export) -> Iterator[Measure]:
    """Say how much there is: records and filled cells by site, rows of each form by event and site."""
    first = ~export.frame[export.dictionary.record_field].duplicated().to_numpy()
    yield from _by_site(export, "records", first.astype(float))
    yield from _by_site(export, "cells", _filled_cells(export))
    for form, started in export.started.items():
        for places, name, total, _ in export.sums(started.astype(float)):
            yield Measure("rows", form, "", *export.place(places, name), total, int(total))
        yield from _by_event_and_site(export, form, started)


def count_completeness(export: Export) -> Iterator[Measure]:
    """Say of each form in which share it is there, filled and complete, by event and by site."""
    for form, started in export.started.items():
        yield from export.means("present", _asked(started, _expected(export, form)), form=form)
        columns = [export.filled[name] for name in export.columns_of(form) if _is_one_cell(export, name)]
        if columns:
            shares = np.mean(columns, axis=0)
            yield from export.means("filled", np.where(started, shares, np.nan), form=form)
        status = export.filled.get(f"{form}_complete")
        if status is not None:
            complete = export.frame[f"{form}_complete"].eq("2").to_numpy()
            yield from export.means("complete", _asked(complete, started), form=form)


def _expected(export: Export, form: str) -> Mask:
    """The rows of events that take a form once, where anything at all has been entered."""
    base = export.frame[KEY_NAMES[1]].eq("").to_numpy() & export.frame[KEY_NAMES[2]].eq("").to_numpy()
    once = [
        number
        for number, event in enumerate(export.grid.names)
        if (event, form) in export.grid.designated and (event, form) not in export.grid.repeating
    ]
    reached = np.logical_or.reduce(list(export.started.values()))
    return np.asarray(base & reached & np.isin(export.events.codes, once))


def _filled_cells(export: Export) -> Floats:
    parts = list(export.filled.values())
    return np.sum(parts, axis=0, dtype="float64") if parts else np.zeros(len(export.frame))


def _is_one_cell(export: Export, name: str) -> bool:
    """A box that is not ticked is not empty, and a calculated value fills itself."""
    return name not in export.dictionary.zero_columns and export.dictionary.by_column[name].is_importable


def _by_event_and_site(export: Export, form: str, started: Mask) -> Iterator[Measure]:
    """Say how many rows each site has of each event: what the mean of a site is made of."""
    events, sites = export.events, export.sites
    here = started & (events.codes >= 0) & (sites.codes >= 0) & export.grid.is_longitudinal
    pairs, counts = np.unique(events.codes[here] * len(sites.names) + sites.codes[here], return_counts=True)
    for pair, count in zip(pairs, counts, strict=True):
        event, site = divmod(int(pair), len(sites.names))
        yield Measure("rows", form, "", events.names[event], sites.names[site], float(count), int(count))


def _asked(is_so: Mask, where: Mask) -> Floats:
    return np.where(where, is_so.astype(float), np.nan)


def _by_site(export: Export, measure: str, amounts: Floats) -> Iterator[Measure]:
    yield Measure(measure, "", "", "", "", float(amounts.sum()), int(amounts.sum()))
    codes = export.sites.codes
    for number, site in enumerate(export.sites.names):
        total = float(amounts[codes == number].sum())
        yield Measure(measure, "", "", "", site, total, int(total))
