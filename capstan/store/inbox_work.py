"""Work on the inbox: one worker, and no other, has an item, and what it made of it is written down.

    open ──► claimed ──► done           loaded, skipped, or failed too often
      ▲         │          │
      └─────────┴──────────┘            failed, or its worker died; replayed, or a new revision

A worker that dies leaves its claims. They end at once where its process is seen to be gone, else with the
lease.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, func, or_, select, update

from capstan.errors import StoreError
from capstan.store.asked import Asking, add_asked
from capstan.store.connection import Store
from capstan.store.inbox_tables import INBOX, INBOX_LOG
from capstan.store.owners import LEASE, current_owner, is_alive
from capstan.store.retries import MOST_ATTEMPTS, retry_at
from capstan.store.upserts import insert_or_replace

_FREE: dict[str, Any] = {"claimed_by": None, "claimed_until": None}


class Worked(StrEnum):
    """What a flow made of an item."""

    LOADED = "loaded"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True)
class Item:
    """One item that a worker has; `attempts` failed before, `form` is None where no key opens it."""

    id: int
    source: str
    worker: str
    attempts: int
    form: Mapping[str, str] | None = field(repr=False)


@dataclass(frozen=True)
class Result:
    """What a flow made of an item, why, and what is to run now. A reason holds no values."""

    item: Item
    outcome: Worked
    reason: str = ""
    asks: tuple[Asking, ...] = ()


def count_waiting(store: Store, study: str, *, now: datetime) -> int:
    """How many items of a study may be worked on; a claimed one may be a dead worker's."""
    waiting = or_(INBOX.c.claimed_by.is_not(None), INBOX.c.not_before.is_(None), INBOX.c.not_before <= now)
    mine = (INBOX.c.study == study, INBOX.c.done_at.is_(None))
    query = select(func.count()).select_from(INBOX).where(*mine, waiting)
    with store.read() as connection:
        return connection.execute(query).scalar_one()


def claim_items(store: Store, study: str, *, limit: int, now: datetime) -> tuple[Item, ...]:
    """Take the oldest open items, or one that failed before: it is tried alone, to take no others with it."""
    worker = f"{secrets.token_hex(4)}@{current_owner()}"
    with store.write() as connection:
        _free_dead_claims(connection, study, now=now)
        rows = _lock(connection, _open(study, now).where(INBOX.c.attempts == 0).limit(limit))
        rows = rows or _lock(connection, _open(study, now).where(INBOX.c.attempts > 0).limit(1))
        mine = update(INBOX).where(INBOX.c.id.in_([row["id"] for row in rows]))
        connection.execute(mine.values(claimed_by=worker, claimed_until=now + LEASE))
    return tuple(_to_item(store, row, worker=worker) for row in rows)


def log_items(
    store: Store, study: str, *, results: Collection[Result], flow: str, revision: int, now: datetime
) -> int:
    """Write down what became of items and ask for what is to run; all or nothing.

    Returns how many: an item that another worker has by now is left to it.
    """
    done: list[Result] = []
    with store.write() as connection:
        for result in results:
            item = result.item
            mine = update(INBOX).where(INBOX.c.id == item.id, INBOX.c.claimed_by == item.worker)
            if not connection.execute(mine.values(**_FREE, **_after(result, now=now))).rowcount:
                continue
            row = {"inbox_id": item.id, "flow": flow, "revision": revision, "at": now}
            told = {"outcome": result.outcome.value, "reason": result.reason}
            kept = insert_or_replace(connection, INBOX_LOG, keys=("inbox_id", "flow", "revision"))
            connection.execute(kept.values(**row, **told))
            done.append(result)
        # All at once, because their order is that of all who ask.
        add_asked(store, connection, study, asks=[ask for one in done for ask in one.asks], now=now)
    return len(done)


def renew_claims(store: Store, items: Collection[Item], *, now: datetime) -> None:
    """Say that items are still worked on, or another machine would take them for a dead worker's."""
    for worker in {item.worker for item in items}:
        with store.write() as connection:
            mine = update(INBOX).where(INBOX.c.claimed_by == worker)
            connection.execute(mine.values(claimed_until=now + LEASE))


def give_back_items(store: Store, items: Collection[Item]) -> None:
    """Give up claims on items that were not worked on after all."""
    with store.write() as connection:
        for item in items:
            mine = update(INBOX).where(INBOX.c.id == item.id, INBOX.c.claimed_by == item.worker)
            connection.execute(mine.values(**_FREE))


def _after(result: Result, *, now: datetime) -> dict[str, Any]:
    """What an item is after an attempt: done, or due again later."""
    if result.outcome is not Worked.FAILED:
        return {"done_at": now, "not_before": None}
    attempts = result.item.attempts + 1
    if attempts >= MOST_ATTEMPTS:
        return {"done_at": now, "attempts": attempts, "not_before": None}
    return {"attempts": attempts, "not_before": retry_at(result.item.attempts, now=now)}


def _open(study: str, now: datetime) -> Select[Any]:
    """The items that anybody may take, oldest first."""
    due = or_(INBOX.c.not_before.is_(None), INBOX.c.not_before <= now)
    free = (INBOX.c.done_at.is_(None), INBOX.c.claimed_by.is_(None), due)
    return select(INBOX).where(INBOX.c.study == study, *free).order_by(INBOX.c.id)


def _lock(connection: Connection, query: Select[Any]) -> list[RowMapping]:
    """Read rows that nobody else is taking at this moment; SQLite lets only one write anyway."""
    return list(connection.execute(query.with_for_update(skip_locked=True)).mappings())


def _free_dead_claims(connection: Connection, study: str, *, now: datetime) -> None:
    claimed = (INBOX.c.study == study, INBOX.c.done_at.is_(None), INBOX.c.claimed_by.is_not(None))
    workers = select(INBOX.c.claimed_by, INBOX.c.claimed_until).where(*claimed).distinct()
    for worker, until in connection.execute(workers).all():
        if until <= now or not is_alive(worker.partition("@")[2], heartbeat_at=until - LEASE, now=now):
            connection.execute(update(INBOX).where(*claimed, INBOX.c.claimed_by == worker).values(**_FREE))


def _to_item(store: Store, row: RowMapping, *, worker: str) -> Item:
    try:
        form = json.loads(store.keys.unseal(row["sealed"])) if row["sealed"] else None
    except StoreError:
        form = None
    return Item(row["id"], row["source"], worker, row["attempts"], form)
