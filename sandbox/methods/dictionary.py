"""content=metadata, exportFieldNames, instrument (B.3 to B.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sandbox.errors import ApiError, bad_values
from sandbox.methods.dictionary_rules import dictionary_problems
from sandbox.payload import Row, read_rows
from sandbox.project.field import FIELD_ALIASES, METADATA_COLUMNS, VALIDATION_ALIASES, Field
from sandbox.project.model import Project
from sandbox.project.names import form_name
from sandbox.project.parts import Event, Form
from sandbox.render import Answer, plain, table
from sandbox.session import Session

_VALIDATION = "text_validation_type_or_show_slider_number"
_KEYS = ("field_name", "field_type", _VALIDATION, "identifier", "required_field", "matrix_ranking")


def export_metadata(session: Session) -> Answer:
    """Export the dictionary, all of it or the union of `fields` and `forms`."""
    fields, forms = set(session.call.names("fields")), set(session.call.names("forms"))
    rows = [
        [getattr(one, name) for name in METADATA_COLUMNS]
        for one in session.project.all_fields
        if not one.is_status and (not (fields or forms) or one.field_name in fields or one.form_name in forms)
    ]
    return table(METADATA_COLUMNS, rows, fmt=session.call.format, root="records")


def export_field_names(session: Session) -> Answer:
    """List the export names of fields; calc fields are among them (B.4)."""
    wanted = session.call.text("field")
    if wanted and wanted not in session.project.field_by_name:
        raise bad_values("field", [wanted])
    rows = [
        (column.field.field_name, column.code, column.name)
        for column in session.project.columns
        if column.field.field_type != "file" and wanted in ("", column.field.field_name)
    ]
    names = ("original_field_name", "choice_value", "export_field_name")
    return table(names, rows, fmt=session.call.format, root="fields")


def export_instruments(session: Session) -> Answer:
    """List the forms; no right hides one."""
    rows = [(form.name, form.label) for form in session.project.forms]
    return table(("instrument_name", "instrument_label"), rows, fmt=session.call.format, root="instruments")


def import_metadata(session: Session) -> Answer:
    """Replace the whole dictionary; data of fields that vanish stay, unseen."""
    rows = [_row(row) for row in read_rows(session.call)]
    rows = [row for row in rows if any(row.values())]
    problems = list(dictionary_problems(rows))
    if problems:
        raise ApiError("\n".join(problems))
    old = session.project.field_by_name
    fields = tuple(_field(row, old.get(row["field_name"])) for row in rows)
    session.save(_with_fields(session.project, fields))
    session.log_design("Upload data dictionary (API)")
    return plain(len(fields))


def _row(row: Row) -> Row:
    cells = {name: row.get(name, "") for name in METADATA_COLUMNS}
    for name in _KEYS:
        cells[name] = cells[name].strip().lower()
    cells["form_name"] = cells["form_name"].strip()
    cells["field_type"] = FIELD_ALIASES.get(cells["field_type"], cells["field_type"])
    kind = cells[_VALIDATION]
    cells[_VALIDATION] = VALIDATION_ALIASES.get(kind, kind)
    return cells


def _field(row: Row, old: Field | None) -> Field:
    cells: dict[str, Any] = {**row, "form_name": form_name(row["form_name"])}
    if old is not None:
        # A dictionary has no place for pictures, so a field keeps its own.
        cells |= {"inline_image": old.inline_image, "attachment": old.attachment}
    return Field(**cells)


def _with_fields(project: Project, fields: tuple[Field, ...]) -> Project:
    labels = {form.name: form.label for form in project.forms}
    names = list(dict.fromkeys(one.form_name for one in fields))
    forms = tuple(Form(name, labels.get(name, name.replace("_", " ").title())) for name in names)
    events = tuple(replace(event, forms=_designated(project, event, names=names)) for event in project.events)
    kept = {"", *names}
    repeats = tuple(one for one in project.repeats if one.form in kept)
    surveys = tuple(name for name in project.surveys if name in kept)
    return replace(project, fields=fields, forms=forms, events=events, repeats=repeats, surveys=surveys)


def _designated(project: Project, event: Event, *, names: Sequence[str]) -> tuple[str, ...]:
    # Where there is one event only, every form belongs to it.
    kept = set(event.forms if len(project.events) > 1 else names)
    return tuple(name for name in names if name in kept)
