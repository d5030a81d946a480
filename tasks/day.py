"""The day that flows compute for where nobody names one: today, or that of a rehearsal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

_acted: list[date] = []


@contextmanager
def as_if(day: date | None) -> Iterator[None]:
    """Let all flows of this process compute for a day; None leaves them today."""
    if day is None:
        yield
        return
    _acted.append(day)
    try:
        yield
    finally:
        _acted.pop()


def acted_day() -> date | None:
    """The day that flows act as if it were; None where it is simply today."""
    return _acted[-1] if _acted else None
