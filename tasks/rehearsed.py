"""What a flow did on the copy: the cells that it wrote or held, and what was stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from capstan.plan import CELL_COLUMNS, empty_cells
from capstan.settings import load_settings
from capstan.store import Outcome, find_run, read_images, read_plan, read_verdicts
from capstan.verdict import NO_VERDICTS, Severity, of_severity, rows_by_check, stopping
from tasks.connections import open_store


@dataclass(frozen=True)
class Rehearsed:
    """One flow of a rehearsal; `written` and `held` are cells, `said` is the error of one that failed.

    `found` has what the flow itself counted, such as visits by status.
    """

    flow: str
    outcome: str
    said: str = ""
    found: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    written: pd.DataFrame = field(default_factory=empty_cells, repr=False)
    held: pd.DataFrame = field(default_factory=empty_cells, repr=False)
    verdicts: pd.DataFrame = field(default_factory=lambda: NO_VERDICTS, repr=False)

    @property
    def stopped(self) -> pd.DataFrame:
        """The verdicts that stopped a row, or the run."""
        return stopping(self.verdicts)

    def counts(self) -> dict[str, Any]:
        """All of it in counts by field and by check, without any value."""
        reach = {
            "run_stopped": (Severity.FATAL, Severity.HOLD),
            "rows_stopped": (Severity.ERROR,),
            "rows_warned": (Severity.WARNING,),
        }
        return {
            "flow": self.flow,
            "outcome": self.outcome,
            "said": self.said,
            "written": _sizes(self.written),
            "held": _sizes(self.held),
            **{part: dict(rows_by_check(of_severity(self.verdicts, *reach[part]))) for part in reach},
            "found": self.found,
        }


def read_rehearsed(summary: Mapping[str, Any]) -> Rehearsed:
    """Read what a flow did from the rehearsal's own store, by its summary; without a run it wrote nothing."""
    if "run" not in summary:
        return Rehearsed(str(summary["flow"]), str(summary["outcome"]), found=_counted(summary))
    store = open_store(load_settings())
    try:
        run = find_run(store, str(summary["run"]))
        images, verdicts = read_images(store, run), read_verdicts(store, run)
        kept = read_plan(store, run) if summary["outcome"] == "held" else None
    finally:
        store.close()
    written = images.loc[images["outcome"] == Outcome.WRITTEN.value, list(CELL_COLUMNS)]
    return Rehearsed(
        str(summary["flow"]),
        str(summary["outcome"]),
        found=_counted(summary),
        written=written,
        held=empty_cells() if kept is None else kept,
        verdicts=verdicts,
    )


def _counted(summary: Mapping[str, Any]) -> dict[str, Mapping[str, int]]:
    """What a flow counted itself."""
    return {
        name: counts
        for name, counts in summary.items()
        if isinstance(counts, Mapping) and not name.endswith(("_stopped", "_warned"))
    }


def _sizes(cells: pd.DataFrame) -> dict[str, Any]:
    by_field = cells["field"].value_counts().sort_index()
    return {
        "cells": len(cells),
        "records": int(cells["record"].nunique()),
        "by_field": {str(name): int(count) for name, count in by_field.items()},
    }
