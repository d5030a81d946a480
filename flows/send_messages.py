"""Send messages: whoever has a reason to hear from the study today, once, and what became of it."""

from __future__ import annotations

from datetime import date

from flows.job import Summary
from flows.message_job import MaxMessages, MessageIds, contact
from tasks.shield import study_flow


@study_flow("send-messages")
def send_messages(
    study: str,
    dry_run: bool = False,
    today: date | None = None,
    messages: MessageIds = [],  # noqa: B006 - Prefect reads the default, nothing changes it
    max_messages: MaxMessages = None,
) -> Summary:
    """Send the study's messages to those for whom they are due; a second run sends nothing twice.

    Args:
        study: The name of the study.
        dry_run: Plan and report, send nothing and fetch no survey link.
        today: The day to plan for, in a dry run.
        messages: The ids of some messages of the study file; all if empty.
        max_messages: Messages that this run may send, instead of the study's limit.
    """
    return contact(
        study,
        flow="send_messages",
        dry_run=dry_run,
        today=today,
        names=messages,
        max_messages=max_messages,
    )
