"""Days: whether dates lie where the schedule, their neighbours and the calendar let one expect them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

import numpy as np
import pandas as pd

from capstan.dictionary import Field, FieldType
from capstan.quality.measures import Measure
from checks.quality.contents import measure_numbers
from checks.quality.export import Export, Floats
from checks.quality.wild import Usual, draw_in

_DEVIATION = 1.4826
"""A standard deviation, in median distances to the median."""
_ROBUST = 5 * _DEVIATION
_LEAST_DAYS = 14.0
_SCHEDULED_DAYS, _SCHEDULED = 3.0, 1 / 3
_NEIGHBOURS = 11
_RECENT_DAYS = 120
_DOUBT = 3.0
_EPOCH = date(1970, 1, 1)


def measure_days(export: Export, today: date, *, usual: Mapping[tuple[str, str], Usual]) -> Iterator[Measure]:
    """Measure every date field, and how long each site has been quiet by the dates that it entered."""
    now = float((today - _EPOCH).days)
    for field in export.fields(FieldType.TEXT, FieldType.CALC):
        if field.name in export.dates:
            yield from _measure_field(export, field, now=now)
            yield from _measure_lag(export, field, usual)
    yield from _measure_quiet(export, list(export.dates.values()), now=now)


def _measure_field(export: Export, field: Field, *, now: float) -> Iterator[Measure]:
    days = export.dates[field.name]
    yield from measure_numbers(export, field, days, names=("day", "day spread"))
    place = {"form": field.form, "field": field.name}
    ahead = np.where(np.isnan(days), np.nan, (days > now + 1).astype(float))
    yield from export.means("ahead", ahead, **place)
    if not export.is_numbered_by_site:
        yield from export.means("out of order", _far(export, days - _neighbours(export, days)), **place)


def _measure_lag(export: Export, field: Field, usual: Mapping[tuple[str, str], Usual]) -> Iterator[Measure]:
    """Measure how far dates lie from the beginning of their record, beside what is usual in their event."""
    since = _scheduled(export, _since(export, field))
    yield from export.means("off schedule", _far(export, since), form=field.form, field=field.name)
    drawn = draw_in(export, field, since, usual=usual)
    yield from drawn.measures
    yield from measure_numbers(export, field, drawn.values - drawn.middles, names=("lag", "lag spread"))


def _since(export: Export, field: Field) -> Floats:
    """How many days after the beginning of its record each date is; the beginning itself is none."""
    since = export.dates[field.name] - export.begun
    return np.where(export.events.codes == 0, np.nan, since) if field.name == export.anchor else since


def _neighbours(export: Export, days: Floats) -> Floats:
    """The usual day among the records that were numbered shortly before and after, in the same event."""
    found = np.full(len(days), np.nan)
    order = np.argsort(export.records, kind="stable")
    for number in range(len(export.events.names)):
        rows = order[(export.events.codes[order] == number) & ~np.isnan(days[order])]
        if len(rows) >= _NEIGHBOURS:
            around = pd.Series(days[rows]).rolling(_NEIGHBOURS, center=True, min_periods=1).median()
            found[rows] = around.to_numpy()
    return found


def _scheduled(export: Export, distances: Floats) -> Floats:
    """Keep the distances of events that come at their time.

    Those that may come at any time come late when it is late: their mean moves by itself.
    """
    off, found = np.abs(_unlike(export, distances)), distances.copy()
    for number in range(len(export.events.names)):
        here = (export.events.codes == number) & ~np.isnan(distances)
        if here.any():
            middle = abs(float(np.median(distances[here])))
            is_scheduled = _DEVIATION * float(np.median(off[here])) <= max(
                _SCHEDULED_DAYS, middle * _SCHEDULED
            )
            found[here] = np.where(is_scheduled, found[here], np.nan)
    return found


def _unlike(export: Export, distances: Floats) -> Floats:
    """Count distances from what is usual in their event."""
    found = np.full(len(distances), np.nan)
    for number in range(len(export.events.names)):
        here = (export.events.codes == number) & ~np.isnan(distances)
        if here.any():
            found[here] = distances[here] - np.median(distances[here])
    return found


def _far(export: Export, distances: Floats) -> Floats:
    """Mark what lies far from the rest of its event; NaN where there is no distance."""
    off = np.abs(_unlike(export, distances))
    found = np.full(len(off), np.nan)
    for number in range(len(export.events.names)):
        here = (export.events.codes == number) & ~np.isnan(off)
        if here.any():
            found[here] = off[here] > max(_LEAST_DAYS, _ROBUST * float(np.median(off[here])))
    return found


def _measure_quiet(export: Export, dated: list[Floats], *, now: float) -> Iterator[Measure]:
    """Measure for how many days each site has had no date, the most before, and the share of days with one.

    Days on which no other site had a date either count no more than by chance.
    """
    stacked = np.stack(dated) if dated else np.empty((0, len(export.frame)))
    recent = (stacked <= now) & (stacked > now - _RECENT_DAYS)
    for number, site in enumerate(export.sites.names):
        is_own = export.sites.codes == number
        own = np.unique(stacked[:, is_own][recent[:, is_own]])
        others = np.unique(stacked[:, ~is_own][recent[:, ~is_own]])
        if not len(own) or not len(others):
            continue
        quiet = max(float(others[-1] - own[-1]), 0.0) * _activity(others, since=own[-1])
        span = int(own[-1] - own[0]) + 1
        longest = float(np.diff(own).max()) - 1 if len(own) > 1 else 0.0
        yield Measure("quiet days", "", "", "", site, quiet, span)
        yield Measure("longest quiet", "", "", "", site, longest, span)
        yield Measure("dated days", "", "", "", site, len(own) / span, len(own))


def _activity(days: Floats, *, since: float) -> float:
    """The pace of some days after one of them against that before, from 0 to 1."""
    before, after = days[days <= since], days[days > since]
    if not len(before) or not len(after):
        return 1.0
    usual = len(before) / (since - before[0] + 1) * (days[-1] - since)
    return float(min((len(after) + _DOUBT) / (usual + _DOUBT), 1.0))
