"""Put a file into a file field, or delete it: judged, journaled, and brought back by an undo.

No flows: Prefect keeps the parameters of its flows, and these name participants.
"""

from __future__ import annotations

from capstan.attachment import Attachment
from capstan.store.states import Action, RunState
from capstan.verdict import rows_by_check
from flows.job import Summary, job, utc_now
from tasks.connections import open_project
from tasks.file_places import FilePlace, find_file, judge_file, planned_file
from tasks.filing import write_files
from tasks.journal import record_plan, record_verdicts
from tasks.shield import shielded


@shielded
def change_file(
    study: str, place: FilePlace, *, attachment: Attachment | None, dry_run: bool = False
) -> Summary:
    """Put a file into its place, or with None delete the one that is there.

    Raises Refused, and changes nothing, where the study or the project does not let a file be there.
    """
    flow = "import_file" if attachment else "delete_file"
    with job(study, flow=flow, dry_run=dry_run) as current:
        live = current.live
        cells = planned_file(live, place, attachment=attachment)
        heard = judge_file(live, cells, now=current.now)
        plan = cells.assign(action=Action.FILE.value).astype("str")
        current.run = record_plan(live, current.run, cells=plan, heard=heard, now=utc_now())
        counts = {"cells_planned": len(cells), "cells_written": 0}
        if len(heard):
            current.details["rows_stopped"] = dict(rows_by_check(heard))
            return current.finish(state=RunState.REFUSED, counts=counts, outcome="refused")
        if cells.empty or dry_run:
            outcome = "idle" if cells.empty else "dry run"
            return current.finish(state=RunState.IDLE, counts=counts, outcome=outcome)
        written = write_files(live, current.run, cells=cells, clock=utc_now)
        current.run = record_verdicts(live, current.run, heard=written.verdicts, now=utc_now())
        state = RunState.DONE if written.is_complete else RunState.PARTLY
        return current.finish(state=state, counts=counts | written.counts, outcome=state.value)


@shielded
def read_file(study: str, place: FilePlace) -> Attachment | None:
    """The file in a place, None where there is none; nothing is journaled, because nothing changes."""
    live = open_project(study)
    try:
        return find_file(live, place)
    finally:
        live.close()
