"""Queries as people see and answer them: lists, history, answers and dismissals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import ColumnElement, Connection, RowMapping, select, update

from capstan.errors import UsageError
from capstan.query import Happened, QueryState
from capstan.store.connection import Store
from capstan.store.outbox_rows import Mailroom
from capstan.store.quality_tables import QUERY, QUERY_EVENT
from capstan.store.query_events import in_parts, note_event, of_project
from capstan.store.query_rows import Query, QueryEvent, to_event, to_query

AGES = ("under 1 day", "1 to 7 days", "7 to 30 days", "over 30 days")
_DAYS = (1, 7, 30)
COUNT_COLUMNS = ("check", "severity", "age", "site", "open")


def list_queries(
    store: Store,
    room: Mailroom,
    *,
    states: Collection[QueryState] = (QueryState.OPEN,),
    sites: Collection[str] = (),
    checks: Collection[str] = (),
    opened_before: datetime | None = None,
    numbers: Collection[int] = (),
) -> tuple[Query, ...]:
    """The queries of a project, oldest first; all sites, checks and numbers where none are given."""
    wanted: list[ColumnElement[bool]] = [*of_project(room), QUERY.c.state.in_(list(states))]
    wanted += [QUERY.c.site.in_(list(sites))] if sites else []
    wanted += [QUERY.c.check.in_(list(checks))] if checks else []
    wanted += [QUERY.c.opened_at <= opened_before] if opened_before else []
    query = select(QUERY).where(*wanted).order_by(QUERY.c.opened_at, QUERY.c.id)
    with store.read() as connection:
        rows = connection.execute(query).mappings().all()
    return tuple(to_query(store, row) for row in rows if not numbers or row["id"] in numbers)


def records_of_queries(store: Store, room: Mailroom) -> frozenset[str]:
    """The marks of all records that have a query which is not closed."""
    active = (*of_project(room), QUERY.c.state != QueryState.CLOSED, QUERY.c.record_mark != "")
    with store.read() as connection:
        return frozenset(connection.execute(select(QUERY.c.record_mark).where(*active).distinct()).scalars())


def read_query(store: Store, room: Mailroom, number: int) -> tuple[Query, tuple[QueryEvent, ...]]:
    """One query and what became of it, oldest first; UsageError where the project has no such number."""
    with store.read() as connection:
        row = _row(connection, room, number)
        events = _events_of(store, connection, [number])
    return to_query(store, row), events


def read_events(store: Store, numbers: Collection[int]) -> tuple[QueryEvent, ...]:
    """What became of some queries, oldest first."""
    with store.read() as connection:
        return _events_of(store, connection, sorted(numbers))


def answer_query(store: Store, room: Mailroom, number: int, *, text: str, by: str, now: datetime) -> None:
    """Answer a query; it stays so until its finding is gone, or becomes another one."""
    _decide(
        store,
        room,
        number,
        fit=(QueryState.OPEN, QueryState.ANSWERED),
        happened=Happened.ANSWERED,
        values={"state": QueryState.ANSWERED},
        said=(by, text, now),
    )


def dismiss_query(
    store: Store, room: Mailroom, number: int, *, reason: str, by: str, until: datetime | None, now: datetime
) -> None:
    """Dismiss a query while its finding stays the same, or until a time if that is earlier."""
    if until is not None and until <= now:
        raise UsageError("The time until which a query is dismissed must lie ahead.")
    _decide(
        store,
        room,
        number,
        fit=(QueryState.OPEN, QueryState.ANSWERED),
        happened=Happened.DISMISSED,
        values={"state": QueryState.DISMISSED, "until": until},
        said=(by, reason, now),
    )


def reopen_query(store: Store, room: Mailroom, number: int, *, by: str, now: datetime) -> None:
    """Open a query again that was answered or dismissed."""
    _decide(
        store,
        room,
        number,
        fit=(QueryState.ANSWERED, QueryState.DISMISSED),
        happened=Happened.REOPENED,
        values={"state": QueryState.OPEN, "until": None},
        said=(by, "", now),
    )


def count_queries(store: Store, room: Mailroom, *, now: datetime) -> pd.DataFrame:
    """How many queries are open (`COUNT_COLUMNS`), by check, severity, band of age (`AGES`) and site."""
    columns = [QUERY.c[name] for name in ("check", "severity", "opened_at", "site")]
    query = select(*columns).where(*of_project(room), QUERY.c.state == QueryState.OPEN)
    with store.read() as connection:
        rows = connection.execute(query).all()
    counts = Counter((check, severity, age_of(at, now=now), site) for check, severity, at, site in rows)
    return pd.DataFrame([(*key, count) for key, count in sorted(counts.items())], columns=list(COUNT_COLUMNS))


def age_of(opened_at: datetime, *, now: datetime) -> str:
    """The band of `AGES` in which a query is."""
    days = (now - opened_at).total_seconds() / 86400
    return next((name for limit, name in zip(_DAYS, AGES, strict=False) if days < limit), AGES[-1])


def forget_queries(connection: Connection, *, before: datetime, study: str | None) -> None:
    """Delete, within a transaction, the records of queries that closed before a time, and what was said."""
    old = [QUERY.c.state == QueryState.CLOSED, QUERY.c.closed_at < before]
    old += [] if study is None else [QUERY.c.study == study]
    numbers = select(QUERY.c.id).where(*old)
    connection.execute(update(QUERY_EVENT).where(QUERY_EVENT.c.query_id.in_(numbers)).values(sealed=None))
    connection.execute(update(QUERY).where(*old, QUERY.c.sealed.is_not(None)).values(sealed=None))


def _decide(
    store: Store,
    room: Mailroom,
    number: int,
    *,
    fit: Collection[QueryState],
    happened: Happened,
    values: dict[str, Any],
    said: tuple[str, str, datetime],
) -> None:
    by, text, now = said
    with store.write() as connection:
        state = QueryState(_row(connection, room, number, locked=True)["state"])
        if state not in fit:
            raise UsageError(f"Query {number} is {state}; it cannot be {happened}.")
        this = update(QUERY).where(QUERY.c.id == number)
        connection.execute(this.values(**values, changed_at=now))
        note_event(store, connection, [number], happened=happened, by=by, text=text, now=now)


def _row(connection: Connection, room: Mailroom, number: int, *, locked: bool = False) -> RowMapping:
    query = select(QUERY).where(*of_project(room), QUERY.c.id == number)
    row = connection.execute(query.with_for_update() if locked else query).mappings().first()
    if row is None:
        raise UsageError(f"There is no query {number}; see capstan queries list --study {room.study}.")
    return row


def _events_of(store: Store, connection: Connection, numbers: list[int]) -> tuple[QueryEvent, ...]:
    found: list[QueryEvent] = []
    for part in in_parts(numbers):
        query = select(QUERY_EVENT).where(QUERY_EVENT.c.query_id.in_(part)).order_by(QUERY_EVENT.c.id)
        found += [to_event(store, row) for row in connection.execute(query).mappings()]
    return tuple(found)
