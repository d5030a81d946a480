"""A record import from payload to answer (D)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from sandbox.call import Call
from sandbox.data.drafts import load_draft, write
from sandbox.errors import NO_CREATE, ApiError
from sandbox.imports.addressing import Placed, place_rows
from sandbox.imports.cells import CellReader
from sandbox.imports.eav import from_eav
from sandbox.imports.groups import assign_groups, check_groups
from sandbox.imports.locked import refuse_locked
from sandbox.imports.numbering import number_instances, number_records
from sandbox.imports.odm import read_odm_rows
from sandbox.imports.results import error_block, import_answer
from sandbox.imports.unique import check_unique
from sandbox.payload import BareObject, Row, read_rows
from sandbox.render import Answer
from sandbox.session import Session

CHUNK_RECORDS = 1000
# Nobody reads more; the text of all of them might not fit into memory.
MAX_ERRORS = 100_000


def import_records(session: Session) -> Answer:
    """Import records, all or none of them; in the background those that can be."""
    call = session.call
    try:
        placed = place_rows(session.project, _read(session))
    except BareObject:
        placed = []
    given = number_records(session, placed) if call.flag("forceAutoNumber") else {}
    _check_creation(session, placed)
    check_groups(session, placed)
    check_unique(session, placed)
    imported = _import(session, placed)
    assign_groups(session, imported, overwrite=_overwrites(call))
    if call.flag("backgroundProcess"):
        # How REDCap logs these was not recorded (J.1).
        details = f"Import {len(imported)} of {len(placed)} rows (background process, API)"
        session.log("manage", "Manage/Design ", details=details)
    return import_answer(call, list(dict.fromkeys(row.key.record for row in imported)), given=given)


def _read(session: Session) -> list[Row]:
    call, project = session.call, session.project
    if call.format == "odm":
        return read_odm_rows(call.text("data"), project)
    rows = read_rows(call)
    return from_eav(project, rows) if call.text("type") == "eav" else rows


def _overwrites(call: Call) -> bool:
    return call.text("overwriteBehavior") == "overwrite"


def _check_creation(session: Session, placed: Sequence[Placed]) -> None:
    if session.member.may("record_create"):
        return
    existing = session.store.values.record_names(session.project_id)
    if any(row.key.record not in existing for row in placed):
        raise ApiError(NO_CREATE)


def _import(session: Session, placed: Sequence[Placed]) -> list[Placed]:
    """Store chunk by chunk; returns the rows that were stored, or raises the block of row errors.

    The request is one transaction: when a later chunk is refused, the earlier ones were never stored.
    """
    call = session.call
    in_background = call.flag("backgroundProcess")
    reader = CellReader(session.project, call.text("dateFormat", "YMD").upper(), _overwrites(call))
    imported: list[Placed] = []
    errors = 0
    for rows in _chunks(placed):
        imported += _import_chunk(session, rows, reader=reader)
        errors += sum(len(row.errors) for row in rows)
        if errors > MAX_ERRORS and not in_background:
            break
    if errors and not in_background:
        raise error_block(error for row in placed for error in row.errors)
    return imported


def _chunks(placed: Sequence[Placed]) -> Iterator[list[Placed]]:
    """Cut the rows into chunks with all rows of their records."""
    by_record: dict[str, list[Placed]] = {}
    for row in placed:
        by_record.setdefault(row.key.record, []).append(row)
    groups = iter(by_record.values())
    while chunk := list(islice(groups, CHUNK_RECORDS)):
        yield [row for rows in chunk for row in rows]


def _import_chunk(session: Session, rows: Sequence[Placed], *, reader: CellReader) -> list[Placed]:
    """Check the rows of some records and store the records without errors."""
    records = list(dict.fromkeys(row.key.record for row in rows))
    draft = load_draft(session.store, session.project_id, records=records)
    number_instances(rows, draft.stored)
    wanted = [reader.read(row) for row in rows]
    refuse_locked(session, draft, rows=rows, wanted=wanted)
    bad = {row.key.record for row in rows if row.errors}
    good = [(row, found) for row, found in zip(rows, wanted, strict=True) if row.key.record not in bad]
    for row, found in good:
        draft.want(row.key, found.cells)
        draft.start_forms(row.key, found.forms)
    write(session, draft)
    session.after_import(session, draft.changed)
    return [row for row, _ in good]
