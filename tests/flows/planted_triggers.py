"""Items of the inbox in the planted study: made, worked, and followed, with and without faults."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any, Protocol

import requests
from planted_study import MARK

import tasks.reconciling.changes
import tasks.reconciling.missing
import tasks.session_sweep

Bug = Callable[..., Any]


class Stage(Protocol):
    """What runs a flow and keeps how it ended."""

    def run(self, name: str, flow: str, **parameters: Any) -> None: ...


def run_triggers(stage: Stage, *, bug: Bug) -> None:
    """A scan form is imported with a mark in it, renamed, and deleted."""
    record, event = _place()
    scan = {"scan_session": f"{MARK} session", "scan_date": "1931-05-06", "scan_comment": f"{MARK} comment"}
    row = {"record_id": record, "redcap_event_name": event, "tooth_scan_complete": "2", **scan}
    _call(action="", data=json.dumps([row]))
    stage.run("reconciled dry", "reconcile_triggers", dry_run=True)
    with bug(tasks.reconciling.changes, "read_log", _tell_log):
        stage.run("reconciled value error", "reconcile_triggers")
    with bug(tasks.reconciling.missing, "made_trigger", _tell_form):
        stage.run("made value error", "reconcile_triggers")
    stage.run("reconciled", "reconcile_triggers")
    stage.run("ingested", "ingest_triggers")
    with bug(tasks.session_sweep, "read_form", _tell_row):
        stage.run("swept value error", "load_sessions")
    stage.run("swept", "load_sessions")
    _call(action="rename", record=record, new_record_name=f"{record}-B")
    stage.run("renamed", "reconcile_triggers")
    _call(action="delete", records=f"{record}-B")
    stage.run("deleted", "reconcile_triggers")


def _tell_log(rows: Any, **_: Any) -> Any:
    raise ValueError(f"cannot read {next(iter(rows))}")


def _tell_form(form: Any, **_: Any) -> Any:
    raise ValueError(f"cannot make {form.place.record} {form.content}")


def _tell_row(*_: Any, row: Any, **__: Any) -> Any:
    raise ValueError(f"cannot read {row}")


def _place() -> tuple[str, str]:
    """A randomized participant, and a follow-up event of that arm."""
    rows = _call(action="", fields="record_id,rand_color")
    row = [row for row in rows if row["rand_color"]][-1]
    return row["record_id"], f"6_month_arm_{row['rand_color']}"


def _call(**parameters: str) -> Any:
    asked = {"token": os.environ["TOKEN_PLANTED"], "content": "record", "format": "json", **parameters}
    response = requests.post(os.environ["REDCAP_URL"], data=asked, timeout=30)
    response.raise_for_status()
    return response.json()
