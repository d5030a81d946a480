"""The record, event, instrument and instance that a request names, checked."""

from __future__ import annotations

from sandbox.data.places import MAX_INSTANCE, Place
from sandbox.errors import ApiError, bad_values
from sandbox.project.model import Event, Project
from sandbox.session import Session

# This text was not recorded (J.1).
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
        raise ApiError("invalid event")
    return event


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


def asked_place(session: Session, instrument: str) -> Place:
    """Return where a request's form is; the instance counts only where something repeats."""
    project, record, event = session.project, asked_record(session), asked_event(session)
    require_designated(project, event, instrument=instrument)
    repeats = {(event.event_id, instrument), (event.event_id, "")} & project.repeating
    return Place(record, event, instrument, asked_instance(session) if repeats else 1)


def require_designated(project: Project, event: Event, *, instrument: str) -> None:
    """Refuse an instrument that nobody fills in at the event."""
    if not project.is_designated(event.event_id, instrument):
        raise ApiError(NOT_DESIGNATED.format(instrument=instrument, event=event.unique_name))
