"""Measures: what a project amounts to on one day, in shares and counts, never in anybody's values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import pandas as pd

PLACE = ("measure", "form", "field", "event", "site")
MEASURE_COLUMNS = (*PLACE, "value", "count")
LEAST_ROWS = 5
"""Over fewer rows nothing is measured but their number, because a mean of one person is a value."""

COUNTS = frozenset({"records", "rows", "cells"})
"""Measures that are numbers of things, and grow; every other one is a mean or a share over `count` rows."""


class Measure(NamedTuple):
    """One number of a project; form, field, event and site are blank for all of them together.

    `rows` is the column `count`: over how many rows it was measured.
    """

    measure: str
    form: str
    field: str
    event: str
    site: str
    value: float
    rows: int


def each_of(frame: pd.DataFrame) -> Iterator[Measure]:
    """The rows of a frame with `MEASURE_COLUMNS`."""
    columns = (frame[name].tolist() for name in MEASURE_COLUMNS)
    return (Measure(*row) for row in zip(*columns, strict=True))


def as_frame(measures: Iterable[Measure]) -> pd.DataFrame:
    """The measures as `MEASURE_COLUMNS`, sorted by place, without those over too few rows."""
    told = [one for one in measures if one.measure in COUNTS or one.rows >= LEAST_ROWS]
    return typed(told).sort_values(list(PLACE), kind="stable", ignore_index=True)


def typed(measures: Iterable[Measure]) -> pd.DataFrame:
    """The measures as `MEASURE_COLUMNS`, in their own order."""
    frame = pd.DataFrame(list(measures), columns=list(MEASURE_COLUMNS))
    return frame.astype({**dict.fromkeys(PLACE, "str"), "value": "float64", "count": "int64"})
