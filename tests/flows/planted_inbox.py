"""What REDCap and a partner tell of planted participants, worked on well and badly, and what it starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from planted_study import MARK

import tasks.triggers
from capstan.settings import load_settings
from capstan.store import Choice, ItemStatus, keep_item, reopen_items
from capstan.study import find_study
from cli.stores import open_store_here
from tasks.connections import open_project
from tasks.folders import study_folders

if TYPE_CHECKING:
    from planted_flows import Stage

_RULE = "  - {instrument: exam, starts: compute_visit_dates}\n"


def run_inbox(stage: Stage, *, bug: Callable[..., Any]) -> None:
    """Items of every kind, worked on with and without faults."""
    with _more_rules(stage.study):
        for form in _forms(stage.study):
            _keep(stage.study, "redcap", form)
        _keep(stage.study, "partner/agile", {"said": f"{MARK} by a partner"})
        stage.run("inbox dry", "ingest_triggers", dry_run=True)
        with stage.fault("status", count=99, content="project", status=500):
            stage.run("inbox status", "ingest_triggers")
        with bug(tasks.triggers, "find_row", _tell_rows):
            stage.run("inbox value error", "ingest_triggers")
        with open_store_here() as store:
            reopen_items(store, Choice(status=ItemStatus.AGAIN))
        stage.run("inbox", "ingest_triggers")


def _forms(study: str) -> Iterator[dict[str, str]]:
    """Triggers of completed exams, of a record that is not there, and of nothing."""
    live = open_project(study, dry_run=True)
    base, project = live.study.redcap.url.removesuffix("api/"), live.study.redcap.project.id
    exams = live.redcap.records(fields=["record_id", "exam_complete"])
    live.close()
    done = exams[exams["exam_complete"] == "2"]
    places = list(zip(done["record_id"], done["redcap_event_name"], strict=True))[:2]
    for record, event in [*places, (f"{MARK} nobody", "6_month_arm_2")]:
        yield {
            "redcap_url": base,
            "project_url": f"{base}redcap_v15.2.1/index.php?pid={project}",
            "project_id": str(project),
            "username": f"{MARK} user",
            "record": record,
            "redcap_event_name": event,
            "instrument": "exam",
            "exam_complete": "2",
        }
    yield {"record": f"{MARK} of no trigger"}


def _keep(study: str, source: str, form: dict[str, str]) -> None:
    with open_store_here() as store:
        keep_item(store, study=study, source=source, form=form, now=datetime.now(UTC))


@contextmanager
def _more_rules(study: str) -> Iterator[None]:
    """Let exams start a flow for a while."""
    file = find_study(study, folders=study_folders(load_settings())) / "study.yaml"
    text = file.read_text("utf-8")
    first = "  - {instrument: tooth_scan,"
    assert text.count(first) == 1
    file.write_text(text.replace(first, _RULE + first), "utf-8")
    yield
    file.write_text(text, "utf-8")


def _tell_rows(rows: Any, *_: object, **__: object) -> Any:
    raise ValueError(f"cannot read {rows}")
