"""Acceptances: findings that the study file accepts for a time, with a reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import pandas as pd

from capstan.dictionary import Dictionary
from capstan.study.quality_rules import Acceptance


@dataclass(frozen=True)
class Accepting:
    """Which findings are accepted today: by check and field, "" for any."""

    places: frozenset[tuple[str, str]]
    dictionary: Dictionary

    @classmethod
    def on(cls, today: date, *, exceptions: Iterable[Acceptance], dictionary: Dictionary) -> Accepting:
        """What is accepted on a day; the last day counts."""
        return cls(frozenset((one.check, one.field) for one in exceptions if today <= one.until), dictionary)

    def accepts(self, check: str, column: str) -> bool:
        """Whether findings of a check are accepted at a column."""
        item = self.dictionary.by_column.get(column)
        fields = {"", column, item.name if item else column}
        return any((check, field) in self.places for field in fields)

    def among(self, verdicts: pd.DataFrame) -> pd.Series[bool]:
        """Which verdicts are accepted; notes on the whole project are none to accept."""
        if not self.places:
            return pd.Series(False, index=verdicts.index)
        pairs = zip(verdicts["check"], verdicts["field"], strict=True)
        accepted = {pair for pair in set(pairs) if self.accepts(*pair)}
        index = pd.MultiIndex.from_frame(verdicts[["check", "field"]])
        return pd.Series(index.isin(accepted), index=verdicts.index) & (verdicts["record"] != "")
