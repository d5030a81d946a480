"""content=arm, event, formEventMapping, repeatingFormsEvents (B.6 to B.9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sandbox.errors import NO_REPEATS, ApiError
from sandbox.imports.payload import Row, read_rows
from sandbox.methods.design import number, require_development, require_longitudinal
from sandbox.model import Arm, Event, Project, Repeat
from sandbox.names import unique_event_name
from sandbox.render import Answer, plain, quote, table
from sandbox.session import Session

# Newer servers show offsets only where scheduling is on (B.7).
OFFSETS_BEFORE = (11,)


def export_arms(session: Session) -> Answer:
    """List the arms that have events."""
    require_longitudinal(session, "arms")
    wanted = session.call.names("arms")
    used = {event.arm_num for event in session.project.events}
    rows = [
        (arm.number, arm.name)
        for arm in session.project.arms
        if arm.number in used and (not wanted or str(arm.number) in wanted)
    ]
    return table(("arm_num", "name"), rows, fmt=session.call.format, root="arms", final_newline=False)


def import_arms(session: Session) -> Answer:
    """Add or rename arms; with override all arms, events, mappings and data go first."""
    _require_design(session, "arms")
    project = _without_events(session) if session.call.flag("override") else session.project
    arms = {} if session.call.flag("override") else {arm.number: arm for arm in project.arms}
    rows = read_rows(session.call)
    for row in rows:
        if not row.get("arm_num", "").isdecimal() or not row.get("name"):
            raise ApiError("Each arm must have an arm_num (a number) and a name.")
        arms[int(row["arm_num"])] = Arm(int(row["arm_num"]), row["name"])
    session.save(replace(project, arms=tuple(arms[key] for key in sorted(arms))))
    session.log_design("Import arms (API)")
    return plain(len(rows))


def delete_arms(session: Session) -> Answer:
    """Delete arms with their events and the data of these."""
    _require_design(session, "arms")
    numbers = {int(text) for text in session.call.names("arms") if text.isdecimal()}
    project = session.project
    gone = [event.event_id for event in project.events if event.arm_num in numbers]
    arms = tuple(arm for arm in project.arms if arm.number not in numbers)
    deleted = len(project.arms) - len(arms)
    session.save(replace(_drop_events(session, gone), arms=arms))
    session.log_design("Delete arms (API)")
    return plain(deleted)


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
    """Add events or change those whose unique name is given."""
    _require_design(session, "events")
    rows = read_rows(session.call)
    project = _without_events(session) if session.call.flag("override") else session.project
    for row in rows:
        project = _with_event(session, project, row=row)
    session.save(project)
    session.log_design("Import events (API)")
    return plain(len(rows))


def _with_event(session: Session, project: Project, *, row: Row) -> Project:
    label = row.get("event_name", "").strip()
    arm = int(number(row.get("arm_num", ""), 1))
    if not label:
        raise ApiError("Each event must have an event_name.")
    old = project.event_by_name.get(row.get("unique_event_name", ""))
    if old is None:
        old = next((one for one in project.events if (one.label, one.arm_num) == (label, arm)), None)
    others = [one for one in project.events if one is not old]
    last = max((one.day_offset for one in others if one.arm_num == arm), default=0)
    before = old or Event(session.store.next_id(), label, arm, "", day_offset=last + 1)
    event = replace(
        before,
        label=label,
        arm_num=arm,
        unique_name=_name(before, label, arm=arm, others=others),
        day_offset=number(row.get("day_offset", ""), before.day_offset),
        offset_min=number(row.get("offset_min", ""), before.offset_min),
        offset_max=number(row.get("offset_max", ""), before.offset_max),
        custom_label=row.get("custom_event_label", before.custom_label),
    )
    events = tuple(event if one is old else one for one in project.events)
    return replace(project, events=events if old else (*project.events, event), arms=_arms_with(project, arm))


def _name(before: Event, label: str, *, arm: int, others: Sequence[Event]) -> str:
    if before.unique_name and (before.label, before.arm_num) == (label, arm):
        return before.unique_name
    return unique_event_name(label, arm, taken=[one.unique_name for one in others])


def _arms_with(project: Project, number: int) -> tuple[Arm, ...]:
    if any(arm.number == number for arm in project.arms):
        return project.arms
    return tuple(sorted((*project.arms, Arm(number, f"Arm {number}")), key=lambda arm: arm.number))


def delete_events(session: Session) -> Answer:
    """Delete events by unique name, with their data."""
    _require_design(session, "events")
    names = session.call.names("events")
    gone = [event.event_id for event in session.project.events if event.unique_name in names]
    session.save(_drop_events(session, gone))
    session.log_design("Delete events (API)")
    return plain(len(gone))


def export_mapping(session: Session) -> Answer:
    """List which forms are designated for which events."""
    require_longitudinal(session, "form/event mappings")
    project, wanted = session.project, session.call.names("arms")
    rows = [
        (event.arm_num, event.unique_name, form.name)
        for event in project.ordered_events
        for form in project.forms
        if form.name in event.forms and (not wanted or str(event.arm_num) in wanted)
    ]
    names = ("arm_num", "unique_event_name", "form")
    return table(names, rows, fmt=session.call.format, root="items", final_newline=False)


def import_mapping(session: Session) -> Answer:
    """Replace all mappings."""
    _require_design(session, "form/event mappings")
    rows, project = read_rows(session.call), session.project
    for row in rows:
        if (
            row.get("unique_event_name") not in project.event_by_name
            or row.get("form") not in project.form_order
        ):
            raise ApiError("Each mapping must name an event and a form of the project.")
    pairs = {(row["unique_event_name"], row["form"]) for row in rows}
    events = tuple(
        replace(
            one, forms=tuple(form.name for form in project.forms if (one.unique_name, form.name) in pairs)
        )
        for one in project.events
    )
    session.save(replace(project, events=events))
    session.log_design("Import instrument-event mappings (API)")
    return plain(len(rows))


def export_repeats(session: Session) -> Answer:
    """List repeating forms and events."""
    session.member.require("design")
    project = session.project
    if not project.repeats:
        raise ApiError(NO_REPEATS)
    order = project.event_order
    repeats = sorted(
        project.repeats, key=lambda one: (order[one.event_id], project.form_order.get(one.form, -1))
    )
    lead = ("event_name",) if project.is_longitudinal else ()
    rows = [
        [
            *([project.event_by_id[one.event_id].unique_name] if lead else []),
            one.form,
            one.custom_label,
        ]
        for one in repeats
    ]
    names = (*lead, "form_name", "custom_form_label")
    if session.call.format == "csv":
        # The recordings quote nothing here, not even blanks (B.9).
        return Answer("".join(",".join(line) + "\n" for line in [names, *rows]), "csv")
    return table(names, rows, fmt=session.call.format, root="items")


def import_repeats(session: Session) -> Answer:
    """Replace what repeats."""
    session.member.require("design")
    rows = read_rows(session.call)
    repeats = tuple(_repeat(session.project, row) for row in rows)
    session.save(replace(session.project, repeats=repeats))
    session.log_design("Import repeating instruments and events (API)")
    return plain(len(rows))


def _repeat(project: Project, row: Row) -> Repeat:
    name, form = row.get("event_name", ""), row.get("form_name", "")
    if project.is_longitudinal and name not in project.event_by_name:
        raise ApiError(f"event '{name}' is not available in project")
    if form and form not in project.form_order:
        raise ApiError(f"form '{form}' is not available in project")
    event = project.event_by_name[name] if project.is_longitudinal else project.ordered_events[0]
    return Repeat(event.event_id, form, row.get("custom_form_label", ""))


def _require_design(session: Session, what: str) -> None:
    session.member.require("design")
    require_development(session, what)


def _without_events(session: Session) -> Project:
    return _drop_events(session, [event.event_id for event in session.project.events])


def _drop_events(session: Session, gone: Sequence[int]) -> Project:
    project = session.project
    session.store.values.delete_events(session.project_id, gone)
    session.store.groups.forget_missing_records(session.project_id)
    events = tuple(event for event in project.events if event.event_id not in gone)
    repeats = tuple(one for one in project.repeats if one.event_id not in gone)
    return replace(project, events=events, repeats=repeats)
