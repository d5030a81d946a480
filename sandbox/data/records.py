"""Records as a whole: whom a user may reach, and what follows a record that goes or gets another name."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.session import Session
from sandbox.storage import Store


def reachable_records(session: Session) -> set[str]:
    """Return the records that the user may touch: all, or those of their access group."""
    records = session.store.values.record_names(session.project_id)
    own = session.member.group_id
    if own is None:
        return records
    groups = session.store.groups.by_record(session.project_id)
    return {record for record in records if groups.get(record) == own}


def forget_missing_records(store: Store, project_id: int) -> None:
    """Drop what belongs to records that have no values any more."""
    store.groups.forget_missing_records(project_id)
    store.locks.forget_missing_records(project_id)
    store.surveys.forget_missing_records(project_id)
    store.allocations.forget_missing_records(project_id)


def rename_record(session: Session, old: str, *, new: str, event_ids: Sequence[int]) -> None:
    """Give a record another name at some events; what it has elsewhere keeps the old one."""
    store, project_id, id_field = session.store, session.project_id, session.project.id_field
    groups = store.groups.by_record(project_id)
    store.values.rename_record(project_id, old, new=new, event_ids=event_ids, id_field=id_field)
    # A record that has the new name in another arm already stays in its own group.
    store.groups.assign(project_id, new, group_id=groups.get(new, groups.get(old)))
    store.locks.rename_record(project_id, old, new=new, event_ids=event_ids)
    store.surveys.rename_record(project_id, old, new=new, event_ids=event_ids)
    if old not in store.values.record_names(project_id):
        store.allocations.rename_record(project_id, old, new=new)
        store.log.rename_record(project_id, old, new=new)
    forget_missing_records(store, project_id)
