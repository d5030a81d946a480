"""A small live study to write to and take back from, and what people do to it in REDCap."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import requests
from live_study import LiveStudy, make_study

from studies.demo.generate import project_xml

TODAY = date(2026, 6, 1)
BODY = (
    "arms: {shared: [1], assigned_by: {event: baseline_arm_1, field: rand_color}}\n"
    "writes: {allow: [participant_info, exam, phone_follow_up], "
    "limits: {records: 2, share: 1, new_records: 5}}\n"
)
HEAD = "record_id,redcap_event_name,part_first_name,part_age\n"


def make_trial(
    folder: Path, addresses: dict[str, Any], monkeypatch: pytest.MonkeyPatch, *, body: str = BODY
) -> LiveStudy:
    """A project with its study, whose runs may change two records, in this process's environment."""
    made = make_project(folder, addresses, body=body)
    enter(made, monkeypatch)
    return made


def enter(study: LiveStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process work on a study."""
    for name, value in study.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)


def make_project(
    folder: Path, addresses: dict[str, Any], *, body: str = BODY, participants: int = 20
) -> LiveStudy:
    """A project of some participants with its study."""
    xml = project_xml(TODAY, participants=participants)
    return make_study(folder, name="trial", addresses=addresses, xml=xml, title="Trial", body=body)


def rows_file(folder: Path, *rows: str, head: str = HEAD) -> str:
    """A CSV file; a row is what follows the record id's event, such as `1,Ann,4`."""
    path = folder / "rows.csv"
    lines = [f"{record},baseline_arm_1,{rest}\n" for record, _, rest in (row.partition(",") for row in rows)]
    path.write_text(head + "".join(lines), encoding="utf-8")
    return str(path)


def held(study: LiveStudy, record: str, field: str, *, event: str = "baseline_arm_1") -> str:
    """What REDCap holds in a cell."""
    asked = {"records": record, "fields": f"record_id,{field}", "events": event}
    return str(study.call(content="record", format="json", **asked).json()[0][field])


def edit(addresses: dict[str, Any], study: LiveStudy, record: str, field: str, value: str) -> None:
    """Somebody changes a cell by hand."""
    body = {"record": record, "event": "baseline_arm_1", "field": field, "value": value}
    url = f"{addresses['control_url']}projects/{study.project_id}/cells"
    assert requests.post(url, json=body, timeout=30).ok


def change_dictionary(study: LiveStudy, **row: str) -> None:
    """Somebody adds a field to the data dictionary, behind the last one of its form."""
    fields = study.call(content="metadata", format="json").json()
    last = max(place for place, field in enumerate(fields) if field["form_name"] == row["form_name"])
    fields.insert(last + 1, dict.fromkeys(fields[0], "") | row)
    assert study.call(content="metadata", format="json", data=json.dumps(fields)).ok


def add_file_field(study: LiveStudy) -> None:
    """Give the exam a photo."""
    change_dictionary(
        study, field_name="exam_photo", form_name="exam", field_type="file", field_label="Photo"
    )


def visit_place(study: LiveStudy) -> tuple[str, str]:
    """A record, and the first follow-up event of its own arm."""
    rows = study.call(content="record", format="json", fields="record_id,rand_color").json()
    record, arm = next((row["record_id"], row["rand_color"]) for row in rows if row["rand_color"])
    return record, f"6_month_arm_{arm}"
