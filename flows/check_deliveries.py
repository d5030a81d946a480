"""Check deliveries: what became of messages that were sent, written down in REDCap until it is final."""

from __future__ import annotations

from flows.job import Summary, job
from flows.message_job import write_down
from tasks.messages.lines import ask_for_deliveries, count_stops, reconcile_unknown
from tasks.messages.redacting import redact_old
from tasks.shield import study_flow


@study_flow("check-deliveries")
def check_deliveries(study: str, dry_run: bool = False) -> Summary:
    """Ask what became of messages, do what their codes ask, and write it into REDCap; nothing is sent.

    Args:
        study: The name of the study.
        dry_run: Ask nobody; judge and report what is not in REDCap yet, write nothing.
    """
    with job(study, flow="check_deliveries", dry_run=dry_run) as current:
        if not dry_run:
            current.details["deliveries"] = {"with news": ask_for_deliveries(current.live)}
            current.details["settled"] = reconcile_unknown(current.live)
            current.details["redacted"] = {"at Twilio": redact_old(current.live, now=current.started)}
            current.details["stopped"] = count_stops(current.live)
        return write_down(current)
