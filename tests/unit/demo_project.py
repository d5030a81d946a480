"""The demo study and its project as the rules know them, without a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from capstan.dictionary import Dictionary
from capstan.events import EventGrid
from capstan.study import Study
from studies.demo import project

FOLDER = Path(project.__file__).parent
ENVIRONMENT = {
    "REDCAP_URL": "http://127.0.0.1/api/",
    "REDCAP_PROJECT_ID": "1",
    "TWILIO_URL": "http://127.0.0.1:1",
    "SMTP_PORT": "1",
}
# Where the demo writes down what became of a text.
TEXT_LOG = {
    "instrument": "sms_survey_log",
    "fields": {
        "number": "txt_number",
        "message": "txt_message",
        "sid": "txt_twilio_sid",
        "status": "txt_twilio_status",
        "error_code": "txt_error_code",
        "sent_at": "txt_sent_at",
        "updated_at": "txt_updated_at",
    },
}


def demo_dictionary() -> Dictionary:
    """The data dictionary of the demo project."""
    forms = pd.DataFrame(project.FORMS.items(), columns=["instrument_name", "instrument_label"])
    return Dictionary.from_frames(pd.DataFrame(project.fields()), instruments=forms)


def demo_grid() -> EventGrid:
    """The event grid of the demo project."""
    events = [(event.label, event.arm, event.name) for event in project.EVENTS]
    places = [(event.name, form) for event in project.EVENTS for form in event.forms]
    repeats = [(event, form) for event, form in places if form in project.REPEATING]
    return EventGrid.from_frames(
        arms=pd.DataFrame(project.ARMS.items(), columns=["arm_num", "name"]),
        events=pd.DataFrame(events, columns=["event_name", "arm_num", "unique_event_name"]),
        mapping=pd.DataFrame(places, columns=["unique_event_name", "form"]),
        repeating=pd.DataFrame(repeats, columns=["event_name", "form_name"]),
        forms=tuple(project.FORMS),
    )


def demo_study(**changes: Any) -> Study:
    """The demo study; `changes` replace values by path, as `visits__0__event="9_month"`."""
    raw = yaml.safe_load((FOLDER / "study.yaml").read_text(encoding="utf-8"))
    for path, value in changes.items():
        *way, last = (int(part) if part.isdecimal() else part for part in path.split("__"))
        part = raw
        for step in way:
            part = part[step]
        part[last] = value
    return Study.from_text(yaml.safe_dump(raw), source="study.yaml", environment=ENVIRONMENT)
