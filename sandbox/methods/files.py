"""content=file: files of file fields (B.14)."""

from __future__ import annotations

from typing import NamedTuple

from sandbox.call import Call
from sandbox.data.locking import guard_of
from sandbox.data.logs import change_rows
from sandbox.errors import ApiError
from sandbox.methods.asked import NO_EVENT, asked_place
from sandbox.people.rights import FULL, NO_ACCESS
from sandbox.project.field import Field
from sandbox.project.parts import RowKey
from sandbox.render import Answer
from sandbox.session import Session
from sandbox.storage import StoredFile
from sandbox.storage.files import clean_name
from sandbox.storage.values import Cells

MAX_FILE_BYTES = 128 << 20
_NO_FIELD = "The field '{}' does not exist or is not a 'file' field"
_NO_FILE = "There is no file to download for this record"
_NO_RECORD = "The record '{}' does not exist. It must exist to upload a file"
# The texts from here on were not recorded (J.1).
_NOTHING_TO_DELETE = "There is no file to delete for this record"
_SIGNATURE = "The field '{}' is a signature field, into which no file can be uploaded through the API"
_NO_UPLOAD = "No valid file was uploaded"
_TOO_LARGE = "The file is larger than the maximum of 128 MB"
_NO_FIELD_ACCESS = "You do not have full data export privileges for the field '{}'"


class Asked(NamedTuple):
    """The cell that a request names, the rows of its record that the user sees, and its document id or ''."""

    key: RowKey
    field: Field
    rows: dict[RowKey, Cells]
    doc_id: str


def export_file(session: Session) -> Answer:
    """Download the file of a field."""
    asked = _read_asked(session)
    _require_export(session, asked.field)
    file = session.store.files.get(session.project_id, asked.doc_id) if asked.doc_id else None
    if file is None:
        raise ApiError(_NO_FILE)
    # How downloads are logged was not recorded (J.1).
    session.log("export", "Download file (API) ", details=_describe(session, asked))
    return file_answer(file)


def import_file(session: Session) -> Answer:
    """Upload a file into a field of a record that exists; an older file is replaced."""
    asked = _read_asked(session)
    if not asked.rows:
        raise ApiError(_NO_RECORD.format(asked.key.record))
    if asked.field.validation == "signature":
        raise ApiError(_SIGNATURE.format(asked.field.field_name))
    doc_id = session.store.files.add(session.project_id, uploaded(session.call))
    _put(session, asked, doc_id=str(doc_id))
    return Answer("", session.call.answer_format)


def delete_file(session: Session) -> Answer:
    """Delete the file of a field."""
    asked = _read_asked(session)
    if not asked.doc_id:
        raise ApiError(_NOTHING_TO_DELETE)
    _put(session, asked, doc_id="")
    return Answer("", session.call.answer_format)


def uploaded(call: Call) -> StoredFile:
    """Return the file that came with a request."""
    upload = call.upload
    if upload is None or not clean_name(upload.name):
        raise ApiError(_NO_UPLOAD)
    if len(upload.content) > MAX_FILE_BYTES:
        raise ApiError(_TOO_LARGE)
    return StoredFile(upload.name, upload.mime, upload.content)


def file_answer(file: StoredFile) -> Answer:
    """Answer with a file's bytes; its name is told as clients expect it."""
    # Headers are sent byte for byte, so that names arrive in UTF-8.
    name = file.name.encode().decode("latin-1")
    return Answer(file.content, f'{file.mime}; name="{name}";charset=UTF-8')


def _read_asked(session: Session) -> Asked:
    project, call = session.project, session.call
    name, record = call.text("field").strip(), call.text("record").strip()
    field = project.field_by_name.get(name)
    if field is None or field.field_type != "file":
        raise ApiError(_NO_FIELD.format(name))
    place = asked_place(session, record, form=field.form_name, refusal=NO_EVENT)
    key, rows = place.key(project), _visible_rows(session, record)
    return Asked(key, field, rows, rows.get(key, {}).get(name, ""))


def _visible_rows(session: Session, record: str) -> dict[RowKey, Cells]:
    own = session.member.group_id
    if own is not None and session.store.groups.of(session.project_id, record) != own:
        return {}
    return dict(session.store.values.rows(session.project_id, [record]))


def _require_export(session: Session, field: Field) -> None:
    level = session.member.export_level(field.form_name)
    if level == NO_ACCESS or (field.identifier and level != FULL):
        raise ApiError(_NO_FIELD_ACCESS.format(field.field_name), 403)


def _put(session: Session, asked: Asked, *, doc_id: str) -> None:
    """Store a document id, or '' in its place, and let go of the file before."""
    name = asked.field.field_name
    refused = guard_of(session).refusal(asked.key, name)
    if refused:
        raise ApiError(refused)
    session.store.files.delete(session.project_id, asked.doc_id)
    row, record = asked.rows.get(asked.key, {}), asked.key.record
    changed = ({} if row else {session.project.id_field: record}) | {name: doc_id}
    session.store.values.replace(session.project_id, {asked.key: row | changed})
    rows = change_rows(session, {asked.key: changed}, known=(record,), source=session.source)
    session.store.log.add(session.project_id, rows)


def _describe(session: Session, asked: Asked) -> str:
    return f"{session.project.id_field} = '{asked.key.record}', {asked.field.field_name} = '{asked.doc_id}'"
