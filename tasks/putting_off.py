"""Putting off: a run for which it is not the time ends with a sentence, and is asked for again."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

from capstan.errors import CapstanError, PutOff
from tasks.asked import ask_again
from tasks.calls import current_call
from tasks.messages.outage_news import tell_of_outage
from tasks.report import publish_report
from tasks.shield import flow_run_id

# A person started them and waits: an end that looks like success would be a lie.
BY_HAND = frozenset(
    {
        "apply_plan",
        "delete_file",
        "delete_records",
        "import_file",
        "import_records",
        "rename_records",
        "revert_run",
    }
)
# They look for themselves, and often, at what is left to do.
_RESTLESS = frozenset({"ingest_triggers", "load_sessions", "reconcile_triggers", "run_monitors"})


def put_off(error: PutOff, study: str, *, flow: str, dry_run: bool) -> None:
    """Say what a run comes to that is put off, and see to it that it takes place later.

    Only a run for the study as a whole is asked for again; what triggers asked for is asked for still.
    """
    if not dry_run:
        with suppress(CapstanError):  # the first error is the one to tell
            tell_of_outage(study, now=datetime.now(UTC))
    if flow in BY_HAND:
        return
    is_whole = current_call().is_plain and not error.is_covered
    if is_whole and not dry_run and flow not in _RESTLESS:
        with suppress(CapstanError):
            ask_again(study, flow=flow, now=datetime.now(UTC))
    error.summary = {
        "study": study,
        "flow": flow,
        "outcome": "put off",
        "dry_run": dry_run,
        "flow_run": flow_run_id(),
        "reason": str(error),
    }
    publish_report(error.summary)
