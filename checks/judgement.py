"""The judgement: what the gate says of one table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd

from capstan.plan import Plan
from capstan.verdict import Decision, Severity, of_severity, rows_by_check, stopping


def no_suggestions() -> pd.DataFrame:
    """A frame of suggestions (row, column, text) without any."""
    return pd.DataFrame({"row": pd.Series(dtype="int64"), "column": [], "text": []}).astype(
        {"column": "str", "text": "str"}
    )


@dataclass(frozen=True, eq=False)
class Judgement:
    """What the gate says of one table.

    `plan` has the accepted cells, `rejected` the stopped ones; `verdicts` has all verdicts. Of `rows_in`
    rows, those that are neither accepted nor rejected change nothing. `suggest` finds the suggestions:
    only a corrected file needs them, and they take longer than the judgement.
    """

    plan: Plan = field(repr=False)
    rejected: pd.DataFrame = field(repr=False)
    verdicts: pd.DataFrame = field(repr=False)
    rows_in: int
    rows_accepted: int
    rows_rejected: int
    normalised_cells: int
    suggest: Callable[[], pd.DataFrame] = field(default=no_suggestions, repr=False)

    def __post_init__(self) -> None:
        """No row is lost, and none is counted twice."""
        if not 0 <= self.rows_accepted + self.rows_rejected <= self.rows_in:
            raise ValueError("rows in are not those accepted, rejected and unchanged")

    @cached_property
    def suggestions(self) -> pd.DataFrame:
        """Corrections of stopped cells: row of the table, column, text. Participants' values."""
        return self.suggest()

    @property
    def decision(self) -> Decision:
        """What becomes of the run."""
        if len(of_severity(self.verdicts, Severity.FATAL)):
            return Decision.REFUSE
        return Decision.HOLD if len(of_severity(self.verdicts, Severity.HOLD)) else Decision.APPLY

    @property
    def errors(self) -> pd.DataFrame:
        """The verdicts that stopped something."""
        return stopping(self.verdicts)

    def counts(self) -> dict[str, object]:
        """The judgement in numbers, free of values: what logs, artifacts and reports may show."""
        stopped = of_severity(self.verdicts, Severity.ERROR)
        warned = of_severity(self.verdicts, Severity.WARNING)
        return {
            "rows_in": self.rows_in,
            "rows_unchanged": self.rows_in - self.rows_accepted - self.rows_rejected,
            "rows_accepted": self.rows_accepted,
            "rows_rejected": self.rows_rejected,
            "cells_planned": len(self.plan.cells),
            "cells_normalised": self.normalised_cells,
            "rows_stopped": dict(rows_by_check(stopped)),
            "rows_warned": dict(rows_by_check(warned)),
        }
