"""Counts of what the store holds, for pages that show how a study stands; no participants' data."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from sqlalchemy import case, func, select

from capstan.message import MessageState
from capstan.store.connection import Store
from capstan.store.inbox_tables import INBOX
from capstan.store.monitor_tables import WAIT
from capstan.store.outbox_rows import Mailroom
from capstan.store.outbox_tables import ATTEMPT, MESSAGE
from capstan.store.states import ItemState
from capstan.store.tables import QUARANTINE, RUN

_STAGES = MappingProxyType(
    {
        MessageState.ACCEPTED: "sent",
        MessageState.DELIVERED: "delivered",
        MessageState.FAILED: "failed",
        MessageState.UNKNOWN: "unknown",
        MessageState.REVIEW: "unknown",
    }
)


class Tried(NamedTuple):
    """How many attempts of a channel came to a status, or before any to an outcome, with a code (0: none)."""

    channel: str
    status: str
    code: int
    attempts: int


class Sent(NamedTuple):
    """How many messages of one name came to a stage."""

    message: str
    stage: str
    messages: int


class Waiting(NamedTuple):
    """Since when a wait of a monitor is open, and how far it has come."""

    monitor: str
    state: str
    since: datetime


class Stopped(NamedTuple):
    """How many rows that a run stopped are open."""

    run: str
    flow: str
    started_at: datetime
    rows: int


class Inbox(NamedTuple):
    """How many items wait, and how many of them have failed before."""

    waiting: int
    failed: int


def tally_attempts(store: Store, study: str, *, since: datetime) -> tuple[Tried, ...]:
    """The attempts of a study that began since a time."""
    status = func.coalesce(func.nullif(ATTEMPT.c.status, ""), ATTEMPT.c.outcome, "sending")
    columns = (MESSAGE.c.channel, status, ATTEMPT.c.code)
    query = (
        select(*columns, func.count())
        .join(MESSAGE, MESSAGE.c.id == ATTEMPT.c.message_id)
        .where(MESSAGE.c.study == study, ATTEMPT.c.started_at >= since)
        .group_by(*columns)
        .order_by(*columns)
    )
    with store.read() as connection:
        return tuple(Tried(*row) for row in connection.execute(query))


def tally_messages(store: Store, room: Mailroom, *, since: datetime) -> tuple[Sent, ...]:
    """How many messages left since a time, by what became of them: sent, delivered, failed, unknown."""
    columns = (MESSAGE.c.name, MESSAGE.c.state)
    mine = [MESSAGE.c[name] == value for name, value in room._asdict().items()]
    query = select(*columns, func.count()).where(*mine, MESSAGE.c.changed_at >= since).group_by(*columns)
    with store.read() as connection:
        rows = connection.execute(query.order_by(*columns)).all()
    counts = Counter[tuple[str, str]]()
    for name, state, count in rows:
        if state in _STAGES:
            counts[name, _STAGES[state]] += count
    return tuple(Sent(*key, count) for key, count in counts.items())


def open_waits_of(store: Store, study: str) -> tuple[Waiting, ...]:
    """The open waits of a study's monitors, by monitor, oldest first."""
    columns = (WAIT.c.monitor, WAIT.c.state, WAIT.c.since)
    query = select(*columns).where(WAIT.c.study == study, WAIT.c.ended_at.is_(None))
    with store.read() as connection:
        rows = connection.execute(query.order_by(WAIT.c.monitor, WAIT.c.since, WAIT.c.id))
        return tuple(Waiting(*row) for row in rows)


def tally_stopped(store: Store, study: str) -> tuple[Stopped, ...]:
    """The runs of a study that stopped rows which are open, newest first."""
    columns = (RUN.c.id, RUN.c.flow, RUN.c.started_at)
    query = (
        select(*columns, func.count())
        .join(QUARANTINE, QUARANTINE.c.run_id == RUN.c.id)
        .where(RUN.c.study == study, QUARANTINE.c.state == ItemState.OPEN)
        .group_by(*columns)
        .order_by(RUN.c.started_at.desc(), RUN.c.id)
    )
    with store.read() as connection:
        return tuple(Stopped(*row) for row in connection.execute(query))


def tally_inbox(store: Store, study: str) -> Inbox:
    """The items of a study that are not done."""
    failed = func.count(case((INBOX.c.attempts > 0, 1)))
    query = select(func.count(), failed).where(INBOX.c.study == study, INBOX.c.done_at.is_(None))
    with store.read() as connection:
        return Inbox(*connection.execute(query).one())


class Funnel(NamedTuple):
    """How many messages of one name are in a state, with the rule or the code (0: none) behind it."""

    message: str
    state: str
    rule: str
    code: int
    messages: int


def tally_funnel(store: Store, room: Mailroom) -> tuple[Funnel, ...]:
    """All messages of a study's project by what became of them; the code is that of the last attempt."""
    mine = [MESSAGE.c[name] == value for name, value in room._asdict().items()]
    is_last = (ATTEMPT.c.message_id == MESSAGE.c.id) & (ATTEMPT.c.number == MESSAGE.c.attempts)
    code = func.coalesce(ATTEMPT.c.code, 0)
    columns = (MESSAGE.c.name, MESSAGE.c.state, MESSAGE.c.rule, code)
    query = select(*columns, func.count()).select_from(MESSAGE).outerjoin(ATTEMPT, is_last).where(*mine)
    with store.read() as connection:
        return tuple(Funnel(*row) for row in connection.execute(query.group_by(*columns).order_by(*columns)))
