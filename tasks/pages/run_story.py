"""The story of a run, collected from the store for its page."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from importlib.metadata import version

import pandas as pd
from pydantic import ValidationError

from capstan.overview import Overview
from capstan.store import (
    Batch,
    Run,
    Store,
    list_batches,
    read_images,
    read_verdicts,
    read_watermark,
)
from capstan.store.run_pages import run_after, run_before, runs_answered, runs_answering
from capstan.store.states import RunState
from capstan.structure import Structure
from capstan.study import Study
from checks.overview.run_panels import run_panels
from checks.overview.run_stopped import examples_of
from checks.overview.run_story import BATCH_COLUMNS, OUTCOME_COLUMNS, ProjectNames, RunStory
from tasks.deployed import flow_run_page
from tasks.page_folders import STUDY_PAGE
from tasks.pages.examples import examples_for
from tasks.report.page import COUNTS, OUTCOMES

_UNWRITTEN = frozenset({RunState.HELD, RunState.APPROVED, RunState.REFUSED, RunState.IDLE})


def run_overview(
    store: Store, run: Run, *, study: Study, names: ProjectNames | None, names_records: bool, now: datetime
) -> Overview:
    """All that a run's page shows; `names` are the project's, None where only the store's last are known.

    Raises Refused where retention has deleted what the run found.
    """
    batches, images = list_batches(store, run), read_images(store, run)
    found = read_verdicts(store, run)
    story = RunStory(
        said=_said(run),
        facts=_facts(store, run, study=study),
        counts={words: run.counts[name] for name, words in COUNTS.items() if run.counts.get(name)},
        about=run.about or {},
        outcomes=images[list(OUTCOME_COLUMNS)],
        batches=pd.DataFrame([_batch_row(each) for each in batches], columns=list(BATCH_COLUMNS)),
        verdicts=found,
        examples=_examples(store, run, found=found, names_records=names_records, now=now),
        names=names or _last_names(store, run),
        has_written=not run.dry_run and run.state not in _UNWRITTEN,
        names_records=names_records,
    )
    return Overview(
        study=run.study,
        title=f"{run.flow.replace('_', ' ').capitalize()}: {outcome_of(run)}",
        made_at=now,
        version=version("capstan"),
        panels=run_panels(story),
        links=_ways(store, run),
    )


def outcome_of(run: Run) -> str:
    """What a run came to, in a word or two."""
    return "dry run" if run.dry_run and run.state is RunState.IDLE else run.state.value


def _said(run: Run) -> str:
    stopped = run.counts.get("rows_rejected", 0)
    rows = f"{stopped:,} {'row was' if stopped == 1 else 'rows were'} stopped." if stopped else ""
    note = run.note and f"{run.note.rstrip('.')}."
    return " ".join(filter(None, [OUTCOMES.get(outcome_of(run), ""), rows, note]))


def _facts(store: Store, run: Run, *, study: Study) -> dict[str, str]:
    about, ended = run.about or {}, run.ended_at
    told = {
        "run": run.id,
        "flow": run.flow,
        "project": f"{run.project_id} on {run.host}",
        "decision of the checks": run.decision or "",
        "dry run": "yes" if run.dry_run else "no",
        "started": f"{run.started_at.astimezone(study.zone):%Y-%m-%d %H:%M:%S} ({study.timezone})",
        "took": f"{(ended - run.started_at).total_seconds():.1f} seconds" if ended else "",
        "started by": about.get("started", ""),
        "flow run": about.get("flow_run", ""),
        "digest of the plan": run.plan_digest or "",
        "answers": ", ".join(one.id for one in runs_answered(store, run)),
        "answered by": ", ".join(one.id for one in runs_answering(store, run)),
        "to see its cells": f"capstan journal show {run.id}",
        "to undo it": f"capstan journal revert {run.id}" if _can_be_undone(run) else "",
    }
    return {what: words for what, words in told.items() if words}


def _can_be_undone(run: Run) -> bool:
    wrote = run.counts.get("cells_written", 0) or run.counts.get("cells_reverted", 0)
    return bool(wrote) and run.state is not RunState.REVERTED


def _batch_row(batch: Batch) -> tuple[object, ...]:
    ends = (batch.sent_at, batch.finished_at)
    seconds = round((ends[1] - ends[0]).total_seconds(), 1) if ends[0] and ends[1] else float("nan")
    return batch.number, batch.action.value, batch.cells, batch.rows, batch.state.value, seconds


def _examples(
    store: Store, run: Run, *, found: pd.DataFrame, names_records: bool, now: datetime
) -> pd.DataFrame:
    if names_records:
        return examples_of(found)
    project = (run.host, run.project_id)
    return examples_for(store, run.study, project=project, found=found, now=now)


def _ways(store: Store, run: Run) -> tuple[tuple[str, str], ...]:
    """Where to go from the page: to the study, to the runs before and after, to those that belong to it."""
    named = [("run before", run_before(store, run)), ("run after", run_after(store, run))]
    named += [("what it answers", one) for one in runs_answered(store, run)]
    named += [("what answers it", one) for one in runs_answering(store, run)]
    flow_run = (run.about or {}).get("flow_run")
    prefect = flow_run_page(flow_run) if flow_run else ""
    ways = [("the study", f"../{STUDY_PAGE}")]
    ways += [(f"{words}: {one.flow} {one.id}", f"{one.id}.html") for words, one in named if one]
    return (*ways, ("the flow run in Prefect", prefect)) if prefect else tuple(ways)


def _last_names(store: Store, run: Run) -> ProjectNames:
    """The names that the project had at its last run; none before the first."""
    kept = read_watermark(store, run.study, name=f"{run.host}/{run.project_id} structure")
    with suppress(ValidationError):  # another version wrote it
        structure = Structure.from_text(kept or "")
        return ProjectNames.of(structure.dictionary, grid=structure.grid)
    return ProjectNames()
