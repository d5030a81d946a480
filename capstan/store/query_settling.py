"""Compares what was found with the queries that there are: opens, keeps, opens again and closes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import Connection, RowMapping, bindparam, func, insert, select, update

from capstan.query import Happened, How, QueryState
from capstan.store.connection import Store
from capstan.store.outbox_marks import record_mark
from capstan.store.outbox_rows import Mailroom
from capstan.store.outbox_stops import lock_room
from capstan.store.quality_tables import QUERY
from capstan.store.query_events import in_parts, note_event, of_project, set_all
from capstan.store.query_moves import Looked, Moves, limit_moves, plan_moves
from capstan.store.query_rows import FINDING_COLUMNS, found_mark, query_mark, seal_finding
from capstan.verdict import Severity

_Row = dict[str, Any]
BY_ITSELF = "data_quality"
_SEVERITY = FINDING_COLUMNS.index("severity")
_PLACE = ("event", "instrument", "instance", "field", "check", "mark", "record_mark")


@dataclass(frozen=True)
class Settled:
    """How many queries were opened, opened again, closed, and are in each state; and findings left out."""

    opened: int = 0
    reopened: int = 0
    closed: int = 0
    left_out: int = 0
    open: int = 0
    answered: int = 0
    dismissed: int = 0


def settle_queries(
    store: Store, room: Mailroom, *, found: pd.DataFrame, looked: Looked, at_most: int, dry_run: bool = False
) -> Settled:
    """Bring the queries of a project in line with what was found (`FINDING_COLUMNS`); all of it or nothing.

    Each finding has one query for ever. The most severe are opened first, until `at_most` are open; the
    others are left out, and counted. A run that looked later has the last word. A dry run counts only.
    """
    findings = _findings(store, room, found)
    with store.read() if dry_run else store.write() as connection:
        if not dry_run:
            lock_room(connection, room, now=looked.at)
        known = _known(connection, room)
        moves = plan_moves(findings, known=known, looked=looked)
        left_out = limit_moves(moves, known=known, at_most=at_most)
        if not dry_run:
            _carry_out(store, connection, room, moves, now=looked.at)
        counts = _count(connection, room)
    reopened = sum(map(len, moves.again.values()))
    return Settled(len(moves.fresh), reopened, len(moves.gone), left_out, **counts)


def _carry_out(store: Store, connection: Connection, room: Mailroom, moves: Moves, *, now: datetime) -> None:
    _close(store, connection, moves.gone, now=now)
    _keep(store, connection, moves, now=now)
    for why, pairs in moves.again.items():
        _reopen(store, connection, pairs, why=why, now=now)
    _open(store, connection, room, moves.fresh, now=now)


def _findings(store: Store, room: Mailroom, found: pd.DataFrame) -> dict[str, _Row]:
    """The findings by their marks, the most severe first; what one check says twice of a place is one."""
    ranks = {name.value: rank for rank, name in enumerate(Severity)}
    columns = (found[name].astype("str").tolist() for name in FINDING_COLUMNS)
    # Sorted, so that the order of rows decides nothing.
    rows = sorted(zip(*columns, strict=True), key=lambda row: (ranks.get(row[_SEVERITY], len(ranks)), row))
    names = {row[0] for row in rows}
    records = {name: record_mark(store, room, record=name) if name else "" for name in names}
    findings: dict[str, _Row] = {}
    for row in rows:
        finding: _Row = dict(zip(FINDING_COLUMNS, row, strict=True))
        mark = query_mark(store, room, finding=finding)
        if mark not in findings:
            marks = {"mark": mark, "record_mark": records[finding["record"]]}
            findings[mark] = {**finding, **marks, "content_mark": found_mark(store, finding)}
    return findings


def _known(connection: Connection, room: Mailroom) -> dict[str, RowMapping]:
    """All queries of a project by their marks, also those that are closed, which may come back."""
    columns = [column for column in QUERY.columns if column.name != "sealed"]
    rows = connection.execute(select(*columns).where(*of_project(room))).mappings()
    return {str(row["mark"]): row for row in rows}


def _open(
    store: Store, connection: Connection, room: Mailroom, findings: Sequence[_Row], *, now: datetime
) -> None:
    new = {**room._asdict(), "opened_at": now, **_seen(now), "state": QueryState.OPEN, "how": ""}
    rows = [{**new, **_told(store, one), **{name: one[name] for name in _PLACE}} for one in findings]
    if rows:
        connection.execute(insert(QUERY), rows)
    numbers: list[int] = []
    for part in in_parts([one["mark"] for one in findings]):
        numbers += connection.execute(select(QUERY.c.id).where(QUERY.c.mark.in_(part))).scalars()
    note_event(store, connection, numbers, happened=Happened.OPENED, by=BY_ITSELF, text="", now=now)


def _reopen(
    store: Store, connection: Connection, pairs: Sequence[tuple[_Row, _Row]], *, why: str, now: datetime
) -> None:
    again = {**_seen(now), "closed_at": None, "until": None, "state": QueryState.OPEN, "how": ""}
    rows = []
    for query, finding in pairs:
        opened = now if query["state"] == QueryState.CLOSED else query["opened_at"]
        rows.append({**again, "opened_at": opened, **_told(store, finding), "number": query["id"]})
    _set_each(connection, rows)
    numbers = [query["id"] for query, _ in pairs]
    note_event(store, connection, numbers, happened=Happened.REOPENED, by=BY_ITSELF, text=why, now=now)


def _keep(store: Store, connection: Connection, moves: Moves, *, now: datetime) -> None:
    rows = [
        {**_seen(now), **_told(store, finding), "number": query["id"]} for query, finding in moves.changed
    ]
    _set_each(connection, rows)
    set_all(connection, moves.seen, values={"last_seen_at": now})


def _set_each(connection: Connection, rows: Sequence[_Row]) -> None:
    """Give each query, by its `number`, values of its own; all rows have the same columns."""
    if rows:
        connection.execute(update(QUERY).where(QUERY.c.id == bindparam("number")), rows)


def _close(store: Store, connection: Connection, numbers: Sequence[int], *, now: datetime) -> None:
    closed = {"state": QueryState.CLOSED, "how": How.GONE, "closed_at": now, "changed_at": now, "until": None}
    set_all(connection, numbers, values=closed)
    note_event(
        store, connection, numbers, happened=Happened.CLOSED, by=BY_ITSELF, text=How.GONE.value, now=now
    )


def _seen(now: datetime) -> _Row:
    return {"last_seen_at": now, "changed_at": now}


def _told(store: Store, finding: _Row) -> _Row:
    """What a query says of its finding, which may change."""
    said = {name: finding[name] for name in ("severity", "site", "form", "content_mark")}
    return {**said, "sealed": seal_finding(store, record=finding["record"], reason=finding["reason"])}


def _count(connection: Connection, room: Mailroom) -> dict[str, int]:
    query = select(QUERY.c.state, func.count()).where(*of_project(room)).group_by(QUERY.c.state)
    counts = {state: count for state, count in connection.execute(query).all()}
    return {
        state.value: counts.get(state, 0)
        for state in (QueryState.OPEN, QueryState.ANSWERED, QueryState.DISMISSED)
    }
