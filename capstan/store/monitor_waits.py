"""Waits: opened once for a subject, looked at by one worker at a time, and ended for ever."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Update, or_, select, update

from capstan.errors import Refused, UsageError
from capstan.monitors import Standing, WaitState
from capstan.notice import Happening
from capstan.store.connection import Store
from capstan.store.monitor_rows import Opening, Wait, marks_of, seal_opening, to_wait
from capstan.store.monitor_tables import COMMAND, WAIT
from capstan.store.notices import add_happenings
from capstan.store.outbox_marks import record_mark
from capstan.store.outbox_rows import Mailroom
from capstan.store.owners import LEASE, current_owner, is_alive
from capstan.store.upserts import insert_new

_FREE = {"claimed_by": None, "claimed_until": None}


def open_waits(store: Store, room: Mailroom, openings: Iterable[Opening], *, now: datetime) -> int:
    """Open a wait for each occasion that has had none, if its subject has none open; returns how many."""
    with store.write() as connection:
        return sum(_open(store, connection, room, opening=one, now=now) for one in openings)


def known_occasions(store: Store, room: Mailroom, monitor: str) -> frozenset[str]:
    """The marks of the occasions that a monitor has opened a wait for, by `marks_of`."""
    query = select(WAIT.c.occasion_mark).where(*_mine(room), WAIT.c.monitor == monitor)
    with store.read() as connection:
        return frozenset(connection.execute(query).scalars())


def claim_waits(
    store: Store,
    room: Mailroom,
    *,
    monitors: Collection[str],
    before: datetime,
    now: datetime,
    limit: int = 200,
    record: str = "",
) -> tuple[Wait, ...]:
    """Take open waits that nobody has looked at since `before`; this worker alone may move them then.

    They are those of one record, unless that is blank.
    """
    worker = f"{secrets.token_hex(4)}@{current_owner()}"
    unseen = or_(WAIT.c.looked_at.is_(None), WAIT.c.looked_at < before)
    is_free = or_(WAIT.c.claimed_until.is_(None), WAIT.c.claimed_until <= now)
    chosen = select(WAIT.c.id).where(*_open_of(room), WAIT.c.monitor.in_(monitors), unseen, is_free)
    if record:
        chosen = chosen.where(WAIT.c.record_mark == record_mark(store, room, record=record))
    with store.write() as connection:
        _free_dead_claims(connection, room, now=now)
        first = chosen.order_by(WAIT.c.id).limit(limit).with_for_update(skip_locked=True)
        numbers = list(connection.execute(first).scalars())
        mine = update(WAIT).where(WAIT.c.id.in_(numbers))
        connection.execute(mine.values(claimed_by=worker, claimed_until=now + LEASE))
        rows = connection.execute(select(WAIT).where(WAIT.c.id.in_(numbers)).order_by(WAIT.c.id))
        return tuple(to_wait(store, row) for row in rows.mappings())


def claim_download(store: Store, wait: Wait, *, lasting: timedelta, now: datetime) -> bool:
    """Count a download before it is tried; False when the wait is not this worker's any more.

    The claim holds while the download may be `lasting`, or another worker would try it at the same time.
    """
    until = now + lasting + LEASE
    values = {"downloaded_at": now, "downloads": WAIT.c.downloads + 1, "claimed_until": until}
    with store.write() as connection:
        return connection.execute(_claimed(wait).values(**values)).rowcount == 1


def move_wait(
    store: Store,
    room: Mailroom,
    wait: Wait,
    *,
    standing: Standing,
    happenings: Collection[Happening] = (),
    reason: str = "",
    by: str = "",
    plans_command: bool = False,
    now: datetime,
) -> bool:
    """Give a claimed wait back as it stands now, with what staff are told of it and what is to run.

    All or nothing; False when somebody else moved it meanwhile, and then nobody is told.
    """
    ended = now if standing.state.has_ended else None
    values = {
        "state": standing.state,
        "told_at": standing.told_at,
        "tellings": WAIT.c.tellings + int(bool(happenings)),
        "looked_at": now,
        "reason": reason,
        "by": by,
        "changed_at": now,
        "ended_at": ended,
    }
    with store.write() as connection:
        if not connection.execute(_claimed(wait).values(**values, **_FREE)).rowcount:
            return False
        add_happenings(store, connection, room, happenings=happenings)
        if plans_command:
            _plan_command(connection, wait, now=now)
    return True


def dismiss_wait(store: Store, study: str, *, number: int, reason: str, by: str, now: datetime) -> None:
    """End an open wait of a study by a person's word, who gives a name and a reason.

    Raises Refused when it has ended, UsageError when there is none or nothing is said.
    """
    wait = read_wait(store, study, number=number)
    if not by.strip() or not reason.strip():
        raise UsageError("A decision needs a name and a reason: --by NAME --reason TEXT.")
    values = {"state": WaitState.DISMISSED, "reason": reason, "by": by, "ended_at": now, "changed_at": now}
    this = update(WAIT).where(WAIT.c.id == number, WAIT.c.ended_at.is_(None))
    with store.write() as connection:
        done = connection.execute(this.values(**values, **_FREE)).rowcount
    if not done:
        raise Refused(f"Wait {number} has ended already: it is {wait.standing.state}.")


def list_waits(
    store: Store,
    study: str,
    *,
    monitor: str | None = None,
    state: WaitState | None = None,
    only_open: bool = False,
    limit: int = 100,
) -> tuple[Wait, ...]:
    """The latest waits of a study, newest first; of one monitor or state, or those still open, when asked."""
    query = select(WAIT).where(WAIT.c.study == study).order_by(WAIT.c.id.desc()).limit(limit)
    for column, value in ((WAIT.c.monitor, monitor), (WAIT.c.state, state)):
        query = query if value is None else query.where(column == value)
    query = query.where(WAIT.c.ended_at.is_(None)) if only_open else query
    with store.read() as connection:
        return tuple(to_wait(store, row) for row in connection.execute(query).mappings())


def read_wait(store: Store, study: str, *, number: int) -> Wait:
    """One wait of a study by its number; UsageError when there is none."""
    this = select(WAIT).where(WAIT.c.id == number, WAIT.c.study == study)
    with store.read() as connection:
        row = connection.execute(this).mappings().first()
    if row is None:
        raise UsageError(f"The study has no wait {number}; `capstan monitors list {study}` has all.")
    return to_wait(store, row)


def _open(store: Store, connection: Connection, room: Mailroom, *, opening: Opening, now: datetime) -> bool:
    row = {
        **room._asdict(),
        **marks_of(store, room, opening),
        "monitor": opening.monitor,
        "session": opening.session,
        "sealed": seal_opening(store, opening),
        "site": opening.site,
        "since": opening.since,
        "state": WaitState.OPEN,
        "tellings": 0,
        "downloads": 0,
        "reason": "",
        "by": "",
        "changed_at": now,
    }
    new = insert_new(connection, WAIT).values(**row).returning(WAIT.c.id)
    return connection.execute(new).first() is not None


def _plan_command(connection: Connection, wait: Wait, *, now: datetime) -> None:
    """Plan the command of a wait's subject, which may have run already after an earlier wait."""
    names = ("study", "host", "project_id", "monitor", "subject_mark", "id")
    row = connection.execute(select(*(WAIT.c[name] for name in names)).where(WAIT.c.id == wait.id)).one()
    values = dict(zip((*names[:-1], "wait_id"), row, strict=True))
    planned = {"state": "planned", "worker": "", "changed_at": now}
    connection.execute(insert_new(connection, COMMAND).values(**values, **planned))


def _free_dead_claims(connection: Connection, room: Mailroom, *, now: datetime) -> None:
    """A worker whose process is gone will not come back for what it claimed."""
    claims = select(WAIT.c.claimed_by, WAIT.c.claimed_until).where(*_open_of(room)).distinct()
    for worker, until in connection.execute(claims.where(WAIT.c.claimed_by.is_not(None))).all():
        if not is_alive(worker.partition("@")[2], heartbeat_at=until - LEASE, now=now):
            connection.execute(update(WAIT).where(WAIT.c.claimed_by == worker).values(**_FREE))


def _claimed(wait: Wait) -> Update:
    return update(WAIT).where(
        WAIT.c.id == wait.id, WAIT.c.claimed_by == wait.worker, WAIT.c.ended_at.is_(None)
    )


def _open_of(room: Mailroom) -> list[ColumnElement[bool]]:
    return [*_mine(room), WAIT.c.ended_at.is_(None)]


def _mine(room: Mailroom) -> list[ColumnElement[bool]]:
    return [WAIT.c[name] == value for name, value in room._asdict().items()]
