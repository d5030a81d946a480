"""The demo's study for tests of timetables: with other times, and without the environment of a machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from capstan.study import Study, read_study
from capstan.study.schedules import Schedules

_FOLDER = Path(__file__).resolve().parents[1] / "studies" / "demo"
_VARIABLES = {
    "REDCAP_URL": "http://127.0.0.1/api/",
    "REDCAP_PROJECT_ID": "1",
    "TWILIO_URL": "http://127.0.0.1",
    "SMTP_PORT": "25",
}


def scheduled_study(*, shift: str = "0 minutes", flows: Any = None, **parts: Any) -> Study:
    """The demo's study with these `schedules`, and with other `parts` in the place of its own."""
    schedules = Schedules.model_validate({"shift": shift, "flows": flows or {}})
    return read_study(_FOLDER, environment=_VARIABLES).model_copy(update={"schedules": schedules, **parts})
