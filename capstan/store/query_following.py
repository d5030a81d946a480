"""Queries follow their records: closed when one is deleted, and renamed with one."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, RowMapping, delete, select, update

from capstan.query import Happened, How, QueryState
from capstan.store.connection import Store
from capstan.store.outbox_marks import record_mark
from capstan.store.outbox_rows import Mailroom
from capstan.store.quality_tables import QUERY, QUERY_EVENT
from capstan.store.query_events import note_event, of_project, set_all
from capstan.store.query_rows import query_mark, seal_finding, to_query


def close_queries_of(store: Store, room: Mailroom, *, record: str, by: str, now: datetime) -> int:
    """Close the queries of a record that was deleted; returns how many were not closed before."""
    mine = (*of_project(room), QUERY.c.record_mark == record_mark(store, room, record=record))
    query = select(QUERY.c.id).where(*mine, QUERY.c.state != QueryState.CLOSED)
    closed = {"state": QueryState.CLOSED, "how": How.DELETED, "closed_at": now, "changed_at": now}
    with store.write() as connection:
        numbers = list(connection.execute(query).scalars())
        set_all(connection, numbers, values={**closed, "until": None})
        happened, text = Happened.CLOSED, How.DELETED.value
        note_event(store, connection, numbers, happened=happened, by=by, text=text, now=now)
    return len(numbers)


def rename_queries(store: Store, room: Mailroom, *, old: str, new: str, now: datetime) -> int:
    """Let a record's queries go on under its new name, with their numbers and answers; returns how many.

    Where a run found the same under the new name before, the two become one.
    """
    mine = (*of_project(room), QUERY.c.record_mark == record_mark(store, room, record=old))
    with store.write() as connection:
        rows = connection.execute(select(QUERY).where(*mine).order_by(QUERY.c.id)).mappings().all()
        for row in rows:
            _rename(store, connection, room, row, new=new, now=now)
    return len(rows)


def _rename(
    store: Store, connection: Connection, room: Mailroom, row: RowMapping, *, new: str, now: datetime
) -> None:
    mark = query_mark(store, room, finding={**row, "record": new})
    values = {"mark": mark, "record_mark": record_mark(store, room, record=new), "changed_at": now}
    twin = connection.execute(select(QUERY).where(QUERY.c.mark == mark)).mappings().first()
    if twin:
        values |= _take_over(connection, row, twin)
    if row["sealed"]:
        values["sealed"] = seal_finding(store, record=new, reason=to_query(store, row).reason)
    connection.execute(update(QUERY).where(QUERY.c.id == row["id"]).values(**values))


def _take_over(connection: Connection, row: RowMapping, twin: RowMapping) -> dict[str, object]:
    """Let a query have the history of its younger twin, whose state is the newer one.

    An answer that the older one has is not lost: it holds as long as the finding stays the same.
    """
    events = update(QUERY_EVENT).where(QUERY_EVENT.c.query_id == twin["id"])
    connection.execute(events.values(query_id=row["id"]))
    connection.execute(delete(QUERY).where(QUERY.c.id == twin["id"]))
    names = ["last_seen_at", "severity", "site", "form"]
    is_settled = row["state"] in (QueryState.ANSWERED, QueryState.DISMISSED)
    names += [] if is_settled else ["content_mark", "state", "how", "until", "closed_at"]
    return {name: twin[name] for name in names}
