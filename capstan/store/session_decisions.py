"""What people and probes say of sessions: that one took place, that its data are here, that nothing comes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select, update

from capstan.errors import Refused, UsageError
from capstan.sessions import SessionId
from capstan.store.connection import Store
from capstan.store.session_links import (
    is_dismissed,
    link,
    lock_sessions,
    make_session,
    of,
    own_session,
    promote,
)
from capstan.store.session_rows import Awaited, KeptRecord, RecordState, SessionKey, Source, to_kept
from capstan.store.session_tables import DISMISSAL, REDCAP_RECORD, SESSION, SESSION_DATA, SESSION_RECORD
from capstan.store.upserts import insert_new


def add_session(store: Store, study: str, session: SessionId, *, source: Source, now: datetime) -> bool:
    """Make a session that somebody else than REDCap knows of; False when it is there already."""
    with store.write() as connection:
        lock_sessions(connection)
        return make_session(connection, study, session, source=source, now=now)


def note_data(store: Store, key: SessionKey, *, source: str, now: datetime) -> bool:
    """Remember that data of a session were found, by a probe or a person; False when it was known."""
    row = {**key._asdict(), "source": source, "found_at": now}
    with store.write() as connection:
        lock_sessions(connection)
        new = insert_new(connection, SESSION_DATA).values(**row).returning(SESSION_DATA.c.source)
        return connection.execute(new).first() is not None


def dismiss(store: Store, key: SessionKey, kind: Awaited, *, by: str, reason: str, now: datetime) -> bool:
    """Say that something will not come for a session; False when it is here, or this was said before.

    Raises UsageError without a name and a reason, and for a session that there is not.
    """
    _check_said(by, reason)
    row = {**key._asdict(), "kind": kind, "by": by, "reason": reason, "at": now, "lifted_by": ""}
    has_come = SESSION_RECORD if kind is Awaited.SURVEY else SESSION_DATA
    with store.write() as connection:
        lock_sessions(connection)
        _check_session(connection, key)
        if connection.execute(select(has_come.c.number).where(*of(has_come, key))).first():
            return False
        new = insert_new(connection, DISMISSAL).values(**row).returning(DISMISSAL.c.id)
        return connection.execute(new).first() is not None


def lift_dismissal(store: Store, key: SessionKey, kind: Awaited, *, by: str, now: datetime) -> bool:
    """Take back what was said, and link a record that waited for that; False when nothing was said."""
    mine = (*of(DISMISSAL, key), DISMISSAL.c.kind == kind, DISMISSAL.c.lifted_at.is_(None))
    with store.write() as connection:
        lock_sessions(connection)
        lifted = update(DISMISSAL).where(*mine).values(lifted_at=now, lifted_by=by)
        if not connection.execute(lifted).rowcount:
            return False
        if kind is Awaited.SURVEY:
            promote(connection, key, now=now)
        return True


def settle_record(
    store: Store, study: str, *, number: int, take: bool, by: str, reason: str, now: datetime
) -> None:
    """Decide on a record that waits: take it in the place of whatever stands against it, or set it aside.

    A record that was taken from its session is set aside. Raises Refused for a record that neither waits nor
    was set aside, and where no session could take it.
    """
    _check_said(by, reason)
    with store.write() as connection:
        lock_sessions(connection)
        record = _read_record(store, connection, study, number=number)
        if record.state not in (RecordState.WAITING, RecordState.SET_ASIDE):
            raise Refused(f"Record {number} does not wait for anybody; it is {record.state}.")
        if not take:
            _move(connection, number, to=RecordState.SET_ASIDE, reason=reason, by=by, now=now)
            return
        if record.key is None:
            raise Refused(f"Record {number} names no session; correct its session id in REDCap.")
        _take(connection, record.key, record=number, reason=reason, by=by, now=now)


def share_record(store: Store, key: SessionKey, *, with_session: SessionKey, by: str, now: datetime) -> bool:
    """Link a session's record to a second session too, such as of another study; False when it is so.

    Raises Refused where the first has no record, or the second has another or is to have none.
    """
    with store.write() as connection:
        lock_sessions(connection)
        for each in (key, with_session):
            _check_session(connection, each)
        ours, theirs = (_held(connection, each) for each in (key, with_session))
        if ours is None:
            raise Refused(f"The session {key} has no record that could be shared.")
        if theirs == ours:
            return False
        if theirs is not None:
            raise Refused(f"The session {with_session} has a record of its own already.")
        if is_dismissed(connection, with_session, kind=Awaited.SURVEY):
            raise Refused(
                f"Somebody said that the session {with_session} has no survey; take that back first."
            )
        link(connection, with_session, record=ours, now=now, by=by, shared=True)
        return True


def _take(
    connection: Connection, key: SessionKey, *, record: int, reason: str, by: str, now: datetime
) -> None:
    holder = _held(connection, key)
    if holder is not None and own_session(connection, holder) == key:
        _move(connection, holder, to=RecordState.SET_ASIDE, reason=reason, by=by, now=now)
    said = (*of(DISMISSAL, key), DISMISSAL.c.kind == Awaited.SURVEY, DISMISSAL.c.lifted_at.is_(None))
    connection.execute(update(DISMISSAL).where(*said).values(lifted_at=now, lifted_by=by))
    link(connection, key, record=record, now=now, by=by)
    _move(connection, record, to=RecordState.LINKED, reason="", by="", now=now)


def _move(
    connection: Connection, number: int, *, to: RecordState, reason: str, by: str, now: datetime
) -> None:
    this = update(REDCAP_RECORD).where(REDCAP_RECORD.c.id == number)
    connection.execute(this.values(state=to, reason=reason, by=by, changed_at=now))


def _held(connection: Connection, key: SessionKey) -> int | None:
    query = select(SESSION_RECORD.c.record_id).where(*of(SESSION_RECORD, key))
    number: int | None = connection.execute(query).scalar()
    return number


def _read_record(store: Store, connection: Connection, study: str, *, number: int) -> KeptRecord:
    query = select(REDCAP_RECORD).where(REDCAP_RECORD.c.id == number, REDCAP_RECORD.c.study == study)
    row = connection.execute(query).mappings().first()
    if row is None:
        raise UsageError(f"There is no record {number} of this study; `capstan sessions list` has all.")
    return to_kept(store, row)


def _check_session(connection: Connection, key: SessionKey) -> None:
    if connection.execute(select(SESSION.c.number).where(*of(SESSION, key))).first() is None:
        raise UsageError(
            f"There is no such session of the study {key.study}; `capstan sessions list` has all."
        )


def _check_said(by: str, reason: str) -> None:
    if not by.strip() or not reason.strip():
        raise UsageError("A decision needs a name and a reason: --by NAME --reason TEXT.")
