"""Reconcile triggers: what REDCap did not tell of is found and worked, and what is gone is followed."""

from __future__ import annotations

from datetime import datetime

from flows.job import Summary, telling_of_failure, utc_now
from flows.parameters import DryRun, Since, StudyName
from tasks.connections import LiveProject
from tasks.reconciling.changes import Changes, find_changes
from tasks.reconciling.coverage import count_triggers, keep_coverage, tell_of_silence
from tasks.reconciling.following import follow_gone
from tasks.reconciling.gone import Gone, find_gone
from tasks.reconciling.horizon import Horizon, acted_now, read_horizon
from tasks.reconciling.missing import export_forms, find_missing, make_items
from tasks.reconciling.telling import summary_of
from tasks.redcap import list_records
from tasks.report import publish_report
from tasks.shield import study_flow
from tasks.visiting import visiting

FLOW = "reconcile_triggers"


@study_flow("reconcile-triggers")
def reconcile_triggers(study: StudyName, since: Since = None, dry_run: DryRun = False) -> Summary:
    """Compare REDCap with what was worked since the last time, and put what is missing into the inbox.

    Args:
        study: The name of the study.
        since: Look at changes since then, in the study's time zone, if that is earlier than usual.
        dry_run: Say what is missing and gone; make, follow and remember nothing.
    """
    with (
        telling_of_failure(study, flow=FLOW, dry_run=dry_run),
        # Nothing is written to REDCap, so that no token that writes is asked for.
        visiting(study, flow=FLOW, dry_run=True) as live,
    ):
        summary = _reconcile(live, since=since, now=acted_now(live, utc_now()), dry_run=dry_run)
    publish_report(summary)
    return summary


def _reconcile(live: LiveProject, *, since: datetime | None, now: datetime, dry_run: bool) -> Summary:
    horizon = read_horizon(live, since=since, now=now)
    changes = find_changes(live, since=horizon.since)
    records = list_records(live)
    forms = export_forms(live, records=changes.records & records)
    gone = find_gone(live, changes, records=records, forms=forms)
    if not dry_run:
        # First, so that what is only renamed is not missing.
        follow_gone(live, gone, now=now)
    missing = find_missing(live, forms)
    made = len(missing) if dry_run else make_items(live, missing, now=now)
    return _count(live, changes, horizon=horizon, gone=gone, made=made, now=now, dry_run=dry_run)


def _count(
    live: LiveProject,
    changes: Changes,
    *,
    horizon: Horizon,
    gone: Gone,
    made: int,
    now: datetime,
    dry_run: bool,
) -> Summary:
    """Count what came and what did not; a dry run remembers nothing of it."""
    counted = count_triggers(live, changes, horizon=horizon, now=now)
    is_silent = counted.is_silent
    if not dry_run:
        is_silent = tell_of_silence(live, counted, now=now)
        deleted, renamed = len(gone.deleted), len(gone.renamed)
        keep_coverage(live, counted, changes=changes, made=made, deleted=deleted, renamed=renamed)
    return summary_of(
        live, changes, counted.interval, flow=FLOW, gone=gone, made=made, is_silent=is_silent, dry_run=dry_run
    )
