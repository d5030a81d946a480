"""Ingest triggers: what REDCap and partners told, looked up in REDCap, and what follows from it."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

from capstan.errors import CapstanError
from capstan.progress import working
from capstan.store import Worked
from flows.job import Summary, telling_of_failure, utc_now
from flows.parameters import BatchSize, DryRun, StudyName
from flows.starting import run_asked
from tasks.inbox import Inbox, look_into_inbox
from tasks.messages.notices import tell_of_failure
from tasks.report import publish_report
from tasks.shield import flow_run_id, study_flow
from tasks.triggers import FLOW, GIVEN_UP, work_batch
from tasks.visiting import visiting


@study_flow("ingest-triggers")
def ingest_triggers(study: StudyName, dry_run: DryRun = False, batch: BatchSize = 200) -> Summary:
    """Work on the items that came in since the last run, then run the flows that they ask for.

    Args:
        study: The name of the study.
        dry_run: Say how many items wait; work on none.
        batch: How many items are looked up in REDCap with one export.
    """
    with telling_of_failure(study, flow=FLOW, dry_run=dry_run):
        inbox = look_into_inbox(study, dry_run=dry_run, now=utc_now())
        counts = _drain(inbox, limit=batch) if inbox.waiting and not dry_run else Counter[str]()
        if counts[GIVEN_UP]:
            _tell_of_given_up(study, counts[GIVEN_UP])
    started = {} if dry_run else run_asked(study)
    summary = _summary(inbox, counts, started=started, dry_run=dry_run)
    publish_report(summary)
    return summary


def _drain(inbox: Inbox, *, limit: int) -> Counter[str]:
    """Work on items until none waits; other workers may do the same at the same time."""
    counts = Counter[str]()
    # Nothing is written to REDCap here, so that no token that writes is asked for.
    with (
        visiting(inbox.study, flow=FLOW, dry_run=True) as live,
        working("work on items", inbox.waiting) as advance,
    ):
        while (worked := work_batch(live, limit=limit, clock=utc_now)) is not None:
            counts += worked
            advance(worked.total())
    return counts


def _summary(inbox: Inbox, counts: Counter[str], *, started: dict[str, str], dry_run: bool) -> Summary:
    failed = counts[Worked.FAILED] + counts[GIVEN_UP]
    unrun = [name for name, outcome in started.items() if outcome not in ("done", "idle", "put off")]
    outcome = "done" if counts or started else "idle"
    summary: Summary = {
        "study": inbox.study,
        "flow": FLOW,
        "outcome": "dry run" if dry_run else "partly" if failed or unrun else outcome,
        "dry_run": dry_run,
        "flow_run": flow_run_id(),
        "items_waiting": inbox.waiting,
        "items_reopened": inbox.reopened,
        "items": dict(counts),
        "runs": {f"{name}: {ended}": 1 for name, ended in started.items()},
    }
    look = f"`capstan triggers list --study {inbox.study}` says why"
    said = [f"{failed} items failed, {look}"] if failed else []
    said += [f"{name} ended as {started[name]}, `capstan journal list` has it" for name in unrun]
    return summary | ({"reason": f"{'; '.join(said)}."} if said else {})


def _tell_of_given_up(study: str, count: int) -> None:
    said = f"{count} items failed too often; `capstan triggers list --status failed` shows them."
    with suppress(CapstanError):
        tell_of_failure(study, flow=FLOW, error=CapstanError(said), now=utc_now())
