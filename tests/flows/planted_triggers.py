"""What REDCap and a partner tell of planted participants, and the flow that works on it, well and badly."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from planted_study import MARK

import tasks.triggers
from capstan.store import Choice, ItemStatus, keep_item, reopen_items
from cli.stores import open_store_here
from tasks.connections import open_project

if TYPE_CHECKING:
    from planted_flows import Stage


def run_triggers(stage: Stage, *, bug: Callable[..., Any]) -> None:
    """Items of every kind, worked on with and without faults."""
    live = open_project(stage.study, dry_run=True)
    base, project = live.study.redcap.url.removesuffix("api/"), live.study.redcap.project.id
    exams = live.redcap.records(fields=["record_id", "exam_complete"])
    live.close()
    done = exams[exams["exam_complete"] == "2"]
    places = list(zip(done["record_id"], done["redcap_event_name"], strict=True))[:2]
    for number, (record, event) in enumerate([*places, (f"{MARK} nobody", "6_month_arm_2")]):
        form = {
            "redcap_url": base,
            "project_url": f"{base}redcap_v15.2.1/index.php?pid={project}",
            "project_id": str(project),
            "username": f"{MARK} user {number}",
            "record": record,
            "redcap_event_name": event,
            "instrument": "exam",
            "exam_complete": "2",
        }
        _keep(stage.study, "redcap", form)
    _keep(stage.study, "redcap", {"record": f"{MARK} of no trigger"})
    _keep(stage.study, "partner/agile", {"said": f"{MARK} by a partner"})
    stage.run("triggers dry", "ingest_triggers", dry_run=True)
    with stage.fault("status", count=99, content="project", status=500):
        stage.run("triggers status", "ingest_triggers")
    with bug(tasks.triggers, "find_row", _tell_row):
        stage.run("triggers value error", "ingest_triggers")
    _replay()
    stage.run("triggers", "ingest_triggers")


def _keep(study: str, source: str, form: dict[str, str]) -> None:
    with open_store_here() as store:
        keep_item(store, study=study, source=source, form=form, now=datetime.now(UTC))


def _replay() -> None:
    """Let what failed be due at once."""
    with open_store_here() as store:
        reopen_items(store, Choice(status=ItemStatus.AGAIN))


def _tell_row(rows: Any, *_: object, **__: object) -> Any:
    raise ValueError(f"cannot read {rows}")
