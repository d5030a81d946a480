"""content=repeatingFormsEvents (B.9)."""

from __future__ import annotations

from dataclasses import replace

from sandbox.errors import NO_REPEATS, ApiError
from sandbox.payload import Row, read_rows
from sandbox.project.model import Project
from sandbox.project.parts import Repeat
from sandbox.render import Answer, plain, table
from sandbox.session import Session


def export_repeats(session: Session) -> Answer:
    """List repeating forms and events."""
    project = session.project
    if not project.is_repeating:
        raise ApiError(NO_REPEATS)
    lead = ("event_name",) if project.is_longitudinal else ()
    rows = [
        [*[project.event_by_id[one.event_id].unique_name] * len(lead), one.form, one.custom_label]
        for one in project.live_repeats
    ]
    names = (*lead, "form_name", "custom_form_label")
    if session.call.format == "csv":
        # The recordings quote nothing here, not even blanks (B.9).
        return Answer("".join(",".join(line) + "\n" for line in [names, *rows]), "csv")
    return table(names, rows, fmt=session.call.format, root="items")


def import_repeats(session: Session) -> Answer:
    """Replace what repeats."""
    rows = read_rows(session.call)
    repeats = {(one.event_id, one.form): one for one in (_repeat(session.project, row) for row in rows)}
    session.save(replace(session.project, repeats=tuple(repeats.values())))
    session.log_design("Import repeating instruments and events (API)")
    return plain(len(rows))


def _repeat(project: Project, row: Row) -> Repeat:
    name, form = row.get("event_name", "").strip(), row.get("form_name", "").strip()
    event = project.event_by_name.get(name) if project.is_longitudinal else project.ordered_events[0]
    if event is None:
        raise ApiError(f"event '{name}' is not available in project")
    if form not in project.form_order and (form or not project.is_longitudinal):
        raise ApiError(f"form '{form}' is not available in project")
    # The public help has another name for the label than the recordings.
    label = row.get("custom_form_label") or row.get("custom_repeat_instrument_label") or ""
    return Repeat(event.event_id, form, label)
