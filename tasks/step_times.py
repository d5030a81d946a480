"""Step times: how long each step of a run took, for the run's page."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass
class _Sheet:
    """The steps so far, in order: how often each was done, and the seconds of all its times."""

    clock: Callable[[], float]
    steps: dict[str, tuple[int, float]] = field(default_factory=dict)
    is_within: bool = False


_SHEET: ContextVar[_Sheet | None] = ContextVar("sheet", default=None)


@contextmanager
def timing_steps(*, clock: Callable[[], float] = time.monotonic) -> Iterator[None]:
    """Time the steps that are taken within."""
    token = _SHEET.set(_Sheet(clock))
    try:
        yield
    finally:
        _SHEET.reset(token)


@contextmanager
def timed(step: str) -> Iterator[None]:
    """Take a step, which is timed if somebody wants to know; a step within a step is a part of it."""
    sheet = _SHEET.get()
    if sheet is None or sheet.is_within:
        yield
        return
    sheet.is_within, began = True, sheet.clock()
    try:
        yield
    finally:
        times, seconds = sheet.steps.get(step, (0, 0.0))
        sheet.steps[step] = (times + 1, seconds + sheet.clock() - began)
        sheet.is_within = False


def steps_taken() -> list[tuple[str, int, float]]:
    """The steps that have ended: name, how often, seconds."""
    sheet = _SHEET.get()
    return [(step, times, round(took, 3)) for step, (times, took) in sheet.steps.items()] if sheet else []
