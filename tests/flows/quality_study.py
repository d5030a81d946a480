"""A live study whose data quality is looked at, with a query instrument, and what people do to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from live_study import LiveStudy
from trial_study import enter, make_project

from capstan.quality.expected import Kind
from capstan.query import QueryState
from capstan.settings import load_settings
from capstan.store.outbox_rows import Mailroom
from capstan.store.queries import list_queries
from capstan.store.query_rows import Query
from tasks.connections import open_store

FORM = "data_queries"
FIELDS = {
    "number": "qry_number",
    "check": "qry_check",
    "field": "qry_field",
    "reason": "qry_reason",
    "state": "qry_state",
    "opened": "qry_opened",
    "link": "qry_link",
    "answer": "qry_answer",
}
# Great Expectations costs a process five seconds, and these tests ask nothing of it.
NOTHING_EXPECTED = f"expect: {{off: [{', '.join(Kind)}]}}"
CHECKS = f"quality: {{queries: {{checks: [type_mismatch]}}, {NOTHING_EXPECTED}}}\n"
IN_REDCAP = (
    "arms: {shared: [1], assigned_by: {event: baseline_arm_1, field: rand_color}}\n"
    f"writes: {{allow: [{FORM}]}}\n"
    f"quality:\n  {NOTHING_EXPECTED}\n  queries:\n    checks: [type_mismatch]\n"
    f"    instrument: {{name: {FORM}, event: baseline_arm_1, fields: {json.dumps(FIELDS)}}}\n"
)
EVERY = tuple(QueryState)


def make_clean(
    folder: Path, addresses: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch, *, body: str = CHECKS
) -> LiveStudy:
    """A project in which nothing is wrong, with its study."""
    made = make_project(folder, dict(addresses), body=body, participants=8)
    enter(made, monkeypatch)
    return made


def make_with_instrument(
    folder: Path, addresses: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> LiveStudy:
    """The same, with a repeating instrument for queries."""
    made = make_clean(folder, addresses, monkeypatch, body=IN_REDCAP)
    fields = made.call(content="metadata", format="json").json()
    for name in FIELDS.values():
        more = {"field_name": name, "form_name": FORM, "field_type": "notes", "field_label": name}
        fields.append(dict.fromkeys(fields[0], "") | more)
    assert made.call(content="metadata", format="json", data=json.dumps(fields)).ok
    mapping = made.call(content="formEventMapping", format="json").json()
    mapping.append({"arm_num": "1", "unique_event_name": "baseline_arm_1", "form": FORM})
    assert made.call(content="formEventMapping", action="import", format="json", data=json.dumps(mapping)).ok
    repeating = made.call(content="repeatingFormsEvents", format="json").json()
    repeating.append({"event_name": "baseline_arm_1", "form_name": FORM, "custom_form_label": ""})
    told = made.call(
        content="repeatingFormsEvents", action="import", format="json", data=json.dumps(repeating)
    )
    assert told.ok, told.text
    return made


def queries(study: LiveStudy) -> tuple[Query, ...]:
    """All queries of the study, the oldest first."""
    from urllib.parse import urlsplit

    room = Mailroom(study.name, urlsplit(study.url).hostname or "", study.project_id)
    with open_store(load_settings()) as store:
        return list_queries(store, room, states=EVERY)


def rows_in_redcap(study: LiveStudy) -> list[dict[str, str]]:
    """The rows of the query instrument."""
    rows = study.call(content="record", format="json", forms=FORM, fields="record_id").json()
    return [row for row in rows if row["redcap_repeat_instrument"] == FORM]
