"""Send surveys: the messages that carry a survey's link, each participant's own."""

from __future__ import annotations

from flows.job import Summary
from flows.message_job import contact
from flows.parameters import Day, DryRun, MaxMessages, MessageIds, Participant, StudyName
from tasks.shield import study_flow


@study_flow("send-surveys")
def send_surveys(
    study: StudyName,
    participant: Participant = "",
    messages: MessageIds = [],  # noqa: B006 - Prefect reads the default, nothing changes it
    today: Day = None,
    dry_run: DryRun = False,
    max_messages: MaxMessages = None,
) -> Summary:
    """Send the study's messages that have a survey, as `send_messages` does with all of them.

    Args:
        study: The name of the study.
        participant: The reference of one participant; all if blank. Never a record id, which would be kept.
        messages: The ids of some messages with a survey; all of these if empty.
        today: The day to plan for, in a dry run.
        dry_run: Plan and report, send nothing and fetch no survey link.
        max_messages: Messages that this run may send, instead of the study's limit.
    """
    return contact(
        study,
        flow="send_surveys",
        dry_run=dry_run,
        today=today,
        participant=participant,
        names=messages,
        surveys_only=True,
        max_messages=max_messages,
    )
