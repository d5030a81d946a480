"""Queueing: a plan of messages goes into the outbox before anything is sent."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

import pandas as pd

from capstan import store as outbox
from capstan.store import Mailroom, Queued, Run
from capstan.study import Study
from tasks.connections import LiveProject
from tasks.crash import crash_point
from tasks.shield import effect, run_logger


def room_of(study: Study) -> Mailroom:
    """The outbox of a study's project."""
    return Mailroom(study.study, urlsplit(study.redcap.url).hostname or "", study.redcap.project.id)


@effect("queue messages")
def queue_plan(live: LiveProject, run: Run, *, planned: pd.DataFrame, now: datetime) -> Queued:
    """Put a plan (`PLANNED_COLUMNS`) into the outbox; contacts that are known stay as they are."""
    attempts = {message.id: message.attempts for message in live.study.messages}
    queued = outbox.queue_messages(
        live.store, planned, room=room_of(live.study), run=run.id, now=now, max_attempts=attempts
    )
    run_logger().info(
        "queued %d messages; %d were known, %d are suppressed", queued.added, queued.known, queued.suppressed
    )
    crash_point("queued")
    return queued
