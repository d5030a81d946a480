"""Follows records that are renamed or deleted in REDCap, with the forms of theirs that tell of sessions."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, RowMapping, delete, select, update

from capstan.store.connection import Store
from capstan.store.outbox_marks import record_mark
from capstan.store.outbox_rows import Mailroom
from capstan.store.session_links import free, lock_sessions
from capstan.store.session_places import find_form, of_place, of_record
from capstan.store.session_rows import FormPlace, RecordState, SessionKey, seal_form, to_kept
from capstan.store.session_tables import REDCAP_RECORD, SESSION_RECORD

_GONE = "The form was deleted in REDCap."


def mark_deleted(
    store: Store, room: Mailroom, *, record: str, now: datetime, place: FormPlace | None = None
) -> int:
    """Forget what a record that was deleted in REDCap said, or one form of it; returns how many forms.

    Its sessions are without a record then; what was found or said of them stays.
    """
    mine = [*of_record(store, room, record), REDCAP_RECORD.c.state != RecordState.DELETED]
    mine += of_place(place) if place else []
    with store.write() as connection:
        lock_sessions(connection)
        numbers = list(connection.execute(select(REDCAP_RECORD.c.id).where(*mine)).scalars())
        gone = {"state": RecordState.DELETED, "reason": _GONE, "sealed": None, "by": "", "changed_at": now}
        for number in numbers:
            connection.execute(update(REDCAP_RECORD).where(REDCAP_RECORD.c.id == number).values(**gone))
            _free_all(connection, number, now=now)
    return len(numbers)


def follow_rename(store: Store, room: Mailroom, *, old: str, new: str, now: datetime) -> int:
    """Let the forms of a record go on under its new name; returns how many.

    Where a form was loaded under the new name already, that one is newer and takes the other's place.
    """
    with store.write() as connection:
        lock_sessions(connection)
        query = select(REDCAP_RECORD).where(*of_record(store, room, old)).order_by(REDCAP_RECORD.c.id)
        rows = connection.execute(query).mappings().all()
        for row in rows:
            _rename(store, connection, room, row, new=new, now=now)
    return len(rows)


def _rename(
    store: Store, connection: Connection, room: Mailroom, row: RowMapping, *, new: str, now: datetime
) -> None:
    old = to_kept(store, row)
    place = FormPlace(new, old.event, old.instrument, old.instance)
    newer = find_form(store, connection, room, place)
    this = REDCAP_RECORD.c.id == old.id
    if newer and newer.state is RecordState.DELETED:
        # It was of another record that once had the name.
        connection.execute(delete(REDCAP_RECORD).where(REDCAP_RECORD.c.id == newer.id))
        newer = None
    if newer is None:
        sealed = seal_form(store, new, old.content) if old.content else None
        mark = record_mark(store, room, record=new)
        connection.execute(
            update(REDCAP_RECORD).where(this).values(record_mark=mark, sealed=sealed, changed_at=now)
        )
        return
    shared = (SESSION_RECORD.c.record_id == old.id, SESSION_RECORD.c.shared.is_(True))
    connection.execute(update(SESSION_RECORD).where(*shared).values(record_id=newer.id))
    _free_all(connection, old.id, now=now)
    connection.execute(delete(REDCAP_RECORD).where(this))


def _free_all(connection: Connection, number: int, *, now: datetime) -> None:
    """Take a record from all of its sessions."""
    columns = [SESSION_RECORD.c[name] for name in SessionKey._fields]
    rows = connection.execute(select(*columns).where(SESSION_RECORD.c.record_id == number)).all()
    for row in rows:
        free(connection, SessionKey(*row), now=now)
