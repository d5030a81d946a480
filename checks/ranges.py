"""Ranges: a field's minimum and maximum, also those that move with the day."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time
from typing import NamedTuple

from capstan.dictionary import Field
from checks import text
from checks.screens import Clear

Rank = Callable[[str], float | None]


class Range(NamedTuple):
    """How a field's texts compare, and the bounds that they must keep; None for no bound."""

    rank: Rank
    low: float | None
    high: float | None
    spoken: str
    clear: Clear

    def admits(self, value: str) -> bool:
        """Whether a text is within; one that is not of the type at all is for another check to say."""
        place = self.rank(value)
        if place is None:
            return True
        return not (
            (self.low is not None and place < self.low) or (self.high is not None and place > self.high)
        )


def range_of(item: Field, *, kind: str, today: date) -> Range | None:
    """The field's range, None where it has none that can be told."""
    rank = _rank(kind)
    if rank is None or not (item.minimum or item.maximum):
        return None
    bounds = [_bound(bound, kind=kind, today=today) for bound in (item.minimum, item.maximum)]
    low, high = (rank(bound) for bound in bounds)
    is_text = text.is_moment(kind) or kind.startswith("time")
    least, most = bounds if is_text else (low, high)
    clear = Clear(
        text.sure(kind),
        low=None if low is None else least,
        high=None if high is None else most,
        exact=True,
    )
    return Range(rank, low, high, f"{item.minimum or '…'} to {item.maximum or '…'}", clear)


def is_open(item: Field, *, kind: str) -> bool:
    """Whether a bound cannot be told from the dictionary alone, such as another field's value."""
    rank = _rank(kind)
    bounds = [bound for bound in (item.minimum, item.maximum) if bound not in ("", "today", "now")]
    return rank is not None and any(rank(bound) is None for bound in bounds)


def _bound(bound: str, *, kind: str, today: date) -> str:
    if bound not in ("today", "now"):
        return bound
    if kind.startswith("date_"):
        return today.isoformat()
    # The whole day counts: who enters data late in it is not in the future.
    end = datetime.combine(today, time(23, 59, 59))
    return end.strftime("%Y-%m-%d %H:%M:%S" if "seconds" in kind else "%Y-%m-%d %H:%M")


def _rank(kind: str) -> Rank | None:
    """How texts of a ranged type compare: a number for each, None for what is not of the type."""
    if text.is_numeric(kind):
        return _number
    if text.is_moment(kind) or kind.startswith("time"):
        return lambda value: _moment(value, test=text.TESTS[kind])
    return None


def _number(value: str) -> float | None:
    try:
        return float(value.replace(",", "."))
    except ValueError:
        return None


def _moment(value: str, *, test: text.Test) -> float | None:
    """ISO moments and times compare by their digits alone."""
    return float(re.sub(r"[^0-9]", "", value)) if test(value) else None
