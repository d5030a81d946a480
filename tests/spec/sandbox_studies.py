"""What tests of surveys, reports, PDFs and randomization share: a small longitudinal project by API."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import count
from typing import Any

import requests
from sandbox_recordings import Api, create

from sandbox.server import Running

_COLUMNS = (
    "field_name",
    "form_name",
    "field_type",
    "field_label",
    "select_choices_or_calculations",
    "text_validation_type_or_show_slider_number",
    "identifier",
    "section_header",
)
FIELDS = [
    ("record_id", "contact", "text", "Study ID"),
    ("name", "contact", "text", "Your <b>name</b>", "", "", "y"),
    ("email", "contact", "text", "E-mail &amp; address", "", "email"),
    ("sex", "contact", "radio", "Sex", "1, Female | 2, Male"),
    ("likes", "contact", "checkbox", "What do you like?", "a, Apples | b, Bananas | c, Cherries"),
    ("weight", "exam", "text", "Weight (kg)", "", "number", "", "Measurements"),
    ("double", "exam", "calc", "Doubled", "[weight] * 2"),
    ("notes", "exam", "notes", "Notes"),
    ("group", "exam", "radio", "Treatment", "A, Drug | B, Placebo"),
    ("number", "exam", "text", "Randomization number"),
    ("reached", "call", "yesno", "Reached?"),
]
EVENTS = [("Baseline", 1), ("Month 6", 1), ("Start", 2)]
MAPPING = [
    (1, "baseline_arm_1", "contact"),
    (1, "baseline_arm_1", "exam"),
    (1, "month_6_arm_1", "exam"),
    (1, "month_6_arm_1", "call"),
    (2, "start_arm_2", "contact"),
]


_NUMBERS = count(1)


@dataclass(frozen=True)
class Study:
    """One project, its API, and its controls."""

    api: Api
    controls: str
    project_id: int

    def control(self, path: str, body: Any = None, *, method: str = "POST") -> Any:
        url = f"{self.controls}projects/{self.project_id}/{path}"
        response = requests.request(method, url, json=body, timeout=30)
        assert response.status_code == 200, response.text
        return response.json()

    def as_user(self, **body: Any) -> Api:
        token = self.control("tokens", {"username": f"user_{next(_NUMBERS)}", **body})["token"]
        return Api(self.api.url, token)

    def send(self, content: str, rows: list[dict[str, Any]], **fields: str) -> str:
        return self.api.text(content, format="json", data=json.dumps(rows), **fields)

    def error(self, content: str, **fields: str) -> tuple[int, str]:
        response = self.api.post(content, returnFormat="json", **fields)
        return response.status_code, response.json()["error"]


def new_study(server: Running, *, longitudinal: bool = False) -> Study:
    """Make the project; a longitudinal one has two arms, and calls that repeat at month 6."""
    api = create(server, "")
    project_id = api.json("project")["project_id"]
    study = Study(api, server.control_url, project_id)
    study.send("metadata", [dict(zip(_COLUMNS, field, strict=False)) for field in FIELDS])
    if longitudinal:
        api.text("project_settings", format="json", data='{"is_longitudinal": "1"}')
        study.send(
            "event",
            [{"event_name": name, "arm_num": arm} for name, arm in EVENTS],
            action="import",
            override="1",
        )
        names = ("arm_num", "unique_event_name", "form")
        study.send("formEventMapping", [dict(zip(names, row, strict=True)) for row in MAPPING])
        study.send(
            "repeatingFormsEvents",
            [{"event_name": "month_6_arm_1", "form_name": "call", "custom_form_label": ""}],
        )
    return study
