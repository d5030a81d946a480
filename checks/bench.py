"""The bench: the rows still in play while one check after the other stops some, and all that was said."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from capstan.plan import KEYS
from capstan.verdict import Severity, of_severity
from checks.columns import Bools
from checks.findings import Finding, as_verdicts, stopped_rows
from checks.sheet import Sheet


class Bench:
    """The rows of a sheet that nothing speaks against yet, and the verdicts so far."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.alive: Bools = np.ones(len(sheet.keys), dtype=bool)
        self.heard: list[pd.DataFrame] = []
        self._noted: list[Finding] = []
        self._cells: pd.DataFrame | None = None

    def hear(self, found: pd.DataFrame) -> None:
        """Keep verdicts; those that are errors take their rows out."""
        self._flush()
        self.heard.append(found)
        errors = of_severity(found, Severity.ERROR)
        if len(errors):
            stopped = pd.MultiIndex.from_frame(errors[list(KEYS)].drop_duplicates())
            self._stop(self.sheet.row_index.isin(stopped))

    def hear_errors(self, found: pd.DataFrame) -> None:
        """Keep only the verdicts that take rows out."""
        self.hear(of_severity(found, Severity.ERROR))

    def note(self, findings: Iterable[Finding]) -> None:
        """Keep findings of one stage; those that are errors take their rows out."""
        found = list(findings)
        self._noted += found
        rows = stopped_rows(found)
        if rows.size:
            stopped = np.zeros(len(self.alive), dtype=bool)
            stopped[rows] = True
            self._stop(stopped)

    def _stop(self, stopped: Bools) -> None:
        self.alive &= ~stopped
        self._cells = None

    def _flush(self) -> None:
        if self._noted:
            self.heard.append(as_verdicts(self._noted, keys=self.sheet.key_columns))
            self._noted = []

    def verdicts(self) -> list[pd.DataFrame]:
        """All that was said."""
        self._flush()
        return self.heard

    def records_of(self, *checks: str) -> set[str]:
        """The records of which some checks said something."""
        return {record for part in self.verdicts() for record in part["record"][part["check"].isin(checks)]}

    @property
    def stopped(self) -> Bools:
        """The rows that were stopped: they would change something, or name a place that there is not."""
        return (self.sheet.touched | self.sheet.is_new) & ~self.alive

    @property
    def accepted(self) -> Bools:
        """The rows that change something and may."""
        return self.sheet.touched & self.alive

    @property
    def keys(self) -> pd.DataFrame:
        """The keys of the accepted rows."""
        return self.sheet.keys[self.accepted]

    def cells(self) -> pd.DataFrame:
        """The accepted cells: `CELL_COLUMNS`, and `row`, the position in the sheet."""
        if self._cells is None:
            self._cells = self.sheet.cells(self.alive)
        return self._cells

    def rejected(self) -> pd.DataFrame:
        """The cells of stopped rows."""
        return self.sheet.cells(~self.alive)
