"""A record import from payload to answer (D)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sandbox import logs
from sandbox.calculation import recompute
from sandbox.errors import BAD_FORMAT, NO_CREATE, ApiError
from sandbox.imports.addressing import (
    Placed,
    RowError,
    check_columns,
    check_events,
    from_eav,
    number_new,
    place_row,
)
from sandbox.imports.cells import CellChecker
from sandbox.imports.changes import Pending, highest_instances, load_stored
from sandbox.imports.odm import read_odm_rows
from sandbox.imports.payload import BareObject, Row, read_rows
from sandbox.imports.results import auto_ids_answer, count_answer, error_block, ids_answer
from sandbox.names import next_number
from sandbox.render import Answer
from sandbox.session import Session
from sandbox.storage import Change

GROUP_FORBIDDEN = "ERROR: Illegal use of 'redcap_data_access_group' field!"
# These texts were never recorded (J.1).
UNKNOWN_GROUP = "The value is not a valid unique group name of a Data Access Group."
NO_EVENTS = "The project has no events."
OTHER_GROUP = "This record belongs to another Data Access Group."


@dataclass(frozen=True)
class Known:
    """What the project had before the import."""

    records: frozenset[str]
    groups: dict[str, int]


def import_records(session: Session) -> Answer:
    """Import rows, all or none; raises `ApiError` with the block of row errors."""
    call = session.call
    try:
        rows = read_odm_rows(call.text("data"), session.project) if call.format == "odm" else read_rows(call)
    except BareObject:
        return Answer('{"count": 0}', "json")
    known = Known(
        frozenset(session.store.values.record_names(session.project_id)),
        session.store.groups.by_record(session.project_id),
    )
    placed = _place(session, rows)
    given = _renumber(session, placed, known=known)
    placed = _write(session, placed, known=known)
    records = list(dict.fromkeys(row.key.record for row in placed))
    return _answer(session, records, given=given)


def _place(session: Session, rows: Sequence[Row]) -> list[Placed]:
    project = session.project
    if not project.events:
        raise ApiError(NO_EVENTS)
    if session.call.text("type") == "eav" and session.call.format != "odm":
        rows = from_eav(project, rows)
    if any(project.id_field not in row for row in rows):
        raise ApiError(BAD_FORMAT)
    check_columns(project, dict.fromkeys(name for row in rows for name in row))
    check_events(project, rows)
    return [place_row(project, row) for row in rows]


def _renumber(session: Session, placed: Sequence[Placed], *, known: Known) -> dict[str, str]:
    """Give placeholders new ids with forceAutoNumber; returns given ids by new ones."""
    if not session.call.flag("forceAutoNumber"):
        return {}
    names = list(dict.fromkeys(row.given for row in placed))
    new = {name: name for name in names}
    if session.project.settings.get("RecordAutonumberingEnabled") == "1":
        prefix = f"{session.member.group_id}-" if session.member.group_id is not None else ""
        first = next_number(known.records, prefix)
        new = {name: f"{prefix}{first + index}" for index, name in enumerate(names)}
    for row in placed:
        row.key = row.key._replace(record=new[row.given])
        row.errors = [error for error in row.errors if error.field != session.project.id_field]
    return {new[name]: name for name in names}


def _write(session: Session, placed: list[Placed], *, known: Known) -> list[Placed]:
    project, call = session.project, session.call
    records = list(dict.fromkeys(row.key.record for row in placed))
    if not session.member.may("record_create") and set(records) - known.records:
        raise ApiError(NO_CREATE)
    stored = load_stored(session.store, project, records=records)
    number_new(placed, highest_instances(stored))
    checker = CellChecker(project, call.text("dateFormat", "YMD"))
    cells = [list(checker.check_row(row)) for row in placed]
    for row in placed:
        _check_group(session, row, known=known)
    pending = Pending(project, call.text("overwriteBehavior") == "overwrite", stored)
    bad = _bad_records(placed, in_background=call.flag("backgroundProcess"))
    good = [(row, found) for row, found in zip(placed, cells, strict=True) if row.key.record not in bad]
    for row, found in good:
        pending.add_row(row, found)
    _store(session, pending, known=known)
    for row, _ in good:
        _assign_group(session, row, known=known)
    return [row for row, _ in good]


def _bad_records(placed: Sequence[Placed], *, in_background: bool) -> set[str]:
    errors = [error for row in placed for error in row.errors]
    if errors and not in_background:
        raise error_block(errors)
    return {row.key.record for row in placed if row.errors}


def _store(session: Session, pending: Pending, *, known: Known) -> None:
    changes = pending.changes()
    session.store.values.apply(session.project_id, changes)
    computed = recompute(session.store, session.project, touched=pending.touched, now=session.now)
    session.store.values.apply(session.project_id, computed)
    write_log(session, [*changes, *computed], known=known.records)


def write_log(
    session: Session, changes: Sequence[Change], *, known: frozenset[str], source: str = "API"
) -> None:
    """Log what changed, and only that."""
    rows = logs.change_rows(
        changes,
        known,
        at=session.now.strftime("%Y-%m-%d %H:%M:%S"),
        username=session.member.username,
        version=session.version,
        source=source,
    )
    session.store.log.add(session.project_id, rows)


def _check_group(session: Session, row: Placed, *, known: Known) -> None:
    own, record = session.member.group_id, row.key.record
    unique = {group.unique_name for group in session.project.groups}
    if own is not None and record in known.records and known.groups.get(record) != own:
        row.errors.append(RowError(record, session.project.id_field, record, OTHER_GROUP))
    if row.group is None:
        return
    if own is not None:
        raise ApiError(GROUP_FORBIDDEN)
    if row.group and row.group not in unique:
        row.errors.append(RowError(record, "redcap_data_access_group", row.group, UNKNOWN_GROUP))


def _assign_group(session: Session, row: Placed, *, known: Known) -> None:
    record, own = row.key.record, session.member.group_id
    ids = {group.unique_name: group.group_id for group in session.project.groups}
    old = known.groups.get(record)
    new = ids.get(row.group) if row.group else old
    if row.group == "" and session.call.text("overwriteBehavior") == "overwrite":
        new = None
    new = own if own is not None else new
    if new == old:
        return
    known.groups.pop(record, None)
    if new is not None:
        known.groups[record] = new
    session.store.groups.assign(session.project_id, record, group_id=new)
    name = session.group_name(new)
    details = f"Assign record to Data Access Group (redcap_data_access_group = '{name}')"
    session.log(
        "record_edit",
        logs.action("Update", record, version=session.version),
        details=details if name else "Remove record from Data Access Group (redcap_data_access_group = '')",
        record=record,
    )


def _answer(session: Session, records: list[str], *, given: dict[str, str]) -> Answer:
    call = session.call
    fmt, content = call.answer_format, call.text("returnContent", "count")
    if call.flag("backgroundProcess"):
        return Answer('{"success": true}', fmt) if fmt == "json" else Answer("success:true", fmt)
    if content == "nothing":
        return Answer("", fmt)
    if content == "auto_ids" and given:
        return auto_ids_answer(given, fmt)
    if content in ("ids", "auto_ids"):
        return ids_answer(records, fmt)
    return count_answer(len(records), fmt)
