"""content=pdf: forms as a PDF, blank or with data (B.19)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from sandbox.call import Call
from sandbox.errors import NO_EXPORT, OUT_OF_MEMORY, ApiError
from sandbox.exports.cells import event_label
from sandbox.exports.columns import select_columns
from sandbox.exports.visible import read_filter
from sandbox.methods.asked import asked_event, asked_instance, asked_instrument, asked_record
from sandbox.people.rights import NO_ACCESS
from sandbox.printing.form_print import Copy, Manner, print_form
from sandbox.printing.pdf import Pages, TooManyPages
from sandbox.project.field import Field
from sandbox.project.model import Project
from sandbox.project.names import slug
from sandbox.project.parts import Form, RowKey
from sandbox.render import Answer
from sandbox.session import Session
from sandbox.storage.rows import Row

_HIDDEN = "@HIDDEN-PDF"


@dataclass(frozen=True)
class _Wanted:
    """What the request asks for; an event or instance of None is any."""

    forms: tuple[Form, ...]
    event_id: int | None
    instance: int | None
    is_one_form: bool

    def has_row(self, row: Row) -> bool:
        fits_event = self.event_id in (None, row.key.event_id)
        return fits_event and (self.instance is None or row.key.instance in (0, self.instance))


def export_pdf(session: Session) -> Answer:
    """Download instruments as a PDF: blank, of one record, or of all records."""
    wanted = _wanted(session)
    manner = Manner(
        session.project,
        session.call.flag("compactDisplay"),
        session.store.files.names(session.project_id),
    )
    pages = Pages(session.project.title or "REDCap")
    try:
        for copy in _copies(session, wanted):
            print_form(pages, copy, manner=manner)
        content = pages.finish()
    except TooManyPages as error:
        raise ApiError(OUT_OF_MEMORY) from error
    session.log("export", "Data Export (API) ", details="Download PDF (API)")
    return Answer(content, f'application/pdf; name="{_file_name(session, wanted)}"')


def _wanted(session: Session) -> _Wanted:
    project, call = session.project, session.call
    is_one = bool(call.text("instrument").strip())
    names = {asked_instrument(session)} if is_one else set(project.form_order)
    event_id = asked_event(session).event_id if call.text("event").strip() else None
    forms = tuple(
        form
        for form in project.forms
        if form.name in names
        and session.member.export_level(form.name) != NO_ACCESS
        and (event_id is None or project.is_designated(event_id, form.name))
    )
    if not forms:
        raise ApiError(NO_EXPORT, 403)
    instance = asked_instance(session) if call.text("repeat_instance").strip() else None
    return _Wanted(forms, event_id, instance, is_one)


def _copies(session: Session, wanted: _Wanted) -> Iterator[Copy]:
    call = session.call
    # To name the parameter is enough; older versions spelled it in small letters.
    if {"allRecords", "allrecords"} & set(call.fields):
        yield from _filled(session, Call({}), wanted=wanted)
    elif call.text("record").strip():
        record = asked_record(session)
        found = _filled(session, Call({}, {"records": (record,)}), wanted=wanted)
        first = next(found, None)
        yield from _blank(session, wanted, head=f"Record {record}") if first is None else [first, *found]
    else:
        yield from _blank(session, wanted, head="")


def _filled(session: Session, call: Call, *, wanted: _Wanted) -> Iterator[Copy]:
    """Yield the forms of the call's records that have data, or that were asked for by name, row by row."""
    project, fields = session.project, _visible_fields(session)
    for chunk in read_filter(replace(session, call=call)).chunks(session.store.values):
        for row in filter(wanted.has_row, chunk):
            for form in wanted.forms:
                if _is_printed(project, row, form=form, anyway=wanted.is_one_form):
                    stamp = row.survey.get(f"{form.name}_timestamp", "")
                    yield Copy(form, _head(project, row.key), fields[form.name], row.cells, stamp)


def _is_printed(project: Project, row: Row, *, form: Form, anyway: bool) -> bool:
    columns = project.column_by_name
    stored = (columns[name].field for name in row.cells if name in columns and name != project.id_field)
    has_data = any(one.form_name == form.name for one in stored)
    return project.is_applicable(row.key, form.name) and (has_data or anyway)


def _blank(session: Session, wanted: _Wanted, *, head: str) -> Iterator[Copy]:
    fields = _visible_fields(session)
    for form in wanted.forms:
        yield Copy(form, head, fields[form.name], {})


def _visible_fields(session: Session) -> dict[str, list[Field]]:
    """Return by form the fields that the user may export, and descriptive texts, but what no PDF shows."""
    project = session.project
    selection = select_columns(project, Call({}), member=session.member, version=session.version)
    allowed = {column.field.field_name for column in selection.columns}
    found: dict[str, list[Field]] = {form.name: [] for form in project.forms}
    for one in project.all_fields:
        is_allowed = one.field_name in allowed or one.field_type == "descriptive"
        if is_allowed and _HIDDEN not in one.field_annotation.upper():
            found[one.form_name].append(one)
    return found


def _head(project: Project, key: RowKey) -> str:
    parts = [f"Record {key.record}"]
    if project.is_longitudinal:
        parts.append(event_label(project, key.event_id))
    if key.instance:
        parts.append(f"Instance {key.instance}")
    return "    ".join(parts)


def _file_name(session: Session, wanted: _Wanted) -> str:
    form = slug(wanted.forms[0].label) if wanted.is_one_form else ""
    parts = [form, slug(session.project.title), session.now.strftime("%Y-%m-%d_%H%M")]
    return "_".join(part for part in parts if part) + ".pdf"
