"""What the tests of pages share: rows, plans and waits in a store, of somebody whose name must not be told."""

from __future__ import annotations

from datetime import datetime

from outbox_cases import ROOM
from store_cases import NOW, begin, make_cells, make_verdicts

from capstan.plan import CELL_COLUMNS
from capstan.store import (
    Opening,
    RunState,
    Store,
    end_run,
    hold_run,
    keep_rejected,
    open_waits,
    record_gate,
)
from capstan.triggers import Place

SECRET = "Mallory"


def stop_rows(store: Store) -> str:
    """Let a run stop three rows, of which a check says why of one; gives its id."""
    run = begin(store)
    cells = make_cells(SECRET, "2", "3").assign(record=[SECRET, "001", "002"])
    told = {"decision": "APPLY", "plan_digest": "ab" * 32, "counts": {}, "verdicts": make_verdicts(SECRET)}
    run = record_gate(store, run, **told, now=NOW)
    keep_rejected(store, run, cells=cells[list(CELL_COLUMNS)], now=NOW)
    end_run(store, run, state=RunState.IDLE, now=NOW)
    return run.id


def hold_plan(store: Store, *, until: datetime) -> None:
    """Let a run hold a plan until some time."""
    run = begin(store, flow="compute_visit_dates")
    counts = {"rows_accepted": 7, "cells_planned": 21}
    told = {"decision": "HOLD", "plan_digest": "cd" * 32, "counts": counts, "verdicts": make_verdicts(SECRET)}
    run = record_gate(store, run, **told, now=NOW)
    plan = make_cells(SECRET)[list(CELL_COLUMNS)]
    hold_run(store, run, plan=plan, basis={}, expires_at=until, note="held", now=NOW)


def open_scan(store: Store, record: str, *, since: datetime = NOW) -> None:
    """Open a wait for the scan of a record."""
    one = Opening("scan_data", since, Place(record, "baseline", "scan", ""), session=record)
    open_waits(store, ROOM, [one], now=NOW)
