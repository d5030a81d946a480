"""Runs of a small flow for the tests of pages: long work, and a report, in a store that holds a plan."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from capstan import progress
from capstan.plan import CELL_COLUMNS
from capstan.progress import working
from capstan.settings import load_settings
from capstan.store import RunKind, begin_run, hold_run, record_gate
from capstan.verdict import NO_VERDICTS
from tasks.connections import open_store
from tasks.report import publish_report
from tasks.shield import study_flow

NOW = datetime.now(UTC)


@study_flow("try-pages")
def try_pages(study: str, event: str = "", outcome: str = "done", dry_run: bool = False) -> dict[str, Any]:
    """Do long work, and report an outcome."""
    with working("write cells", 4) as advance:
        for _ in range(4):
            advance(1)
    summary = {"study": study, "flow": "try_pages", "outcome": outcome, "dry_run": dry_run, "run": "r"}
    publish_report({**summary, "cells_written": 4})
    return summary


def hold_plan() -> None:
    """Leave a plan that waits for a person."""
    with open_store(load_settings()) as store:
        kind = {"kind": RunKind.WRITE, "project_id": 14, "host": "redcap.test"}
        run = begin_run(store, "demo", flow="import_records", **kind, now=NOW)
        told = {"decision": "HOLD", "plan_digest": "ab" * 32, "counts": {}, "verdicts": NO_VERDICTS}
        run = record_gate(store, run, **told, now=NOW)
        plan = pd.DataFrame(columns=list(CELL_COLUMNS), dtype="str")
        until = NOW + timedelta(days=3)
        hold_run(store, run, plan=plan, basis={}, expires_at=until, note="", now=NOW)


if __name__ == "__main__":
    progress.PATIENCE_SECONDS = 0.0
    hold_plan()
    try_pages("demo")
    try_pages("demo", event="Mallory", outcome="held", dry_run=True)
    sys.exit()
