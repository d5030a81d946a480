"""Measuring: everything that is measured of a project in one pass over its export."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pandas as pd

from capstan.dictionary import Dictionary
from capstan.events import EventGrid
from capstan.quality.measures import Measure, as_frame
from capstan.study import Study
from checks.quality.contents import measure_fields
from checks.quality.counting import count_completeness, count_growth
from checks.quality.days import measure_days
from checks.quality.export import Export
from checks.quality.reaching import measure_contacts, measure_orphans
from checks.quality.repeats import measure_repeats
from checks.quality.wild import usual_before

_DECIDED = ("delivered", "failed", "unknown")


def measure_project(
    frame: pd.DataFrame,
    *,
    study: Study,
    dictionary: Dictionary,
    grid: EventGrid,
    today: date,
    tallies: pd.DataFrame | None = None,
    history: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Measure a keyed export of text, as `MEASURE_COLUMNS`.

    `tallies` has `message`, `stage` (of which delivered, failed and unknown count) and `count` of the
    messages of the last days. `history` has measures of the days before, oldest first: what they say of wild
    values is kept to.
    """
    export = Export(frame, dictionary, grid)
    usual = {} if history is None else usual_before(history)
    return as_frame(
        [
            *count_growth(export),
            *count_completeness(export),
            *measure_fields(export, usual),
            *measure_days(export, today, usual=usual),
            *measure_repeats(export),
            *measure_contacts(export),
            *measure_orphans(export, study.quality.expect.needs),
            *(_measure_delivery(tallies) if tallies is not None else ()),
        ]
    )


def _measure_delivery(tallies: pd.DataFrame) -> Iterator[Measure]:
    """Measure the share of messages that were delivered, of those whose fate is told.

    `field` is the message.
    """
    decided = tallies[tallies["stage"].isin(_DECIDED)]
    for message in ("", *sorted(decided["message"].unique())):
        own = decided[decided["message"] == message] if message else decided
        count = int(own["count"].sum())
        if count:
            delivered = float(own.loc[own["stage"] == "delivered", "count"].sum())
            yield Measure("delivered", "", message, "", "", delivered / count, count)
