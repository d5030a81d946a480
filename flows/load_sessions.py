"""Load sessions: every form that tells of a session, whether or not a trigger told of it."""

from __future__ import annotations

from collections import Counter

from flows.job import Summary, telling_of_failure, utc_now
from tasks.connections import LiveProject, open_project
from tasks.judging import refuse_empty
from tasks.redcap import list_records
from tasks.report import publish_report
from tasks.session_sweep import count_readable, export_sessions, follow_deleted, load_swept
from tasks.shield import flow_run_id, study_flow

_FLOW = "load_sessions"


@study_flow("load-sessions")
def load_sessions(study: str, dry_run: bool = False) -> Summary:
    """Export the forms that tell of sessions and load all of them; what is known already changes nothing.

    Args:
        study: The name of the study.
        dry_run: Say how many session ids can be read; load nothing.
    """
    with telling_of_failure(study, flow=_FLOW, dry_run=dry_run):
        # Nothing is written to REDCap here, so that no token that writes is asked for.
        live = open_project(study, flow=_FLOW, dry_run=True)
        try:
            counts = _sweep(live, dry_run=dry_run)
        finally:
            live.close()
    summary = _summary(study, counts, dry_run=dry_run)
    publish_report(summary)
    return summary


def _sweep(live: LiveProject, *, dry_run: bool) -> Counter[str]:
    started = utc_now()
    refuse_empty(live, records=list_records(live), now=started, may_be_new=True)
    swept = export_sessions(live)
    if dry_run:
        return count_readable(swept)
    counts = load_swept(live, swept, clock=utc_now)
    counts["deleted"] = follow_deleted(live, swept, since=started, now=utc_now())
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
