"""Wild: values that lie far out of their event, by bounds that are told once and kept from night to night."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from capstan.dictionary import Field
from capstan.quality.measures import Measure, each_of
from checks.quality.export import Export, Floats

MIDDLE, REACH = "middle", "reach"
"""Measures of what the bounds of a field are in an event."""
FIRST = 20
"""So many values tell what is usual; where there are fewer, there is nothing to measure yet."""
_WILD = 5
"""One in so many of them may be wild itself."""
_FAR = 9.0
"""Five standard deviations, told from the mean distance of the others to their middle."""


class Usual(NamedTuple):
    """What is usual in an event: the middle, how far from it values may lie, and of how many it was told."""

    middle: float
    reach: float
    rows: int


class Drawn(NamedTuple):
    """Values with the wild ones drawn in, the middle of each one's event, and the measures that tell it."""

    values: Floats
    middles: Floats
    measures: list[Measure]


def usual_before(history: pd.DataFrame) -> dict[tuple[str, str], Usual]:
    """What was usual by field and event, as the last day of a history (`MEASURE_COLUMNS`) that says it."""
    told = {
        name: {(one.field, one.event): one for one in each_of(history[history["measure"] == name])}
        for name in (MIDDLE, REACH)
    }
    return {
        place: Usual(one.value, told[REACH][place].value, one.rows)
        for place, one in told[MIDDLE].items()
        if place in told[REACH]
    }


def draw_in(export: Export, field: Field, values: Floats, *, usual: Mapping[tuple[str, str], Usual]) -> Drawn:
    """Draw in what lies far out of its event, so that one slip of a finger does not move a mean.

    What is far stays as it was told first: bounds that changed from night to night would move the means of
    what stands, and so those of the rows between two nights. Without them a value is NaN.
    """
    found = Drawn(np.full(len(values), np.nan), np.full(len(values), np.nan), [])
    for number, event in enumerate(export.events.names):
        here = (export.events.codes == number) & ~np.isnan(values)
        known = usual.get((field.name, event)) or _usual(values[here])
        if known is None:
            continue
        middle, reach, rows = known
        found.values[here] = np.clip(values[here], middle - reach, middle + reach) if reach else values[here]
        found.middles[here] = middle
        place = (field.form, field.name, event, "")
        found.measures.extend([Measure(MIDDLE, *place, middle, rows), Measure(REACH, *place, reach, rows)])
    return found


def _usual(values: Floats) -> Usual | None:
    if len(values) < FIRST:
        return None
    wild = len(values) // _WILD
    middle = np.sort(values)[wild:-wild].mean()
    reach = _FAR * np.sort(np.abs(values - middle))[:-wild].mean()
    return Usual(float(middle), float(reach), len(values))
