"""Reads what stands in square brackets."""

from __future__ import annotations

import re

from capstan.logic.complaints import complaint, suggest
from capstan.logic.syntax import AGGREGATES, Reference

RELATIVE_EVENTS = frozenset(
    {"event-name", "previous-event-name", "next-event-name", "first-event-name", "last-event-name"}
)
RELATIVE_INSTANCES = frozenset(
    {f"{which}-instance" for which in ("current", "previous", "next", "first", "last", "new")}
)
SMART_VARIABLES = (
    AGGREGATES
    | RELATIVE_EVENTS
    | RELATIVE_INSTANCES
    | {name.replace("-name", "-label") for name in RELATIVE_EVENTS}
    | {f"{whose}-dag-{what}" for whose in ("record", "user") for what in ("name", "id", "label")}
    | {f"user-role-{what}" for what in ("name", "id", "label")}
    | {"record-name", "user-name", "user-fullname", "user-email", "event-id", "event-number"}
    | {"arm-number", "arm-label", "instrument-name", "instrument-label", "is-form", "is-survey"}
    | {"form-url", "form-link", "survey-url", "survey-link", "survey-queue-url", "survey-queue-link"}
    | {"survey-return-code", "survey-access-code", "survey-title", "survey-duration"}
    | {"survey-date-completed", "survey-time-completed", "survey-date-started", "survey-time-started"}
    | {"survey-duration-completed", "project-id", "redcap-version", "redcap-base-url", "survey-base-url"}
    | {"redcap-version-url", "rand-number", "rand-time", "rand-utc-time"}
)

_BRACKET = re.compile(r"\[([^\[\]]*)\]")
_EVENT = re.compile(r"[\w-]+", re.ASCII)
_FIELD = re.compile(
    r"(?P<field>[a-z_][\w-]*)\s*(?:\(\s*(?P<code>[^()]+?)\s*\))?\s*(?::\s*(?P<modifier>\S.*?))?",
    re.ASCII | re.IGNORECASE | re.DOTALL,
)


def read_reference(token: str, position: int) -> Reference:
    """Read one to three brackets, which start at `position`; raise LogicError when they name nothing."""
    parts = [found.group(1).strip() for found in _BRACKET.finditer(token)]
    event, middle, instance = _roles(parts, position)
    found = _FIELD.fullmatch(middle)
    if found is None:
        raise complaint(f"'[{middle}]' is no reference: write [field] or [field(code)].", position)
    if event and not _EVENT.fullmatch(event):
        raise complaint(f"'[{event}]' is no event: write its unique name.", position)
    name, code, modifier = (found[part] or "" for part in ("field", "code", "modifier"))
    _refuse_unknown_variable(name.lower(), modifier, position=position)
    return Reference(event.lower(), name.lower(), code, modifier.lower(), instance, position)


def _roles(parts: list[str], position: int) -> tuple[str, str, str]:
    if len(parts) == 1:
        return "", parts[0], ""
    if _is_instance(parts[-1]):
        instance = parts[-1].lower()
        return (parts[0], parts[1], instance) if len(parts) == 3 else ("", parts[0], instance)
    if len(parts) == 3:
        raise complaint(f"'[{parts[2]}]' is no instance: write a number or [last-instance].", position)
    return parts[0], parts[1], ""


def _is_instance(part: str) -> bool:
    return (part.isascii() and part.isdigit()) or part.lower() in RELATIVE_INSTANCES


def _refuse_unknown_variable(name: str, modifier: str, *, position: int) -> None:
    if "-" not in name:
        return
    if name not in SMART_VARIABLES:
        raise complaint(f"There is no smart variable [{name}].{suggest(name, SMART_VARIABLES)}", position)
    if name in AGGREGATES and not modifier:
        raise complaint(f"[{name}] needs a field, as in [{name}:age].", position)
