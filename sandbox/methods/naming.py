"""Names of records: another name for one, and the next free one (B.1, B.2)."""

from __future__ import annotations

from collections.abc import Collection

from sandbox.data import logs
from sandbox.data.records import reachable_records, rename_record
from sandbox.errors import ApiError
from sandbox.imports.numbering import record_prefix
from sandbox.methods.asked import asked_events
from sandbox.project.names import name_problem, next_number
from sandbox.render import Answer, plain
from sandbox.session import Session

# None of these texts was recorded (J.1).
NO_RECORD = 'The record "{}" does not exist'
TAKEN = 'The record "{}" already exists'


def rename(session: Session) -> Answer:
    """Rename a record in all arms or in one."""
    call, project = session.call, session.project
    old, new = call.text("record").strip(), call.text("new_record_name").strip()
    found = asked_events(project, call.text("arm").strip())
    event_ids = found or {one.event_id for one in project.events}
    if old not in reachable_records(session) or not _is_at(session, old, event_ids=event_ids):
        raise ApiError(NO_RECORD.format(old))
    problem = name_problem(new)
    if problem:
        raise ApiError(problem)
    if _is_at(session, new, event_ids=event_ids):
        raise ApiError(TAKEN.format(new))
    rename_record(session, old, new=new, event_ids=sorted(event_ids))
    action = logs.action("Update", new, version=session.version, source=session.source)
    session.log("record_edit", action, details=f"{project.id_field} = '{new}'", record=new)
    return plain(1)


def next_name(session: Session) -> Answer:
    """Answer the name that the next record would get; creates nothing."""
    prefix = record_prefix(session)
    return plain(f"{prefix}{next_number(session.store.values.record_names(session.project_id), prefix)}")


def _is_at(session: Session, record: str, *, event_ids: Collection[int]) -> bool:
    rows = session.store.values.rows(session.project_id, [record])
    return any(key.event_id in event_ids for key, _ in rows)
