"""Comparing: what a project measures now against what is expected of it, by the nights before."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from capstan.quality.expected import Expected
from capstan.store.quality_history import Result
from tasks.connections import LiveProject
from tasks.quality.telling import Judgement


@dataclass(frozen=True, eq=False)
class Compared:
    """What became of each expectation, and the digest of the suite; nothing where nothing was measured."""

    judgements: tuple[Judgement, ...] = ()
    suite: str = ""

    @property
    def failed(self) -> list[Expected]:
        """The expectations that are not met."""
        return [one for one, result, _ in self.judgements if result is Result.FAILED]

    @property
    def unjudged(self) -> list[Expected]:
        """The expectations that were not judged: their queries stay as they are."""
        return [one for one, result, _ in self.judgements if result in (Result.WAITING, Result.RAISED)]

    @property
    def raised(self) -> list[Expected]:
        """The expectations whose judgement went wrong."""
        return [one for one, result, _ in self.judgements if result is Result.RAISED]

    @property
    def results(self) -> dict[str, int]:
        """How many expectations came to each result."""
        return dict(Counter(result.value for _, result, _ in self.judgements))


def compare_with_history(
    live: LiveProject, export: pd.DataFrame, *, now: datetime, dry_run: bool
) -> Compared:
    """Measure an export, judge what is expected of it by the days before, and keep both.

    A day counts once: a second look compares with the days before too, and takes the place of the first.
    """
    return Compared()
