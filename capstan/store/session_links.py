"""Makes sessions, and ties and unties their records, within a transaction that holds the lock."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Table, delete, exists, func, select, update

from capstan.sessions import SessionId
from capstan.store.session_rows import Awaited, RecordState, SessionKey, Source
from capstan.store.session_tables import (
    DISMISSAL,
    REDCAP_RECORD,
    SESSION,
    SESSION_DATA,
    SESSION_RECORD,
    TIMEPOINT,
)
from capstan.store.upserts import insert_new, insert_or_replace

# Any number that nothing else locks.
_LOCK = 8_211_024
HELD = "Another record is linked to this session; `capstan sessions settle` decides which one holds."
DISMISSED = "A person said that this session has no survey; `capstan sessions settle` decides."


def lock_sessions(connection: Connection) -> None:
    """Let nobody else change sessions until the transaction ends; SQLite has one writer anyway.

    One lock for all studies, because two of them may share a session's record.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))


def of(table: Table, key: SessionKey) -> tuple[ColumnElement[bool], ...]:
    """The rows of a table that belong to a session."""
    return tuple(table.c[name] == value for name, value in key._asdict().items())


def make_session(
    connection: Connection, study: str, session: SessionId, *, source: Source, now: datetime
) -> bool:
    """Make a session and its timepoint where they are not there; False when the session was there."""
    timepoint = {
        "study": study,
        "name": session.name,
        "site": session.site,
        "is_phantom": session.is_phantom,
        "added_at": now,
    }
    connection.execute(insert_new(connection, TIMEPOINT).values(**timepoint))
    row = {"study": study, "name": session.name, "number": session.number, "source": source, "added_at": now}
    new = insert_new(connection, SESSION).values(**row).returning(SESSION.c.number)
    return connection.execute(new).first() is not None


def obstacle(connection: Connection, key: SessionKey, *, record: int) -> str:
    """Why a record cannot be linked to a session; "" if it can."""
    holder = connection.execute(select(SESSION_RECORD.c.record_id).where(*of(SESSION_RECORD, key))).scalar()
    if holder is not None:
        return "" if holder == record else HELD
    return DISMISSED if is_dismissed(connection, key, kind=Awaited.SURVEY) else ""


def is_dismissed(connection: Connection, key: SessionKey, *, kind: Awaited) -> bool:
    """Whether a person said that something will not come for a session."""
    mine = (*of(DISMISSAL, key), DISMISSAL.c.kind == kind, DISMISSAL.c.lifted_at.is_(None))
    return connection.execute(select(DISMISSAL.c.id).where(*mine)).first() is not None


def link(
    connection: Connection, key: SessionKey, *, record: int, now: datetime, by: str = "", shared: bool = False
) -> None:
    """Link a session to a record, whatever it was linked to."""
    row = {**key._asdict(), "record_id": record, "shared": shared, "by": by, "linked_at": now}
    connection.execute(insert_or_replace(connection, SESSION_RECORD, keys=SessionKey._fields).values(**row))


def own_session(connection: Connection, record: int) -> SessionKey | None:
    """The session that a record is linked to and does not merely share."""
    columns = [SESSION_RECORD.c[name] for name in SessionKey._fields]
    mine = (SESSION_RECORD.c.record_id == record, SESSION_RECORD.c.shared.is_(False))
    row = connection.execute(select(*columns).where(*mine)).first()
    return SessionKey(*row) if row else None


def free(connection: Connection, key: SessionKey, *, now: datetime) -> None:
    """Take a session's record from it: the one other record that waits for it is linked instead.

    A session that nobody else has spoken of goes, because its id was a mistake.
    """
    connection.execute(delete(SESSION_RECORD).where(*of(SESSION_RECORD, key)))
    if not promote(connection, key, now=now):
        _drop_unheard(connection, key)


def promote(connection: Connection, key: SessionKey, *, now: datetime) -> bool:
    """Link the record that waits for a session, if it is the only one and nothing stands against it."""
    mine = (*of(REDCAP_RECORD, key), REDCAP_RECORD.c.state == RecordState.WAITING)
    waiting = list(connection.execute(select(REDCAP_RECORD.c.id).where(*mine)).scalars())
    if len(waiting) != 1 or obstacle(connection, key, record=waiting[0]):
        return False
    link(connection, key, record=waiting[0], now=now)
    linked = update(REDCAP_RECORD).where(REDCAP_RECORD.c.id == waiting[0])
    connection.execute(linked.values(state=RecordState.LINKED, reason="", changed_at=now))
    return True


def _drop_unheard(connection: Connection, key: SessionKey) -> None:
    """Delete a session, and a timepoint without sessions, that only REDCap had spoken of.

    A record that waits for it or was set aside speaks of it still, and a person may take that one.
    """
    others = REDCAP_RECORD.c.state.in_([RecordState.WAITING, RecordState.SET_ASIDE])
    named = exists().where(*of(REDCAP_RECORD, key), others)
    held = [exists().where(*of(table, key)) for table in (SESSION_DATA, DISMISSAL, SESSION_RECORD)]
    unheard = (SESSION.c.source == Source.REDCAP, ~named, *(~one for one in held))
    connection.execute(delete(SESSION).where(*of(SESSION, key), *unheard))
    timepoint = (TIMEPOINT.c.study == key.study, TIMEPOINT.c.name == key.name)
    used = exists().where(SESSION.c.study == key.study, SESSION.c.name == key.name)
    connection.execute(delete(TIMEPOINT).where(*timepoint, ~used))
