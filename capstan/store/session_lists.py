"""Reads sessions and the forms that tell of them, and finds what is missing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, RowMapping, Table, and_, select

from capstan.store.connection import Store
from capstan.store.outbox_rows import Mailroom
from capstan.store.session_places import of_record
from capstan.store.session_rows import (
    Awaited,
    Dismissal,
    KeptRecord,
    RecordState,
    Session,
    SessionKey,
    Source,
    to_kept,
)
from capstan.store.session_tables import (
    DISMISSAL,
    REDCAP_RECORD,
    SESSION,
    SESSION_DATA,
    SESSION_RECORD,
    TIMEPOINT,
)

_KEY = SessionKey._fields


def list_sessions(store: Store, study: str) -> tuple[Session, ...]:
    """All sessions of a study, by timepoint and number."""
    with store.read() as connection:
        return _read(store, connection, SESSION.c.study == study)


def find_session(store: Store, study: str, label: str) -> Session | None:
    """The session that is named so, as in DTI01_CMH_H001_01_01; None where there is none."""
    name, _, number = label.rpartition("_")
    if not (number.isascii() and number.isdecimal()):
        return None
    mine = (SESSION.c.study == study, SESSION.c.name == name, SESSION.c.number == int(number[:9]))
    with store.read() as connection:
        found = _read(store, connection, *mine)
    return found[0] if found else None


def missing_surveys(store: Store, study: str, *, sites: Collection[str]) -> tuple[Session, ...]:
    """The sessions at sites that expect a record, without one and without a word that none comes."""
    return tuple(one for one in list_sessions(store, study) if one.lacks_survey(expecting_sites=sites))


def missing_data(store: Store, study: str) -> tuple[Session, ...]:
    """The sessions whose record says that they took place, without data and without a word that none come."""
    return tuple(one for one in list_sessions(store, study) if one.lacks_data)


def list_records(
    store: Store, study: str, *, states: Collection[RecordState] = tuple(RecordState)
) -> tuple[KeptRecord, ...]:
    """The forms of a study that were loaded, those that are in some states, oldest first."""
    mine = (REDCAP_RECORD.c.study == study, REDCAP_RECORD.c.state.in_(list(states)))
    with store.read() as connection:
        rows = connection.execute(select(REDCAP_RECORD).where(*mine).order_by(REDCAP_RECORD.c.id)).mappings()
        return tuple(to_kept(store, row) for row in rows)


def records_named(store: Store, room: Mailroom, *, record: str) -> tuple[KeptRecord, ...]:
    """The forms of one record of a project that were loaded."""
    mine = of_record(store, room, record)
    with store.read() as connection:
        rows = connection.execute(select(REDCAP_RECORD).where(*mine).order_by(REDCAP_RECORD.c.id)).mappings()
        return tuple(to_kept(store, row) for row in rows)


def _read(store: Store, connection: Connection, *wanted: ColumnElement[bool]) -> tuple[Session, ...]:
    """The sessions that fulfil conditions on SESSION, with everything that belongs to them."""
    timepoint = (TIMEPOINT.c.study == SESSION.c.study) & (TIMEPOINT.c.name == SESSION.c.name)
    query = select(SESSION, TIMEPOINT.c.site, TIMEPOINT.c.is_phantom).join(TIMEPOINT, timepoint)
    ordered = query.where(*wanted).order_by(*(SESSION.c[name] for name in _KEY))
    rows = connection.execute(ordered).mappings().all()
    records = _records(store, connection, *wanted)
    found, dismissals = _found(connection, *wanted), _dismissals(connection, *wanted)
    sessions = []
    for row in rows:
        key = _key(row)
        record, is_shared = records.get(key, (None, False))
        sessions.append(
            Session(
                key,
                site=row["site"],
                is_phantom=row["is_phantom"],
                source=Source(row["source"]),
                added_at=row["added_at"],
                record=record,
                is_shared=is_shared,
                found=tuple(found[key]),
                dismissals=tuple(dismissals[key]),
            )
        )
    return tuple(sessions)


def _key(row: RowMapping) -> SessionKey:
    return SessionKey(*(row[name] for name in _KEY))


def _records(
    store: Store, connection: Connection, *wanted: ColumnElement[bool]
) -> dict[SessionKey, tuple[KeptRecord, bool]]:
    held = [SESSION_RECORD.c[name].label(f"held_{name}") for name in (*_KEY, "shared")]
    query = select(REDCAP_RECORD, *held).join(
        SESSION_RECORD, SESSION_RECORD.c.record_id == REDCAP_RECORD.c.id
    )
    rows = connection.execute(query.join(SESSION, _same(SESSION_RECORD)).where(*wanted)).mappings()
    return {
        SessionKey(*(row[f"held_{name}"] for name in _KEY)): (to_kept(store, row), row["held_shared"])
        for row in rows
    }


def _found(
    connection: Connection, *wanted: ColumnElement[bool]
) -> dict[SessionKey, list[tuple[str, datetime]]]:
    query = select(SESSION_DATA).join(SESSION, _same(SESSION_DATA)).where(*wanted)
    found: dict[SessionKey, list[tuple[str, datetime]]] = defaultdict(list)
    for row in connection.execute(query.order_by(SESSION_DATA.c.found_at, SESSION_DATA.c.source)).mappings():
        found[_key(row)].append((row["source"], row["found_at"]))
    return found


def _dismissals(connection: Connection, *wanted: ColumnElement[bool]) -> dict[SessionKey, list[Dismissal]]:
    query = select(DISMISSAL).join(SESSION, _same(DISMISSAL))
    still = query.where(*wanted, DISMISSAL.c.lifted_at.is_(None)).order_by(DISMISSAL.c.id)
    found: dict[SessionKey, list[Dismissal]] = defaultdict(list)
    for row in connection.execute(still).mappings():
        said = Dismissal(Awaited(row["kind"]), row["by"], row["reason"], row["at"])
        found[_key(row)].append(said)
    return found


def _same(table: Table) -> ColumnElement[bool]:
    return and_(*(table.c[name] == SESSION.c[name] for name in _KEY))
