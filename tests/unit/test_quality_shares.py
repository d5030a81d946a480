"""Shares: what came lately is held against what was before, over several windows at once."""

from __future__ import annotations

import pandas as pd
import pytest

from capstan.quality.measures import PLACE
from checks.quality.shares import ask_shares


def _recent(measure: str, windows: dict[float, tuple[float, float]], *, before: float) -> pd.DataFrame:
    """The recent rows of one measure of a form: by days, the share and the number of rows."""
    keys = [(measure, "visit", "", "", "", days) for days in windows]
    index = pd.MultiIndex.from_tuples(keys, names=[*PLACE, "days"])
    told = [(share, rows, before, 2_000.0) for share, rows in windows.values()]
    return pd.DataFrame(told, index=index, columns=["recent", "new", "before", "known"])


def _failed(recent: pd.DataFrame) -> list[float]:
    """The shares that are not as expected."""
    return [told.value for one, told in ask_shares(recent) if told and not one.allows(told.value)]


@pytest.mark.parametrize(("days", "failed"), [(3.0, []), (7.0, []), (28.0, [0.64])])
def test_what_was_entered_in_the_last_days_may_be_incomplete_yet(days: float, failed: list[float]) -> None:
    recent = _recent("complete", {days: (0.64, 300)}, before=0.9)

    assert _failed(recent) == failed


def test_the_window_that_is_furthest_out_is_told() -> None:
    recent = _recent("orphans", {3.0: (0.02, 40), 7.0: (0.3, 90), 14.0: (0.15, 180)}, before=0.0)

    assert _failed(recent) == [0.3]


def test_a_share_may_grow_where_only_its_fall_is_a_fault() -> None:
    recent = _recent("reachable", {7.0: (1.0, 400)}, before=0.5)

    assert _failed(recent) == []
