"""Writes down what becomes of queries, within the transactions that change them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, insert, update

from capstan.query import Happened
from capstan.store.connection import Store
from capstan.store.outbox_rows import Mailroom
from capstan.store.quality_tables import QUERY, QUERY_EVENT

_BATCH = 500
_Item = TypeVar("_Item")


def of_project(room: Mailroom) -> tuple[ColumnElement[bool], ...]:
    """The queries of one project."""
    return tuple(QUERY.c[name] == value for name, value in room._asdict().items())


def note_event(
    store: Store,
    connection: Connection,
    queries: Collection[int],
    *,
    happened: Happened,
    by: str,
    text: str,
    now: datetime,
) -> None:
    """Write down one thing that became of some queries."""
    if not queries:
        return
    sealed = store.keys.seal(text.encode()) if text else None
    said = {"at": now, "happened": happened, "by": by, "sealed": sealed}
    connection.execute(insert(QUERY_EVENT), [{"query_id": number, **said} for number in queries])


def set_all(connection: Connection, queries: Iterable[int], *, values: dict[str, Any]) -> None:
    """Give some queries the same values."""
    for part in in_parts(sorted(queries)):
        connection.execute(update(QUERY).where(QUERY.c.id.in_(part)).values(**values))


def in_parts(listed: Sequence[_Item]) -> Iterator[Sequence[_Item]]:
    """Parts that fit into a statement."""
    return (listed[start : start + _BATCH] for start in range(0, len(listed), _BATCH))
