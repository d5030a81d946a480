"""The record, event, instrument and instance that a request names, checked."""

from __future__ import annotations

from sandbox.data.places import MAX_INSTANCE, Place
from sandbox.errors import ApiError, bad_values
from sandbox.project.model import Project
from sandbox.project.parts import Event
from sandbox.session import Session

NO_EVENT = "invalid event"
# These texts were not recorded (J.1).
NO_ARM = "The arm does not exist in the project."
NOT_DESIGNATED = 'The instrument "{instrument}" is not designated for the event "{event}"'


def asked_record(session: Session) -> str:
    """Return the record of a request; others' records do not exist for a user in an access group."""
    record, own = session.call.text("record").strip(), session.member.group_id
    is_there = any(session.store.values.rows(session.project_id, [record]))
    if is_there and own is not None:
        is_there = session.store.groups.by_record(session.project_id).get(record) == own
    if not is_there:
        raise ApiError(f'The record "{record}" does not exist')
    return record


def asked_event(session: Session) -> Event:
    """Return the event of a request; classic projects have only one and ignore the parameter."""
    project, name = session.project, session.call.text("event").strip()
    if not project.is_longitudinal:
        return project.ordered_events[0]
    event = project.event_by_name.get(name)
    if event is None:
        raise ApiError(NO_EVENT)
    return event


def asked_events(project: Project, arm: str, *, event: str = "") -> frozenset[int] | None:
    """Return the events of an arm, or one event; None is all, as always in a classic project."""
    if not project.is_longitudinal or not (arm or event):
        return None
    if arm and arm not in {str(one.arm_num) for one in project.events}:
        raise ApiError(NO_ARM)
    if event and event not in project.event_by_name:
        raise ApiError(NO_EVENT)
    return frozenset(
        one.event_id
        for one in project.events
        if arm in ("", str(one.arm_num)) and event in ("", one.unique_name)
    )


def asked_instrument(session: Session) -> str:
    """Return the instrument of a request."""
    name = session.call.text("instrument").strip()
    if name not in session.project.form_order:
        raise bad_values("instrument", [name])
    return name


def asked_instance(session: Session) -> int:
    """Return the instance of a request; nothing given is the first."""
    text = session.call.text("repeat_instance").strip() or "1"
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= len(str(MAX_INSTANCE)) else 0
    if not 1 <= number <= MAX_INSTANCE:
        raise bad_values("repeat_instance", [text])
    return number


def asked_place(session: Session, record: str, *, form: str, refusal: str = NOT_DESIGNATED) -> Place:
    """Return where a record's form is; the instance counts only where something repeats."""
    project, event = session.project, asked_event(session)
    require_designated(project, event, instrument=form, refusal=refusal)
    instance = asked_instance(session) if project.repeats_at(event.event_id, form) else 1
    return Place(record, event, form, instance)


def require_designated(
    project: Project, event: Event, *, instrument: str, refusal: str = NOT_DESIGNATED
) -> None:
    """Refuse an instrument that nobody fills in at the event."""
    if not project.is_designated(event.event_id, instrument):
        raise ApiError(refusal.format(instrument=instrument, event=event.unique_name))
