"""Revert a run: put back what it found, wherever REDCap still holds what it wrote."""

from __future__ import annotations

from capstan.store.states import RunState
from flows.job import Summary, job, utc_now
from tasks.journal import mark_reverted, record_verdicts
from tasks.reverting import plan_way_back, record_way_back, remove_rows
from tasks.shield import study_flow
from tasks.writing import write_cells


@study_flow("revert-run")
def revert_run(study: str, run: str, dry_run: bool = False) -> Summary:
    """Undo a run; cells that somebody changed since are left alone and counted.

    Args:
        study: The name of the study.
        run: The id of the run in the journal, or its beginning.
        dry_run: Say how much would come back, write nothing.
    """
    with job(study, flow="revert_run", dry_run=dry_run, reverts=run) as current:
        live = current.live
        way = plan_way_back(live, str(current.run.reverts))
        current.details |= {
            "reverts": current.run.reverts,
            "cells_to_restore": len(way.restore) + len(way.remove),
            "cells_moved_on": len(way.moved_on),
        }
        current.run = record_way_back(live, current.run, way=way, now=utc_now())
        if dry_run:
            return current.finish(state=RunState.IDLE, counts={"cells_reverted": 0}, outcome="dry run")
        removed = remove_rows(live, current.run, cells=way.remove, clock=utc_now)
        written = write_cells(live, current.run, cells=way.restore, clock=utc_now)
        current.run = record_verdicts(live, current.run, heard=written.verdicts, now=utc_now())
        reverted = removed.get("cells_written", 0) + written.counts["cells_written"]
        complete = way.moved_on.empty and reverted == len(way.restore) + len(way.remove)
        state = (RunState.DONE if reverted else RunState.IDLE) if complete else RunState.PARTLY
        if complete:
            mark_reverted(live, by=current.run, now=utc_now())
        return current.finish(state=state, counts={"cells_reverted": reverted}, outcome=state.value)
