"""content=formEventMapping (B.6)."""

from __future__ import annotations

from dataclasses import replace

from sandbox.errors import ApiError
from sandbox.methods.design import require_longitudinal
from sandbox.payload import read_rows
from sandbox.render import Answer, plain, table
from sandbox.session import Session

# Not recorded (J.1).
UNKNOWN_PLACE = "Each mapping must name an event and a form of the project."


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
    """Replace all mappings; data of forms that an event loses stay, unseen."""
    rows, project = read_rows(session.call), session.project
    events = {event.unique_name for event in project.events}
    if any(
        row.get("unique_event_name") not in events or row.get("form") not in project.form_order
        for row in rows
    ):
        raise ApiError(UNKNOWN_PLACE)
    pairs = {(row["unique_event_name"], row["form"]) for row in rows}
    mapped = tuple(
        replace(
            one, forms=tuple(form.name for form in project.forms if (one.unique_name, form.name) in pairs)
        )
        for one in project.events
    )
    session.save(replace(project, events=mapped))
    session.log_design("Import instrument-event mappings (API)")
    return plain(len(rows))
