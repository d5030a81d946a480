"""Access groups in an import: who may touch which record, and the column that assigns one (D.11)."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.data import logs
from sandbox.data.records import reachable_records
from sandbox.errors import ApiError
from sandbox.imports.addressing import Placed
from sandbox.session import Session

COLUMN = "redcap_data_access_group"
FORBIDDEN = f"ERROR: Illegal use of '{COLUMN}' field!"
# These texts were never recorded (J.1).
UNKNOWN = "The value is not a valid unique group name of a Data Access Group."
OTHER = "This record belongs to another Data Access Group."


def check_groups(session: Session, placed: Sequence[Placed]) -> None:
    """Refuse records of other groups than the user's own, and groups that the project does not have."""
    if session.member.group_id is not None:
        _check_own(session, placed)
    names = {"", *(group.unique_name for group in session.project.groups)}
    for row in placed:
        if row.group is not None and row.group.strip() not in names:
            row.refuse(COLUMN, row.group, message=UNKNOWN)


def _check_own(session: Session, placed: Sequence[Placed]) -> None:
    if any(row.group is not None for row in placed):
        raise ApiError(FORBIDDEN)
    existing = session.store.values.record_names(session.project_id)
    others = existing - reachable_records(session)
    for row in placed:
        if row.key.record in others:
            row.refuse(session.project.id_field, row.key.record, message=OTHER)


def assign_groups(session: Session, placed: Sequence[Placed], *, overwrite: bool) -> None:
    """Assign records to groups: to the user's own, or to what the column says; '' takes one away."""
    own = session.member.group_id
    ids: dict[str, int | None] = {group.unique_name: group.group_id for group in session.project.groups}
    wanted: dict[str, int | None] = {}
    for row in placed:
        name = (row.group or "").strip()
        if own is not None:
            wanted[row.key.record] = own
        elif name or (row.group is not None and overwrite):
            wanted[row.key.record] = ids.get(name)
    groups = session.store.groups.by_record(session.project_id) if wanted else {}
    for record, group_id in wanted.items():
        if groups.get(record) != group_id:
            assign_group(session, record, group_id=group_id)


def assign_group(session: Session, record: str, *, group_id: int | None) -> None:
    """Assign a record to a group or to none, with its log row."""
    session.store.groups.assign(session.project_id, record, group_id=group_id)
    # How an assignment is taken away was not recorded (J.1).
    verb = "Remove record from" if group_id is None else "Assign record to"
    session.log(
        "record_edit",
        logs.action("Update", record, version=session.version, source=session.source),
        details=f"{verb} Data Access Group ({COLUMN} = '{session.group_name(group_id)}')",
        record=record,
    )
