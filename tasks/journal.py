"""The journal: runs begun, held and ended, and interrupted ones settled by looking at the server."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from capstan import store as journal
from capstan.errors import UsageError
from capstan.plan import CELL_COLUMNS, Plan
from capstan.store import Action, Outcome, Run, RunKind, RunState
from capstan.verdict import Decision, collected
from checks.judgement import Judgement
from checks.overview.run_tally import tally_cells
from tasks.connections import LiveProject
from tasks.crash import crash_point
from tasks.form_links import linked
from tasks.outcomes import outcome_counts, outcomes_of
from tasks.ran_with import ran_with, told_at_end
from tasks.shield import effect, run_logger

# How long after its start an import of a dead process is still expected to reach REDCap.
IN_FLIGHT = timedelta(seconds=10)


@effect("begin run")
def begin_run(
    live: LiveProject, *, flow: str, now: datetime, dry_run: bool, reverts: str | None = None
) -> Run:
    """Open a run in the journal; raises Refused while the study has another open run.

    Runs of dead processes are settled first, and what the study's retention has passed is deleted.
    """
    settle_interrupted(live, now=now)
    kept = timedelta(days=live.study.retention_days)
    journal.purge(live.store, before=now - kept, now=now, study=live.study.study)
    undone = _run_of_study(live, reverts).id if reverts else None
    host, project_id = live.project
    run = journal.begin_run(
        live.store,
        live.study.study,
        flow=flow,
        kind=RunKind.REVERT if reverts else RunKind.WRITE,
        project_id=project_id,
        host=host,
        now=now,
        reverts=undone,
        dry_run=dry_run,
    )
    crash_point("begun")
    return run


def _run_of_study(live: LiveProject, name: str) -> Run:
    run = journal.find_run(live.store, name)
    if run.study != live.study.study:
        raise UsageError(f"Run {run.id} is of study {run.study}, not of {live.study.study}.")
    return run


def settle_interrupted(live: LiveProject, *, now: datetime) -> int:
    """Settle runs whose process died: ask REDCap what became of each journaled cell; returns how many.

    Nothing is written to REDCap: what did not land is wanted again by the next run, if it still differs.
    """
    stale = journal.stale_runs(live.store, live.study.study, now=now)
    for dead in stale:
        run = journal.adopt_run(live.store, dead, now=now)
        counts = settle_batches(live, run, now=now)
        note = "Its process died. REDCap was asked what became of each cell."
        journal.end_run(live.store, run, state=RunState.INTERRUPTED, counts=counts, note=note, now=now)
        run_logger().warning("settled interrupted run %s: %s", run.id, dict(counts))
    return len(stale)


def settle_batches(live: LiveProject, run: Run, *, now: datetime) -> Mapping[str, int]:
    """Give every journaled cell without an outcome the one that REDCap shows; returns counts by outcome."""
    images = journal.read_images(live.store, run)
    sent_at = {batch.number: batch.sent_at for batch in journal.list_batches(live.store, run)}
    for number, image in images[images["outcome"] == ""].groupby("batch"):
        batch = int(str(number))
        outcomes = _landed(live, image, sent_at=sent_at[batch])
        told = image[list(journal.CELL_KEYS)].assign(outcome=outcomes)
        journal.finish_batch(live.store, run, batch=batch, outcomes=told, now=now)
    return outcome_counts(journal.read_images(live.store, run)["outcome"])


def _landed(live: LiveProject, image: pd.DataFrame, *, sent_at: datetime | None) -> pd.Series:
    """Outcomes of a batch; one that was sent a moment ago may still be on its way, so it is waited for."""
    action = Action(image["action"].iloc[0])
    outcomes = outcomes_of(live, image, action=action)
    until = (sent_at or datetime.min.replace(tzinfo=UTC)) + IN_FLIGHT
    while (outcomes == Outcome.NOT_WRITTEN).any() and datetime.now(UTC) < until:
        time.sleep(0.5)
        outcomes = outcomes_of(live, image, action=action)
    return outcomes


@effect("record judgement")
def record_judgement(
    live: LiveProject, run: Run, *, judgement: Judgement, given: pd.DataFrame, now: datetime
) -> Run:
    """Keep verdicts and counts before anything is written; `given` is the table that was judged."""
    counts = judgement.counts()
    flat = {name: count for name, count in counts.items() if isinstance(count, int)}
    run = journal.record_gate(
        live.store,
        run,
        decision=judgement.decision.value,
        plan_digest=judgement.plan.digest,
        counts=flat,
        verdicts=linked(live, judgement.verdicts),
        now=now,
        about=_about(live, judgement, given=given),
    )
    run_logger().info("%s: %s", judgement.decision, counts)
    crash_point("judged")
    return run


def _about(live: LiveProject, judgement: Judgement, *, given: pd.DataFrame) -> dict[str, Any]:
    """What the run's page tells, of a run that has one."""
    if judgement.plan.is_empty and not judgement.rows_rejected and judgement.decision is Decision.APPLY:
        return {}
    cells = tally_cells(
        given,
        planned=judgement.plan.cells,
        stopped=judgement.rejected,
        dictionary=live.dictionary,
        grid=live.grid,
    )
    return {**ran_with(live), "cells": cells}


@effect("record verdicts")
def record_verdicts(live: LiveProject, run: Run, *, heard: pd.DataFrame, now: datetime) -> Run:
    """Add to a run's verdicts what only the write could tell."""
    if heard.empty:
        return run
    return journal.record_gate(
        live.store,
        run,
        decision=str(run.decision),
        plan_digest=str(run.plan_digest),
        counts={},
        verdicts=collected([journal.read_verdicts(live.store, run), linked(live, heard)]),
        now=now,
    )


@effect("record plan")
def record_plan(
    live: LiveProject, run: Run, *, cells: pd.DataFrame, heard: pd.DataFrame, now: datetime
) -> Run:
    """Keep what a run that the gate does not judge as a table is about to do, and what was said of it.

    `cells` has `CELL_COLUMNS` and `action`. A dry run keeps the cells too, for `capstan journal show`.
    """
    plan = Plan(cells[list(CELL_COLUMNS)])
    tally = tally_cells(None, planned=plan.cells, dictionary=live.dictionary, grid=live.grid)
    judged = journal.record_gate(
        live.store,
        run,
        decision=Decision.APPLY.value,
        plan_digest=plan.digest,
        counts={"cells_planned": len(cells)},
        verdicts=linked(live, heard),
        now=now,
        about={**ran_with(live), "cells": tally},
    )
    if run.dry_run:
        journal.keep_plan(live.store, run, plan=cells, now=now)
    crash_point("judged")
    return judged


@effect("end run")
def end_run(
    live: LiveProject, run: Run, *, state: RunState, now: datetime, counts: Mapping[str, int], note: str = ""
) -> Run:
    """End a run in the journal."""
    about = told_at_end(run)
    ended = journal.end_run(live.store, run, state=state, counts=counts, note=note, now=now, about=about)
    crash_point("ended")
    return ended


@effect("give up")
def give_up(live: LiveProject, run: Run, *, state: RunState, note: str, now: datetime) -> None:
    """End a run that an error stopped, with the counts of what it had written until then."""
    counts = outcome_counts(journal.read_images(live.store, run)["outcome"])
    about = told_at_end(run)
    journal.end_run(live.store, run, state=state, counts=counts, note=note, now=now, about=about)


@effect("mark reverted")
def mark_reverted(live: LiveProject, *, by: Run, now: datetime) -> None:
    """Say in the journal that the run `by` undid the one that it was begun for, unless that is said."""
    target = journal.find_run(live.store, str(by.reverts))
    if target.state is not RunState.REVERTED:
        journal.mark_reverted(live.store, target, by=by, now=now)
