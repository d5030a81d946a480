"""What tests of the served sandbox share: a small project, its XML, and raw HTTP."""

from __future__ import annotations

import json
from typing import Any

import requests

from sandbox.server import Running

FIELDS = [
    ("record_id", "start", "text", "", ""),
    ("first_name", "start", "text", "", ""),
    ("born", "start", "text", "", "date_ymd"),
    ("likes", "start", "checkbox", "1, Milk | -9, None", ""),
    ("height", "exam", "text", "", "number"),
    ("double", "exam", "calc", "[height]*2", ""),
    ("outcome", "call", "radio", "1, Reached | 2, Not reached", ""),
]
EVENTS = [("Baseline", 1), ("Month 6", 1), ("Month 6", 2)]
MAPPING = [
    (1, "baseline_arm_1", "start"),
    (1, "month_6_arm_1", "exam"),
    (1, "month_6_arm_1", "call"),
    (2, "month_6_arm_2", "exam"),
]


def metadata() -> list[dict[str, str]]:
    names = ("field_name", "form_name", "field_type", "select_choices_or_calculations")
    validation = "text_validation_type_or_show_slider_number"
    return [
        {**dict(zip(names, field, strict=False)), validation: field[4], "field_label": field[0].title()}
        for field in FIELDS
    ]


def post(server: Running, token: str, content: str, **fields: str) -> requests.Response:
    return requests.post(server.redcap_url, data={"token": token, "content": content, **fields}, timeout=30)


def control(server: Running, path: str, body: Any = None, *, method: str = "POST") -> Any:
    response = requests.request(method, server.control_url + path, json=body, timeout=30)
    response.raise_for_status()
    return response.json()


def new_project(server: Running, *, longitudinal: bool = False) -> str:
    """Make the small project through the API alone; returns its token."""
    attributes = [{"project_title": "Small", "purpose": "0", "is_longitudinal": str(int(longitudinal))}]
    token = post(server, server.super_token, "project", format="json", data=json.dumps(attributes)).text
    send(server, token, "metadata", metadata())
    if longitudinal:
        events = [{"event_name": label, "arm_num": arm} for label, arm in EVENTS]
        send(server, token, "event", events, action="import", override="1")
        names = ("arm_num", "unique_event_name", "form")
        send(server, token, "formEventMapping", [dict(zip(names, row, strict=True)) for row in MAPPING])
        repeating = [{"event_name": "month_6_arm_1", "form_name": "call", "custom_form_label": "[outcome]"}]
        send(server, token, "repeatingFormsEvents", repeating)
    return token


def send(server: Running, token: str, content: str, rows: list[dict], **fields: str) -> str:
    response = post(server, token, content, format="json", data=json.dumps(rows), **fields)
    assert response.status_code == 200, response.text
    return response.text
