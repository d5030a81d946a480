"""Load sessions: every form that tells of a session, whether or not a trigger told of it."""

from __future__ import annotations

from collections import Counter

from flows.job import Summary, telling_of_failure, utc_now
from flows.parameters import DryRun, Participant, StudyName
from tasks.connections import LiveProject
from tasks.judging import refuse_empty
from tasks.redcap import list_records
from tasks.references import record_of
from tasks.report import publish_report
from tasks.session_sweep import count_readable, export_sessions, follow_deleted, load_swept
from tasks.shield import flow_run_id, study_flow
from tasks.visiting import visiting

_FLOW = "load_sessions"


@study_flow("load-sessions")
def load_sessions(study: StudyName, participant: Participant = "", dry_run: DryRun = False) -> Summary:
    """Export the forms that tell of sessions and load all of them; what is known already changes nothing.

    Args:
        study: The name of the study.
        participant: The reference of one participant; all if blank. Never a record id, which would be kept.
        dry_run: Say how many session ids can be read; load nothing.
    """
    with (
        telling_of_failure(study, flow=_FLOW, dry_run=dry_run),
        # Nothing is written to REDCap here, so that no token that writes is asked for.
        visiting(study, flow=_FLOW, dry_run=True) as live,
    ):
        counts = _sweep(live, participant=participant, dry_run=dry_run)
    summary = _summary(study, counts, dry_run=dry_run)
    publish_report(summary)
    return summary


def _sweep(live: LiveProject, *, participant: str, dry_run: bool) -> Counter[str]:
    started = utc_now()
    known = list_records(live)
    refuse_empty(live, records=known, now=started, may_be_new=True)
    records = {record_of(live, participant, records=known)} if participant else None
    swept = export_sessions(live, records=records)
    if dry_run:
        return count_readable(swept)
    counts = load_swept(live, swept, clock=utc_now)
    counts["deleted"] = follow_deleted(live, swept, since=started, now=utc_now(), records=records)
    return +counts


def _summary(study: str, counts: Counter[str], *, dry_run: bool) -> Summary:
    outcome = "done" if counts["changed"] or counts["deleted"] else "idle"
    summary: Summary = {
        "study": study,
        "flow": _FLOW,
        "outcome": "dry run" if dry_run else outcome,
        "dry_run": dry_run,
        "flow_run": flow_run_id(),
        "sessions": dict(counts),
    }
    waiting = counts["waiting"]
    forms = "1 form waits" if waiting == 1 else f"{waiting} forms wait"
    said = f"{forms} for a person; `capstan sessions list {study} --waiting` shows them."
    return summary | ({"reason": said} if waiting else {})
