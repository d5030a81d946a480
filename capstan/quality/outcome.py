"""Outcomes: what became of an expectation when a project was held against it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Result = Literal["passed", "failed", "waiting", "raised"]


@dataclass(frozen=True)
class Outcome:
    """What became of one expectation, by its id; `waiting` is for one that could not be judged yet.

    `observed` is the number that was judged: of "filled" the share from 0 to 1, of "unique" the count of
    rows that stand more than once. None where there is none. `why` says what a raised one raised, or what a
    waiting one waits for; it holds no values.
    """

    id: str
    result: Result
    observed: float | None = None
    why: str = ""
