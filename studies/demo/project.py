"""The Tooth Fairy Trial's structure: its instruments, its events, and what repeats where."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

TITLE = "Tooth Fairy Trial"
FORMS = MappingProxyType(
    {
        "participant_info": "Participant Info",
        "eligibility": "Eligibility",
        "randomization": "Randomization",
        "exam": "Exam",
        "tooth_scan": "Tooth Scan",
        "phone_follow_up": "Phone Follow Up",
        "visit_tracking": "Visit Tracking",
        "sms_survey_log": "SMS Survey Log",
        "sms_inbox": "SMS Inbox",
    }
)
ARMS = MappingProxyType({"1": "Baseline", "2": "Red", "3": "Green"})
_BASELINE_FORMS = ("participant_info", "eligibility", "randomization", "visit_tracking", "sms_inbox")
_FOLLOW_UP_FORMS = ("exam", "tooth_scan", "phone_follow_up", "visit_tracking", "sms_survey_log")
REPEATING = MappingProxyType(
    {
        "phone_follow_up": "[pfu_attempt_number]",
        "sms_survey_log": "[txt_twilio_status]",
        "sms_inbox": "[in_received_at]",
    }
)


class Event(NamedTuple):
    """One event; `offset` is its day in REDCap's own schedule."""

    name: str
    label: str
    arm: str
    offset: str
    forms: tuple[str, ...]


EVENTS = (
    Event("baseline_arm_1", "Baseline", "1", "1", _BASELINE_FORMS),
    *(
        Event(f"{months}_month_arm_{arm}", f"{months} Month", arm, offset, _FOLLOW_UP_FORMS)
        for arm in ("2", "3")
        for months, offset in (("6", "182"), ("12", "365"))
    ),
)


@cache
def fields() -> tuple[dict[str, str], ...]:
    """The rows of `dictionary.csv`, in REDCap's own columns."""
    path = Path(__file__).with_name("dictionary.csv")
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def fields_of(form: str) -> tuple[dict[str, str], ...]:
    """The rows of one instrument."""
    return tuple(row for row in fields() if row["form_name"] == form)


def choices_of(row: Mapping[str, str]) -> dict[str, str]:
    """The choices of a field as code and label; empty for fields without."""
    kind, text = row["field_type"], row["select_choices_or_calculations"]
    if kind == "yesno":
        return {"1": "Yes", "0": "No"}
    if kind not in ("radio", "dropdown", "checkbox"):
        return {}
    pairs = (choice.split(",", 1) for choice in text.split("|"))
    return {code.strip(): label.strip() for code, label in pairs}


def box(name: str, *, code: str) -> str:
    """The export column of a checkbox choice."""
    return f"{name}___{code.replace('-', '_')}"


def columns_of(row: Mapping[str, str]) -> list[str]:
    """The export columns of a field: one for each choice of a checkbox."""
    name = row["field_name"]
    if row["field_type"] != "checkbox":
        return [name]
    return [box(name, code=code) for code in choices_of(row)]


def first_group(form: str) -> str:
    """The name of an instrument's item group, which REDCap gives after its first item."""
    return f"{form}.{columns_of(fields_of(form)[0])[0]}"
