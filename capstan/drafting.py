"""Drafting: a first study file for a project, guessed from its structure, each guess explained."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from capstan.dictionary import Dictionary, Field, FieldType
from capstan.events import Event, EventGrid

_PERIOD = re.compile(r"([0-9]+)[ _-]*(day|week|month|year)s?", re.IGNORECASE)
_WINDOWS = {"day": 1, "week": 3, "month": 14, "year": 30}
_RANDOM = re.compile(r"(^|_)(rand|arm)")
_PAST = re.compile(r"birth|\bdob\b|dob_|_dob|consent|enrol", re.IGNORECASE)


@dataclass(frozen=True)
class Draft:
    """What a study file is drafted from."""

    name: str
    url: str
    token_env: str
    info: Mapping[str, Any]
    dictionary: Dictionary
    grid: EventGrid

    @property
    def is_production(self) -> bool:
        """Whether the project is in production status."""
        return str(self.info.get("in_production")) == "1"


def draft_study(draft: Draft) -> str:
    """Write a study file that can be used as it is: identity, arms, visits and writes, with comments."""
    field = assigning_field(draft.dictionary, grid=draft.grid)
    parts = [
        _identity(draft),
        _arms(draft, field=field),
        _visits(draft, field=field),
        _eligibility(draft),
        _writes(draft),
        _checks(draft),
    ]
    return "\n".join(part for part in parts if part)


def assigning_field(dictionary: Dictionary, *, grid: EventGrid) -> Field | None:
    """The choice field whose every label is an arm's name, or whose every code an arm's number."""
    if len(grid.arms) < 2:
        return None
    numbers, names = set(grid.arms), {name.strip().lower() for name in grid.arms.values()}
    found = []
    for item in dictionary.fields:
        if item.type in (FieldType.RADIO, FieldType.DROPDOWN) and len(item.choices) > 1:
            labels = {label.strip().lower() for label in item.choices.values()}
            by_number = _codes_are_arms(item, numbers=numbers) and _RANDOM.search(item.name)
            if by_number or labels <= names:
                found.append(item)
    by_name = [item for item in found if _RANDOM.search(item.name)]
    return next(iter(by_name or found), None)


def _codes_are_arms(item: Field, *, numbers: set[str]) -> bool:
    """Whether every code is an arm's number, and no arm but the first ones is left over to be shared."""
    codes = set(item.choices)
    return codes <= numbers and all(int(left) < min(map(int, codes)) for left in numbers - codes)


def arm_codes(item: Field, *, grid: EventGrid) -> dict[str, int]:
    """The arm number of each code, by its label, else by number: codes may count from 1, arms from 2."""
    named = {name.strip().lower(): number for number, name in grid.arms.items()}
    return {code: int(named.get(label.strip().lower(), code)) for code, label in item.choices.items()}


def _identity(draft: Draft) -> str:
    status = "production" if draft.is_production else "development"
    return (
        "# Drafted from the live project. Read every line that says GUESS before the study goes live.\n"
        + _yaml({"study": draft.name, "title": str(draft.info.get("project_title"))})
        + "timezone: UTC  # GUESS: the study's time zone, such as America/Los_Angeles\n"
        + _yaml(
            {
                "redcap": {
                    "url": draft.url,
                    "token": {"env": draft.token_env},
                    "project": {
                        "id": int(str(draft.info.get("project_id"))),
                        "title": str(draft.info.get("project_title")),
                        "status": status,
                    },
                }
            }
        )
    )


def _arms(draft: Draft, *, field: Field | None) -> str:
    if len(draft.grid.arms) < 2:
        return ""
    if field is None:
        return (
            "# The project has several arms, and no field whose codes are their numbers or names. Without\n"
            "# `arms`, a participant stays in the arms where there is data already.\n"
        )
    codes = arm_codes(field, grid=draft.grid)
    shared = [int(number) for number in draft.grid.arms if int(number) not in codes.values()]
    event = _event_of(field, draft=draft)
    rule: dict[str, Any] = {"event": event, "field": field.name}
    if any(code != str(number) for code, number in codes.items()):
        rule["arms"] = codes
    return (
        f"# GUESS: the codes of {field.name} are the arms; the other arms are shared by everybody.\n"
        + _yaml({"arms": {"shared": shared, "assigned_by": rule}})
    )


def _visits(draft: Draft, *, field: Field | None) -> str:
    anchor = _anchor(draft, field=field)
    visits = [_visit(event, anchor=anchor, draft=draft) for event in _visit_events(draft.grid)]
    known = [visit for visit in visits if visit]
    if not known or not anchor:
        return "# No visits could be guessed: no event's name or day offset tells a period.\nvisits: []\n"
    return f"# GUESS: periods from the events' names or offsets, counted from {anchor}.\n" + _yaml(
        {"visits": known}
    )


def _visit_events(grid: EventGrid) -> list[Event]:
    """One event for each name: those of several arms are one visit."""
    seen: dict[str, Event] = {}
    for event in grid.events:
        seen.setdefault(event.label, event)
    return list(seen.values())


def _visit(event: Event, *, anchor: str, draft: Draft) -> dict[str, Any] | None:
    told = _PERIOD.search(event.label)
    offset = int(event.offset_days) if event.offset_days.lstrip("-").isdigit() else 0
    if not told and offset <= 1:
        return None
    number, unit = (int(told[1]), told[2].lower()) if told else (offset, "day")
    forms = [form for form in draft.dictionary.forms if (event.name, form) in draft.grid.designated]
    if not forms or not number:
        return None
    days = _WINDOWS[unit]
    alike = [other for other in draft.grid.events if other.label == event.label]
    return {
        "name": event.label,
        "event": re.sub(r"_arm_[0-9]+[a-z]*\Z", "", event.name) if len(alike) > 1 else event.name,
        "anchor": anchor,
        "after": f"{number} {unit}s" if number != 1 else f"1 {unit}",
        "window": [f"-{days}d", f"+{days}d"],
        "done_when": f"[{forms[0]}_complete] = '2'",
    }


def _anchor(draft: Draft, *, field: Field | None) -> str:
    """The date next to the arm's field, else the first date of the first event."""
    forms = [field.form] if field else [f for f in draft.dictionary.forms if _is_first(f, grid=draft.grid)]
    for item in draft.dictionary.fields:
        if item.form in forms and item.validation.startswith("date_"):
            event = _event_of(item, draft=draft)
            return f"[{event}][{item.name}]" if event else f"[{item.name}]"
    return ""


def _is_first(form: str, *, grid: EventGrid) -> bool:
    return (grid.names[0], form) in grid.designated


def _event_of(item: Field, *, draft: Draft) -> str:
    return next((name for name in draft.grid.names if (name, item.form) in draft.grid.designated), "")


def _eligibility(draft: Draft) -> str:
    event = draft.grid.names[0] or "''"
    return (
        "# Conditions of eligibility, in REDCap's logic, judged on one event. An example:\n"
        "# eligibility:\n"
        f"#   event: {event}\n"
        "#   criteria:\n"
        "#     - {id: age, rule: '[age] >= 18', reason: must be 18 or older}\n"
    )


def _writes(draft: Draft) -> str:
    if draft.is_production:
        return (
            "# The project is in production: nothing may be written until a person lists what.\n"
            "# Instruments so far: "
            + ", ".join(draft.dictionary.forms)
            + "\n"
            + _yaml({"writes": {"production": False, "allow": []}})
        )
    return (
        "# The project is in development: every instrument may be written. Name a @READONLY field itself to\n"
        "# write it; list in `protect` what no run may touch. Above the limits a run waits for a person.\n"
        + _yaml(
            {
                "writes": {
                    "allow": list(draft.dictionary.forms),
                    "protect": [],
                    "limits": {"records": 200, "share": 0.2, "blanked": 0, "new_records": 0},
                }
            }
        )
    )


def _checks(draft: Draft) -> str:
    past = [
        item.name
        for item in draft.dictionary.fields
        if item.validation.startswith("date") and _PAST.search(f"{item.name} {item.label}")
    ]
    return "# GUESS: dates that describe the past, so they cannot be after today.\n" + _yaml(
        {"checks": {"not_future": past}}
    )


def _yaml(value: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(value), sort_keys=False, allow_unicode=True, width=110)
