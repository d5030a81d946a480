"""The inbox as people see it: what came, what became of it, and how it is worked on once more."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, and_, exists, func, select, update

from capstan.errors import StoreError, UsageError
from capstan.store.connection import Store
from capstan.store.inbox_marks import inbox_record_mark
from capstan.store.inbox_tables import INBOX, INBOX_LOG
from capstan.store.tables import WATERMARK
from capstan.store.upserts import insert_or_replace

_ANEW: dict[str, Any] = {"done_at": None, "attempts": 0, "not_before": None}


class ItemStatus(StrEnum):
    """Where an item of the inbox stands."""

    OPEN = "open"  # nobody has worked on it yet
    LOADED = "loaded"
    SKIPPED = "skipped"
    AGAIN = "again"  # it failed, and is tried again
    FAILED = "failed"  # it failed too often, and waits for a person


@dataclass(frozen=True)
class Kept:
    """One item for people; `form` is None where it was not asked for, was deleted, or no key opens it."""

    id: int
    study: str
    source: str
    received_at: datetime
    times_seen: int
    made_by: str
    status: ItemStatus
    attempts: int
    reason: str
    form: Mapping[str, str] | None = field(repr=False)


class LogLine(NamedTuple):
    """What one revision of a flow made of an item."""

    flow: str
    revision: int
    outcome: str
    reason: str
    at: datetime


class Reopened(NamedTuple):
    """How many items will be worked on again, and of how many retention has deleted what they said."""

    items: int
    lost: int


@dataclass(frozen=True)
class Choice:
    """Which items are meant: those that fit all that is given, such as numbers, a record, a span of time."""

    study: str = ""
    numbers: tuple[int, ...] = ()
    record: str = field(default="", repr=False)
    since: datetime | None = None
    until: datetime | None = None
    status: ItemStatus | None = None


def list_items(
    store: Store, choice: Choice, *, limit: int | None = 100, forms: bool = False
) -> tuple[Kept, ...]:
    """The items that are meant, newest first."""
    query = _chosen(store, choice).order_by(INBOX.c.id.desc()).limit(limit)
    with store.read() as connection:
        return tuple(_to_kept(store, row, forms=forms) for row in connection.execute(query).mappings())


def read_item(store: Store, number: int, *, forms: bool = False) -> tuple[Kept, tuple[LogLine, ...]]:
    """One item and its log; raises UsageError where there is none of that number."""
    found = list_items(store, Choice(numbers=(number,)), forms=forms)
    if not found:
        raise UsageError(f"There is no item {number}; `capstan triggers list` shows which there are.")
    lines = select(*(INBOX_LOG.c[name] for name in LogLine._fields)).where(INBOX_LOG.c.inbox_id == number)
    with store.read() as connection:
        return found[0], tuple(LogLine(*row) for row in connection.execute(lines.order_by(INBOX_LOG.c.at)))


def reopen_items(store: Store, choice: Choice) -> Reopened:
    """Let items be worked on again that were done or wait for another attempt."""
    meant = _chosen(store, choice).with_only_columns(INBOX.c.id)
    free = (INBOX.c.id.in_(meant), INBOX.c.claimed_by.is_(None))
    with store.write() as connection:
        counted = select(func.count()).select_from(INBOX).where(*free, INBOX.c.sealed.is_(None))
        lost = connection.execute(counted).scalar_one()
        again = update(INBOX).where(*free, INBOX.c.sealed.is_not(None))
        return Reopened(connection.execute(again.values(**_ANEW)).rowcount, lost)


def reopen_history(store: Store, study: str, *, flow: str, revision: int, now: datetime) -> int:
    """Reopen the newest item of each form, once a revision was raised; returns how many.

    Older ones tell nothing more, because the form is exported as it is now.
    """
    name = f"{flow} revision"
    seen = select(WATERMARK.c.value).where(WATERMARK.c.study == study, WATERMARK.c.name == name)
    with store.write() as connection:
        if int(connection.execute(seen).scalar() or -1) >= revision:
            return 0
        row = {"study": study, "name": name, "value": str(revision), "updated_at": now}
        kept = insert_or_replace(connection, WATERMARK, keys=("study", "name"))
        connection.execute(kept.values(**row))
        return connection.execute(_history(study, flow, revision)).rowcount


def empty_items(connection: Connection, *, before: datetime, study: str | None) -> None:
    """Delete what items said that were done before a time."""
    old = update(INBOX).where(INBOX.c.done_at < before, INBOX.c.sealed.is_not(None))
    old = old if study is None else old.where(INBOX.c.study == study)
    connection.execute(old.values(sealed=None))


def forget_items(store: Store, study: str, *, before: datetime) -> None:
    """Do what `empty_items` does, where no run of the journal does it."""
    with store.write() as connection:
        empty_items(connection, before=before, study=study)


def _history(study: str, flow: str, revision: int) -> Any:
    newest = (
        select(func.max(INBOX.c.id))
        .where(INBOX.c.study == study, INBOX.c.place_mark != "", INBOX.c.sealed.is_not(None))
        .group_by(INBOX.c.place_mark)
    )
    of_item = (INBOX_LOG.c.inbox_id == INBOX.c.id, INBOX_LOG.c.flow == flow)
    worked = exists().where(*of_item, INBOX_LOG.c.revision >= revision)
    return update(INBOX).where(INBOX.c.id.in_(newest), INBOX.c.done_at.is_not(None), ~worked).values(**_ANEW)


def _with_last_line() -> Select[Any]:
    """Items with the last line of their log."""
    line = INBOX_LOG.alias()
    lines = select(line.c.id).where(line.c.inbox_id == INBOX.c.id).correlate(INBOX)
    # Not by id: a revision that was lowered again writes into its old line.
    last = lines.order_by(line.c.at.desc(), line.c.id.desc()).limit(1).scalar_subquery()
    of_item = and_(INBOX_LOG.c.inbox_id == INBOX.c.id, INBOX_LOG.c.id == last)
    named = select(INBOX, INBOX_LOG.c.outcome, INBOX_LOG.c.reason).select_from(INBOX)
    return named.outerjoin(INBOX_LOG, of_item)


def _chosen(store: Store, choice: Choice) -> Select[Any]:
    query = _with_last_line()
    if choice.study:
        query = query.where(INBOX.c.study == choice.study)
    if choice.numbers:
        query = query.where(INBOX.c.id.in_(choice.numbers))
    if choice.record:
        query = query.where(
            INBOX.c.record_mark == inbox_record_mark(store, choice.study, record=choice.record)
        )
    if choice.since:
        query = query.where(INBOX.c.received_at >= choice.since)
    if choice.until:
        query = query.where(INBOX.c.received_at < choice.until)
    return query.where(*_of_status(choice.status)) if choice.status else query


def _of_status(status: ItemStatus) -> tuple[ColumnElement[bool], ...]:
    if status is ItemStatus.OPEN:
        return (INBOX.c.done_at.is_(None), INBOX.c.attempts == 0)
    if status is ItemStatus.AGAIN:
        return (INBOX.c.done_at.is_(None), INBOX.c.attempts > 0)
    return (INBOX.c.done_at.is_not(None), INBOX_LOG.c.outcome == status.value)


def _to_kept(store: Store, row: RowMapping, *, forms: bool) -> Kept:
    names = ("id", "study", "source", "received_at", "times_seen", "made_by", "attempts")
    status = ItemStatus(row["outcome"]) if row["done_at"] else ItemStatus.OPEN
    status = ItemStatus.AGAIN if not row["done_at"] and row["attempts"] else status
    return Kept(
        **{name: row[name] for name in names},
        status=status,
        reason=row["reason"] or "",
        form=_form(store, row["sealed"]) if forms else None,
    )


def _form(store: Store, sealed: bytes | None) -> dict[str, str] | None:
    try:
        return dict(json.loads(store.keys.unseal(sealed))) if sealed else None
    except StoreError:
        return None
