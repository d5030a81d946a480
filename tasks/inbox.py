"""The inbox before any work: how much waits, what a new revision reopens, and what is kept no longer."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from capstan.settings import load_settings
from capstan.store import count_waiting, forget_items, reopen_history
from capstan.study import find_study, read_study
from tasks.connections import open_store
from tasks.folders import study_folders
from tasks.shield import effect, run_logger
from tasks.triggers import FLOW, revision_of


class Inbox(NamedTuple):
    """What an inbox holds: items to work on, and how many of them a raised revision brought back."""

    study: str
    waiting: int
    reopened: int


@effect("look into the inbox")
def look_into_inbox(name: str, *, dry_run: bool, now: datetime) -> Inbox:
    """Count what waits, without asking REDCap; raises StudyError for the study file."""
    settings = load_settings()
    study, reopened = read_study(find_study(name, folders=study_folders(settings))), 0
    with open_store(settings) as store:
        if not dry_run:
            revision = revision_of(study)
            reopened = reopen_history(store, name, flow=FLOW, revision=revision, now=now)
            forget_items(store, name, before=now - timedelta(days=study.retention_days))
        waiting = count_waiting(store, name, now=now)
    run_logger().info("%d items wait, %d of them for a new revision", waiting, reopened)
    return Inbox(name, waiting, reopened)
