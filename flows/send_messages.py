"""Send messages: whoever has a reason to hear from the study today, once, and what became of it."""

from __future__ import annotations

from flows.job import Summary
from flows.message_job import contact
from flows.parameters import Day, DryRun, MaxMessages, MessageIds, Participant, StudyName
from tasks.shield import study_flow


@study_flow("send-messages")
def send_messages(
    study: StudyName,
    participant: Participant = "",
    messages: MessageIds = [],  # noqa: B006 - Prefect reads the default, nothing changes it
    today: Day = None,
    dry_run: DryRun = False,
    max_messages: MaxMessages = None,
) -> Summary:
    """Send the study's messages to those for whom they are due; a second run sends nothing twice.

    Args:
        study: The name of the study.
        participant: The reference of one participant; all if blank. Never a record id, which would be kept.
        messages: The ids of some messages of the study file; all if empty.
        today: The day to plan for, in a dry run.
        dry_run: Plan and report, send nothing and fetch no survey link.
        max_messages: Messages that this run may send, instead of the study's limit.
    """
    return contact(
        study,
        flow="send_messages",
        dry_run=dry_run,
        today=today,
        participant=participant,
        names=messages,
        max_messages=max_messages,
    )
