"""Loads forms that tell of sessions, and follows records that are renamed or deleted in REDCap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, RowMapping, delete, insert, select, update

from capstan.sessions import BadId, SessionId
from capstan.store.connection import Store
from capstan.store.inbox_work import Worked
from capstan.store.outbox_marks import record_mark
from capstan.store.outbox_rows import Mailroom
from capstan.store.session_links import free, link, lock_sessions, make_session, obstacle, own_session
from capstan.store.session_rows import (
    FormPlace,
    KeptRecord,
    Loaded,
    RecordState,
    SessionForm,
    SessionKey,
    Source,
    seal_form,
    to_kept,
)
from capstan.store.session_tables import REDCAP_RECORD, SESSION_RECORD

_PLACE = ("event", "instrument", "instance")
_GONE = "The form was deleted in REDCap."


def load_forms(
    store: Store, room: Mailroom, forms: Sequence[SessionForm], *, now: datetime
) -> tuple[Loaded, ...]:
    """Load forms of one project in their order, all or none; a form that says what is known changes nothing.

    A form that tells of a session that another record has, or that is to have none, waits for a person.
    """
    with store.write() as connection:
        lock_sessions(connection)
        return tuple(_load(store, connection, room, form, now=now) for form in forms)


def mark_deleted(
    store: Store, room: Mailroom, *, record: str, now: datetime, place: FormPlace | None = None
) -> int:
    """Forget what a record that was deleted in REDCap said, or one form of it; returns how many forms.

    Its sessions are without a record then; what was found or said of them stays.
    """
    mine = [*_of_record(store, room, record), REDCAP_RECORD.c.state != RecordState.DELETED]
    mine += _of_place(place) if place else []
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
        query = select(REDCAP_RECORD).where(*_of_record(store, room, old)).order_by(REDCAP_RECORD.c.id)
        rows = connection.execute(query).mappings().all()
        for row in rows:
            _rename(store, connection, room, row, new=new, now=now)
    return len(rows)


class _Standing(NamedTuple):
    """What a form comes to: the session that it names, and whether it holds there."""

    key: SessionKey | None
    state: RecordState
    reason: str
    by: str = ""


def _load(
    store: Store, connection: Connection, room: Mailroom, form: SessionForm, *, now: datetime
) -> Loaded:
    known = _find(store, connection, room, form.place)
    if form.lacks and (known is None or known.state is RecordState.DELETED):
        return Loaded(Worked.SKIPPED, form.lacks, None, False, None)
    if known and known.content and form.content.user is None:
        form = replace(form, content=replace(form.content, user=known.content.user))
    standing = _standing(connection, room, form, known=known)
    is_linked = standing.state is RecordState.LINKED
    if is_linked and isinstance(form.named, SessionId):
        make_session(connection, room.study, form.named, source=Source.REDCAP, now=now)
    if known and not _differs(known, form=form, standing=standing):
        number, changed = known.id, False
    else:
        number, changed = _keep(store, connection, room, form, known=known, standing=standing, now=now), True
    held = standing.key if is_linked else None
    _tie(connection, number, to=held, now=now)
    return Loaded(
        Worked.LOADED if is_linked else Worked.SKIPPED, standing.reason, held, changed, standing.state
    )


def _standing(
    connection: Connection, room: Mailroom, form: SessionForm, *, known: KeptRecord | None
) -> _Standing:
    named = form.named
    key = SessionKey(room.study, named.name, named.number) if isinstance(named, SessionId) else None
    if known and known.state is RecordState.SET_ASIDE and _names_the_same(known, form, key=key):
        return _Standing(key, RecordState.SET_ASIDE, known.reason, known.by)
    if key is None:
        return _Standing(None, RecordState.WAITING, named.reason if isinstance(named, BadId) else "")
    problem = obstacle(connection, key, record=known.id if known else 0)
    return _Standing(key, RecordState.WAITING if problem else RecordState.LINKED, problem)


def _names_the_same(known: KeptRecord, form: SessionForm, *, key: SessionKey | None) -> bool:
    """Whether what a person decided on a form is still what it says."""
    has_same_text = known.content is not None and known.content.session_id == form.content.session_id
    return known.key == key and (key is not None or has_same_text)


def _differs(known: KeptRecord, *, form: SessionForm, standing: _Standing) -> bool:
    place = form.place
    return (
        _Standing(known.key, known.state, known.reason, known.by) != standing
        or known.content != form.content
        or place.event_id not in ("", known.event_id)
        or place.version not in ("", known.version)
    )


def _keep(
    store: Store,
    connection: Connection,
    room: Mailroom,
    form: SessionForm,
    *,
    known: KeptRecord | None,
    standing: _Standing,
    now: datetime,
) -> int:
    """Write down what a form says; returns its number."""
    place, key = form.place, standing.key
    row: dict[str, Any] = {
        "event_id": place.event_id or (known.event_id if known else ""),
        "version": place.version or (known.version if known else ""),
        "name": key.name if key else "",
        "number": key.number if key else 0,
        "state": standing.state,
        "reason": standing.reason,
        "by": standing.by,
        "sealed": seal_form(store, place.record, form.content),
        "changed_at": now,
    }
    if known:
        connection.execute(update(REDCAP_RECORD).where(REDCAP_RECORD.c.id == known.id).values(**row))
        return known.id
    row |= {**room._asdict(), "record_mark": record_mark(store, room, record=place.record), "added_at": now}
    row |= {name: getattr(place, name) for name in _PLACE}
    (number,) = connection.execute(insert(REDCAP_RECORD).values(**row)).inserted_primary_key or (0,)
    return int(number)


def _tie(connection: Connection, number: int, *, to: SessionKey | None, now: datetime) -> None:
    """Link a record to a session, or to none, and let go of the one that it was linked to."""
    former = own_session(connection, number)
    if former == to:
        return
    if former:
        free(connection, former, now=now)
    if to:
        link(connection, to, record=number, now=now)


def _rename(
    store: Store, connection: Connection, room: Mailroom, row: RowMapping, *, new: str, now: datetime
) -> None:
    old = to_kept(store, row)
    place = FormPlace(new, old.event, old.instrument, old.instance)
    newer = _find(store, connection, room, place)
    this = REDCAP_RECORD.c.id == old.id
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


def _find(store: Store, connection: Connection, room: Mailroom, place: FormPlace) -> KeptRecord | None:
    query = select(REDCAP_RECORD).where(*_of_record(store, room, place.record), *_of_place(place))
    row = connection.execute(query).mappings().first()
    return to_kept(store, row) if row else None


def _of_record(store: Store, room: Mailroom, record: str) -> list[ColumnElement[bool]]:
    named = {**room._asdict(), "record_mark": record_mark(store, room, record=record)}
    return [REDCAP_RECORD.c[name] == value for name, value in named.items()]


def _of_place(place: FormPlace) -> list[ColumnElement[bool]]:
    return [REDCAP_RECORD.c[name] == getattr(place, name) for name in _PLACE]
