"""Written: what a run keeps of its writes while it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import pandas as pd

from capstan.errors import RedcapUnavailable
from capstan.verdict import collected
from tasks.outcomes import found_counts

# A thousand rows are one after so many halves; each may have taken two minutes.
_MOST_UNANSWERED = 10


class Basis(NamedTuple):
    """What the plan was made on: the records that there were, and their arms."""

    records: frozenset[str]
    arms: Mapping[str, str]


@dataclass
class Written:
    """What became of the cells of a plan: counts by outcome, and what was said on the way.

    `max_rows` is how many REDCap may answer to in time, once it has not; that was so `unanswered` times in
    a row.
    """

    basis: Basis | None = None
    max_rows: int | None = None
    unanswered: int = 0
    counts: dict[str, int] = field(default_factory=lambda: {"cells_written": 0})
    heard: list[pd.DataFrame] = field(default_factory=list)

    @property
    def verdicts(self) -> pd.DataFrame:
        """Verdicts that only the write could give: stale cells, and rows that REDCap refused."""
        return collected(self.heard)

    @property
    def is_complete(self) -> bool:
        """Whether every cell landed."""
        return not self.heard and set(self.counts) <= {"cells_written"}

    def hear(self, found: pd.DataFrame) -> None:
        """Keep verdicts, if there are any."""
        if len(found):
            self.heard.append(found)

    def note_answer(self, *, is_lost: bool, rows: int) -> None:
        """Keep whether an import was answered; raises RedcapUnavailable where many in a row were not."""
        self.unanswered = self.unanswered + 1 if is_lost else 0
        if self.unanswered > _MOST_UNANSWERED:
            raise RedcapUnavailable(
                f"REDCap gave no answer to {self.unanswered} imports in a row, of fewer and fewer rows; what "
                "it does not hold is wanted again by the next run."
            )
        if is_lost:
            self.max_rows = max(1, rows // 2)

    def count(self, outcomes: pd.Series) -> None:
        """Add the outcomes of one batch."""
        for name, number in found_counts(outcomes).items():
            self.counts[name] = self.counts.get(name, 0) + number
