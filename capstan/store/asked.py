"""Records for which triggers asked that a flow runs: kept once each, until a run has seen to them.

A run reads them all, and strikes off afterwards what was not asked for anew in the meantime. So nothing is
lost where it dies, and a burst for one record is one.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, delete, func, or_, select, update

from capstan.store.connection import Store
from capstan.store.inbox_marks import inbox_record_mark
from capstan.store.inbox_tables import ASKED
from capstan.store.retries import retry_at
from capstan.store.upserts import insert_new


@dataclass(frozen=True)
class Asking:
    """A flow that is to run, and for which record; a blank record means the study as a whole.

    Of the flow that asks partners it is a partner's name.
    """

    flow: str
    record: str = field(repr=False)


@dataclass(frozen=True)
class Asked:
    """One record for which a flow was asked to run; `asks` is how often, and `since` when it was first."""

    flow: str
    mark: str
    asks: int
    since: datetime
    attempts: int
    record: str = field(repr=False)


class Waiting(NamedTuple):
    """How many records wait for a flow, since when, and how often the flow failed for them at most."""

    flow: str
    records: int
    since: datetime
    attempts: int


def add_asked(
    store: Store, connection: Connection, study: str, *, asks: Iterable[Asking], now: datetime
) -> None:
    """Ask for runs, within a transaction."""
    for one in sorted(set(asks), key=_turn):
        mark = inbox_record_mark(store, study, record=one.record)
        row = {"study": study, "flow": one.flow, "record_mark": mark}
        this = [ASKED.c[name] == value for name, value in row.items()]
        again = update(ASKED).where(*this).values(asks=ASKED.c.asks + 1, attempts=0, not_before=None)
        if not connection.execute(again).rowcount:
            sealed = store.keys.seal(json.dumps(one.record).encode())
            new = insert_new(connection, ASKED).values(**row, sealed=sealed, asks=1, asked_at=now, attempts=0)
            connection.execute(new)


def read_asked(store: Store, study: str, *, flow: str) -> tuple[Asked, ...]:
    """The records for which a flow was asked to run and has not yet."""
    query = select(ASKED).where(ASKED.c.study == study, ASKED.c.flow == flow)
    with store.read() as connection:
        return tuple(
            Asked(
                flow,
                row["record_mark"],
                row["asks"],
                row["asked_at"],
                row["attempts"],
                _record(store, row["sealed"]),
            )
            for row in connection.execute(query).mappings()
        )


def flows_due(store: Store, study: str, *, now: datetime) -> tuple[str, ...]:
    """The flows that are to run now."""
    is_due = or_(ASKED.c.not_before.is_(None), ASKED.c.not_before <= now)
    query = select(ASKED.c.flow).where(ASKED.c.study == study, is_due).distinct().order_by(ASKED.c.flow)
    with store.read() as connection:
        return tuple(connection.execute(query).scalars())


def list_asked(store: Store, *, study: str | None = None) -> tuple[Waiting, ...]:
    """What waits, by flow."""
    query = select(
        ASKED.c.flow, func.count(), func.min(ASKED.c.asked_at), func.max(ASKED.c.attempts)
    ).group_by(ASKED.c.flow)
    query = query if study is None else query.where(ASKED.c.study == study)
    with store.read() as connection:
        return tuple(Waiting(*row) for row in connection.execute(query.order_by(ASKED.c.flow)))


def strike_asked(store: Store, study: str, *, asked: Collection[Asked]) -> None:
    """Strike off what a run has seen to, but not what was asked for again meanwhile."""
    with store.write() as connection:
        for one in sorted(asked, key=_turn):
            connection.execute(delete(ASKED).where(*_same(study, one)))


def put_off_asked(store: Store, study: str, *, asked: Collection[Asked], now: datetime) -> None:
    """Say that a run failed; the flow is due again later."""
    with store.write() as connection:
        for one in sorted(asked, key=_turn):
            wait = update(ASKED).where(*_same(study, one))
            connection.execute(
                wait.values(attempts=one.attempts + 1, not_before=retry_at(one.attempts, now=now))
            )


def _turn(one: Asking | Asked) -> tuple[str, str]:
    """The one order in which rows are locked, so that two workers cannot wait for each other."""
    return one.flow, one.record


def _record(store: Store, sealed: bytes) -> str:
    return str(json.loads(store.keys.unseal(sealed)))


def _same(study: str, one: Asked) -> list[ColumnElement[bool]]:
    named = {"study": study, "flow": one.flow, "record_mark": one.mark}
    # Also its time: what another run struck off and was asked for again counts from one anew.
    seen = {"asks": one.asks, "asked_at": one.since}
    return [ASKED.c[name] == value for name, value in (named | seen).items()]
