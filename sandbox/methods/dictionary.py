"""content=metadata, exportFieldNames, instrument (B.3 to B.5)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from sandbox.errors import ApiError, bad_values
from sandbox.imports.payload import Row, read_rows
from sandbox.methods.design import require_development
from sandbox.model import METADATA_COLUMNS, Field, Form, Project
from sandbox.names import form_name
from sandbox.render import Answer, plain, table
from sandbox.session import Session

_DUPLICATES = (
    "The following variable/field names were duplicated. Please rename these field names so that they only "
    "appear once."
)
_NO_FORM = "Each row MUST have a form name, but the following cells have a form name missing: {0}."
_NOT_SEQUENTIAL = (
    "Form names must be sequential and cannot repeat again after being used for another form. The following "
    "form names are not sequential: {0}."
)


def export_metadata(session: Session) -> Answer:
    """Export the dictionary, all of it or the union of `fields` and `forms`."""
    fields, forms = set(session.call.names("fields")), set(session.call.names("forms"))
    rows = [
        [getattr(one, name) for name in METADATA_COLUMNS]
        for form in session.project.forms
        for one in session.project.fields
        if one.form_name == form.name
        and (not (fields or forms) or one.field_name in fields or one.form_name in forms)
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
    """Replace the whole dictionary; data of fields that vanish stays, unseen."""
    session.member.require("design")
    require_development(session, "metadata")
    rows = [row for row in read_rows(session.call) if row.get("field_name", "").strip()]
    problems = list(_problems(rows))
    if problems:
        raise ApiError("\n".join(problems))
    fields = tuple(_field(row) for row in rows)
    session.save(_with_fields(session.project, fields))
    session.log_design("Upload data dictionary (API)")
    return plain(len(fields))


def _field(row: Row) -> Field:
    cells: dict[str, Any] = {name: row.get(name, "") for name in METADATA_COLUMNS}
    return replace(
        Field(**cells),
        field_name=cells["field_name"].strip().lower(),
        form_name=form_name(cells["form_name"]),
    )


def _with_fields(project: Project, fields: tuple[Field, ...]) -> Project:
    labels = {form.name: form.label for form in project.forms}
    names = list(dict.fromkeys(one.form_name for one in fields))
    forms = tuple(Form(name, labels.get(name, name.replace("_", " ").title())) for name in names)
    events = tuple(
        replace(event, forms=tuple(name for name in names if name in event.forms)) for event in project.events
    )
    repeats = tuple(one for one in project.repeats if not one.form or one.form in names)
    surveys = tuple(name for name in project.surveys if name in names)
    return replace(project, fields=fields, forms=forms, events=events, repeats=repeats, surveys=surveys)


def _problems(rows: Sequence[Row]) -> Iterator[str]:
    if not rows:
        yield "The data dictionary has no fields."
    names = [row["field_name"].strip().lower() for row in rows]
    counts = Counter(names)
    doubles = [f"{name} (A{line})" for line, name in enumerate(names, 2) if counts[name] > 1]
    if doubles:
        yield _DUPLICATES + "".join(doubles)
    # Cells are named as in a spreadsheet whose first row is the header.
    blanks = [f"B{line}" for line, row in enumerate(rows, 2) if not row.get("form_name", "").strip()]
    if blanks:
        yield _NO_FORM.format(", ".join(blanks))
    scattered = _scattered([row.get("form_name", "").strip() for row in rows])
    if scattered:
        yield _NOT_SEQUENTIAL.format(", ".join(scattered))


def _scattered(forms: Sequence[str]) -> list[str]:
    closed: set[str] = set()
    found: dict[str, None] = {}
    previous = ""
    for form in forms:
        if form != previous:
            closed.add(previous)
            if form and form in closed:
                found[form] = None
        previous = form
    return list(found)
