"""Telling: what a reconciliation found, in counts."""

from __future__ import annotations

from typing import Any

from capstan.store.coverage import Interval
from tasks.connections import LiveProject
from tasks.reconciling.changes import Changes, Source
from tasks.reconciling.gone import Gone
from tasks.shield import flow_run_id

_UNSEEN = (
    "The token may not read the log, so changes were found by times of change: which triggers were missed, "
    "late or sent twice cannot be told, and deletions are found by comparing the record ids alone. Give the "
    "token's user the right Logging."
)
_SILENT = "REDCap sends no data entry triggers; look at the receiver and at the URL in REDCap."
_UNEXPLAINED = "records are not to be seen any more, although the log tells of no deletion; nothing was done."


def summary_of(
    live: LiveProject,
    changes: Changes,
    interval: Interval,
    *,
    flow: str,
    gone: Gone,
    made: int,
    is_silent: bool,
    dry_run: bool,
) -> dict[str, Any]:
    """What a reconciliation found; `triggers` is absent where it cannot be told."""
    found = made or gone.renamed or gone.deleted or gone.forms
    notes = [_UNSEEN] if changes.source is Source.TIMES else []
    notes += [_SILENT] if is_silent else []
    notes += [f"{gone.unexplained} {_UNEXPLAINED}"] if gone.unexplained else []
    counts = ("saves", "received", "late", "missed", "duplicate")
    return {
        "study": live.study.study,
        "flow": flow,
        "outcome": "dry run" if dry_run else "done" if found else "idle",
        "dry_run": dry_run,
        "flow_run": flow_run_id(),
        "way": changes.source.value,
        "since": interval.began_at.isoformat(timespec="seconds"),
        "records_compared": len(changes.records),
        "items_made": made,
        "records_renamed": len(gone.renamed),
        "records_deleted": len(gone.deleted),
        "forms_emptied": len(gone.forms),
        **(
            {"triggers": {name: getattr(interval, name) for name in counts}}
            if interval.saves is not None
            else {}
        ),
        **({"reason": " ".join(notes)} if notes else {}),
    }
