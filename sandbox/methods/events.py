"""content=event (B.7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sandbox.errors import ApiError
from sandbox.methods.design import given_arm, given_number, require_longitudinal, without_events
from sandbox.payload import Row, read_rows
from sandbox.project.model import MAX_EVENTS, Project
from sandbox.project.names import unique_event_name
from sandbox.project.parts import Arm, Event
from sandbox.render import Answer, plain, quote, table
from sandbox.session import Session

# Newer servers show offsets only where scheduling is on (B.7).
OFFSETS_BEFORE = (11,)
# Neither text was recorded (J.1).
NO_NAME = "Each event must have an event_name."
TOO_MANY = f"A project can have {MAX_EVENTS} events at most."


def export_events(session: Session) -> Answer:
    """List the events by arm and day."""
    require_longitudinal(session, "events")
    project, wanted = session.project, session.call.names("arms")
    offsets = project.settings.get("SchedulingEnabled") == "1" or session.version < OFFSETS_BEFORE
    middle = ("day_offset", "offset_min", "offset_max") if offsets else ()
    names = ("event_name", "arm_num", *middle, "unique_event_name", "custom_event_label", "event_id")
    rows = [
        _event_row(event, offsets=offsets)
        for event in project.ordered_events
        if not wanted or str(event.arm_num) in wanted
    ]
    if session.call.format == "csv":
        return Answer(_events_csv(names, rows), "csv")
    return table(names, rows, fmt=session.call.format, root="events", final_newline=False)


def _event_row(event: Event, *, offsets: bool) -> list[str | int]:
    middle = (event.day_offset, event.offset_min, event.offset_max) if offsets else ()
    days = [int(one) if float(one).is_integer() else str(one) for one in middle]
    return [event.label, event.arm_num, *days, event.unique_name, event.custom_label, event.event_id]


def _events_csv(names: Sequence[str], rows: Sequence[Sequence[str | int]]) -> str:
    lines = [",".join(names)]
    for label, *rest in rows:
        # Recordings quote the event's name always, and other cells as everywhere.
        first = '"' + str(label).replace('"', '""') + '"'
        lines.append(",".join([first, *(quote(cell) for cell in rest)]))
    return "\n".join(lines)


def import_events(session: Session) -> Answer:
    """Add events or change those whose unique name is given; with override all events and data go first."""
    rows, project = read_rows(session.call), session.project
    if session.call.flag("override"):
        project = without_events(session, [event.event_id for event in project.events])
    if len(rows) + len(project.events) > MAX_EVENTS:
        raise ApiError(TOO_MANY)
    for row in rows:
        project = _with_event(session, project, row=row)
    session.save(project)
    session.log_design("Import events (API)")
    return plain(len(rows))


def _with_event(session: Session, project: Project, *, row: Row) -> Project:
    label, arm = row.get("event_name", "").strip(), given_arm(row, 1)
    if not label:
        raise ApiError(NO_NAME)
    old = _named(project, row.get("unique_event_name", ""))
    others = [one for one in project.events if one is not old]
    last = max((one.day_offset for one in others if one.arm_num == arm), default=0)
    before = old or Event(session.store.next_id(), label, arm, "", day_offset=last + 1)
    event = replace(
        before,
        label=label,
        arm_num=arm,
        unique_name=_name(before, (label, arm), others=others),
        day_offset=given_number(row, "day_offset", default=before.day_offset),
        offset_min=given_number(row, "offset_min", default=before.offset_min),
        offset_max=given_number(row, "offset_max", default=before.offset_max),
        custom_label=row.get("custom_event_label", before.custom_label),
    )
    events = tuple(event if one is old else one for one in project.events)
    return replace(project, events=events if old else (*project.events, event), arms=_arms_with(project, arm))


def _named(project: Project, name: str) -> Event | None:
    # A label may occur twice in an arm, so only the unique name says that an event is meant to change.
    return next((one for one in project.events if one.unique_name == name), None)


def _name(before: Event, place: tuple[str, int], *, others: Sequence[Event]) -> str:
    if before.unique_name and (before.label, before.arm_num) == place:
        return before.unique_name
    return unique_event_name(*place, taken={one.unique_name for one in others})


def _arms_with(project: Project, number: int) -> tuple[Arm, ...]:
    if any(arm.number == number for arm in project.arms):
        return project.arms
    return tuple(sorted((*project.arms, Arm(number, f"Arm {number}")), key=lambda arm: arm.number))


def delete_events(session: Session) -> Answer:
    """Delete events by unique name, with their data."""
    names = session.call.names("events")
    gone = [event.event_id for event in session.project.events if event.unique_name in names]
    session.save(without_events(session, gone))
    session.log_design("Delete events (API)")
    return plain(len(gone))
