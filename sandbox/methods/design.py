"""What the methods that change a project's events share."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from sandbox.data.records import forget_missing_records
from sandbox.errors import ApiError, not_in_classic
from sandbox.numbers import is_number, read_number, read_whole
from sandbox.payload import Row
from sandbox.project.model import Project
from sandbox.project.names import unique_event_name
from sandbox.project.parts import Event
from sandbox.session import Session


def require_longitudinal(session: Session, what: str) -> None:
    """Refuse exports that a classic project does not have."""
    if not session.project.is_longitudinal:
        raise not_in_classic(what)


def without_events(session: Session, gone: Collection[int]) -> Project:
    """Delete events with their data, and return the project without them."""
    project = session.project
    session.store.values.delete_events(session.project_id, gone)
    forget_missing_records(session.store, session.project_id)
    left = [event for event in project.events if event.event_id not in gone]
    return replace(
        project,
        events=_named_anew(left),
        repeats=tuple(one for one in project.repeats if one.event_id not in gone),
    )


def _named_anew(events: Sequence[Event]) -> tuple[Event, ...]:
    """Name events by their labels again: a namesake of a deleted event loses its letter (B.7)."""
    taken: set[str] = set()
    names: dict[int, str] = {}
    for one in sorted(events, key=lambda event: (event.arm_num, event.day_offset)):
        names[one.event_id] = unique_event_name(one.label, one.arm_num, taken=taken)
        taken.add(names[one.event_id])
    return tuple(replace(one, unique_name=names[one.event_id]) for one in events)


def given_number(row: Row, name: str, *, default: float) -> float:
    """Read a number of a row; blank is the default, and anything else is refused."""
    text = row.get(name, "").strip()
    if text and not is_number(text):
        raise _not_a_number(name)
    return read_number(text, default)


def given_arm(row: Row, default: int = 0) -> int:
    """Read a row's arm number; 0 as default makes it required."""
    number = read_whole(row.get("arm_num", ""), 0) if row.get("arm_num", "").strip() else default
    if not number:
        raise _not_a_number("arm_num")
    return number


def _not_a_number(name: str) -> ApiError:
    # Not recorded (J.1).
    return ApiError(f"The value of '{name}' must be a number.")
