"""Revert a run: put back what it found, wherever REDCap still holds what it left."""

from __future__ import annotations

from collections.abc import Collection

from capstan.store.states import RunState
from capstan.verdict import collected
from flows.job import Job, Summary, job, utc_now
from flows.parameters import DryRun, FieldNames, Participant, RunId, StudyName
from tasks.filing import write_files
from tasks.graying import gray_cells
from tasks.journal import mark_reverted, record_plan, record_verdicts
from tasks.references import record_of
from tasks.removing import remove_rows
from tasks.renaming import rename_records
from tasks.reverting import WayBack, plan_way_back, written_records
from tasks.shield import shielded, study_flow
from tasks.writing import write_cells


@study_flow("revert-run")
def revert_run(
    study: StudyName,
    run: RunId,
    participant: Participant = "",
    fields: FieldNames = [],  # noqa: B006 - Prefect reads the default, nothing changes it
    dry_run: DryRun = False,
) -> Summary:
    """Undo a run; cells that somebody changed since are left alone and counted.

    Args:
        study: The name of the study.
        run: The id of the run in the journal, or its beginning.
        participant: The reference of one participant; all if blank. Never a record id, which would be kept.
        fields: Only these fields come back; all if empty.
        dry_run: Say how much would come back, write nothing.
    """
    return _revert(study, run, dry_run=dry_run, participant=participant, records=(), fields=fields)


@shielded
def revert_records(
    study: str, run: str, *, records: Collection[str], fields: Collection[str] = (), dry_run: bool = False
) -> Summary:
    """Undo a run for some records only.

    No flow: Prefect keeps the parameters of its flows, and these name participants.
    """
    return _revert(study, run, dry_run=dry_run, records=records, fields=fields)


def _revert(
    study: str,
    run: str,
    *,
    dry_run: bool,
    records: Collection[str],
    fields: Collection[str],
    participant: str = "",
) -> Summary:
    with job(study, flow="revert_run", dry_run=dry_run, reverts=run) as current:
        reverts = str(current.run.reverts)
        if participant:
            there = written_records(current.live, reverts)
            records = {record_of(current.live, participant, records=there)}
        way = plan_way_back(current.live, reverts, records=records, fields=fields)
        current.details |= {
            "reverts": current.run.reverts,
            "cells_to_restore": len(way.cells),
            "cells_moved_on": len(way.moved_on),
        }
        current.run = record_plan(
            current.live, current.run, cells=way.cells, heard=way.verdicts, now=utc_now()
        )
        if dry_run:
            return current.finish(state=RunState.IDLE, counts={"cells_reverted": 0}, outcome="dry run")
        reverted = _take_back(current, way)
        complete = way.moved_on.empty and reverted == len(way.cells)
        state = (RunState.DONE if reverted else RunState.IDLE) if complete else RunState.PARTLY
        if complete and not records and not fields:
            mark_reverted(current.live, by=current.run, now=utc_now())
        counts = {"cells_reverted": reverted, "cells_moved_on": len(way.moved_on)}
        return current.finish(state=state, counts=counts, outcome=state.value)


def _take_back(current: Job, way: WayBack) -> int:
    """Put everything back, ids first and files last; returns how many cells came back."""
    live, run = current.live, current.run
    # A row goes only when its files have gone, and a file comes only when its row has come.
    goes = way.files["after"] == ""
    renamed = rename_records(live, run, cells=way.rename, clock=utc_now)
    written = [write_files(live, run, cells=way.files[goes], clock=utc_now)]
    written += [
        remove_rows(live, run, cells=way.remove, clock=utc_now),
        write_cells(live, run, cells=way.restore, clock=utc_now),
        write_files(live, run, cells=way.files[~goes], clock=utc_now),
    ]
    if len(way.first_saved):
        write_cells(live, run, cells=gray_cells(live, way.first_saved), clock=utc_now)
    heard = collected([part.verdicts for part in written])
    current.run = record_verdicts(live, run, heard=heard, now=utc_now())
    counts = [renamed, *(part.counts for part in written)]
    return sum(one.get("cells_written", 0) for one in counts)
