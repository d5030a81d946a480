"""Check deliveries: what became of messages that were sent, written down in REDCap until it is final."""

from __future__ import annotations

from flows.job import Summary, job
from flows.message_job import write_down
from flows.parameters import DryRun, Participant, StudyName
from flows.scope import choose_scope
from tasks.messages.lines import ask_for_deliveries, count_stops, reconcile_unknown
from tasks.messages.redacting import redact_old
from tasks.shield import study_flow


@study_flow("check-deliveries")
def check_deliveries(study: StudyName, participant: Participant = "", dry_run: DryRun = False) -> Summary:
    """Ask what became of messages, do what their codes ask, and write it into REDCap; nothing is sent.

    Args:
        study: The name of the study.
        participant: The reference of one participant; all if blank. Never a record id, which would be kept.
        dry_run: Ask nobody; judge and report what is not in REDCap yet, write nothing.
    """
    with job(study, flow="check_deliveries", dry_run=dry_run, looks_later=True) as current:
        records = choose_scope(current, participant=participant).records
        if not dry_run:
            news = ask_for_deliveries(current.live, records=records)
            current.details["deliveries"] = {"with news": news}
            current.details["settled"] = reconcile_unknown(current.live)
            current.details["redacted"] = {"at Twilio": redact_old(current.live, now=current.started)}
            current.details["stopped"] = count_stops(current.live)
        return write_down(current, records=records)
