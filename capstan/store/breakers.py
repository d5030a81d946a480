"""Breakers: a REDCap host that does not answer is left alone for a while, by all studies and machines.

    closed ──► open ──► answered ──► closed     failures in a row; a trial got an answer; a run ended well
      ▲         ▲ │        │
      └─────────┼─┘        │                    a person closed it
                └──────────┘                    it failed again

While one is open, runs are put off. One run at a time tries again, each time after a longer pause. A ban is
for a person: nobody tries.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, select, update

from capstan.store.breaker_tables import BREAKER
from capstan.store.connection import Store
from capstan.store.owners import current_owner, is_alive
from capstan.store.upserts import insert_new

MOST_FAILURES = 3
_FIRST, _LONGEST = timedelta(minutes=1), timedelta(minutes=30)
_NOBODY: dict[str, Any] = {"trier": None, "tried_at": None}
_CLEAN: dict[str, Any] = {"failures": 0, "is_ban": False, "tries": 0, "try_at": None, **_NOBODY}


class BreakerState(StrEnum):
    """Whether runs may ask a host: open is no, answered is yes until it fails again."""

    CLOSED = "closed"
    OPEN = "open"
    ANSWERED = "answered"


@dataclass(frozen=True)
class Breaker:
    """What is known of a host; `put_off` runs were put off since it was opened, or while it last was."""

    host: str
    state: BreakerState
    failures: int
    is_ban: bool
    opened_at: datetime | None
    closed_at: datetime | None
    try_at: datetime | None
    put_off: int

    @property
    def is_open(self) -> bool:
        """Whether runs are put off."""
        return self.state is BreakerState.OPEN


def read_breaker(store: Store, host: str) -> Breaker | None:
    """What is known of a host; None where it never failed."""
    with store.read() as connection:
        return _read(connection, host)


def list_breakers(store: Store) -> tuple[Breaker, ...]:
    """All hosts that ever failed."""
    with store.read() as connection:
        rows = connection.execute(select(*_COLUMNS).order_by(BREAKER.c.host)).mappings()
        return tuple(_to_breaker(row) for row in rows)


def pass_breaker(store: Store, host: str, *, now: datetime) -> Breaker | None:
    """The open breaker that is in a run's way, which is put off; None where it may go, or is to try.

    Who is to try must say what came of it: `note_answer` or `note_failure`; a process that died has.
    """
    found = read_breaker(store, host)
    if found is None or not found.is_open:
        return None
    with store.write() as connection:
        row = _locked(connection, host)
        if row is None or row["state"] != BreakerState.OPEN:
            return None
        if _may_try(row, now=now):
            _set(connection, host, trier=current_owner(), tried_at=now)
            return None
        _set(connection, host, put_off=BREAKER.c.put_off + 1)
        return _read(connection, host)


def note_answer(store: Store, host: str) -> None:
    """Say that an open host has answered a trial: all may ask it again."""
    found = read_breaker(store, host)
    if found is None or not found.is_open:
        return
    with store.write() as connection:
        asked = (BREAKER.c.host == host, BREAKER.c.state == BreakerState.OPEN, BREAKER.c.is_ban.is_(False))
        connection.execute(update(BREAKER).where(*asked).values(state=BreakerState.ANSWERED, **_NOBODY))


def drop_trial(store: Store, host: str) -> None:
    """Say that this process is not to try after all, which was stopped before the host could answer."""
    found = read_breaker(store, host)
    if found is None or not found.is_open:
        return
    with store.write() as connection:
        mine = (BREAKER.c.host == host, BREAKER.c.trier == current_owner())
        connection.execute(update(BREAKER).where(*mine).values(**_NOBODY))


def note_success(store: Store, host: str, *, now: datetime) -> Breaker | None:
    """Say that a run ended to which a host answered all the time; returns what is known of the host then."""
    found = read_breaker(store, host)
    if found is None or found.is_open or (found.state is BreakerState.CLOSED and not found.failures):
        return found
    with store.write() as connection:
        row = _locked(connection, host)
        if row is not None and row["state"] == BreakerState.ANSWERED:
            _set(connection, host, state=BreakerState.CLOSED, closed_at=now, **_CLEAN)
        elif row is not None and row["state"] == BreakerState.CLOSED:
            _set(connection, host, failures=0)
        return _read(connection, host)


def note_failure(store: Store, host: str, *, is_ban: bool = False, now: datetime) -> Breaker:
    """Count that a host gave no usable answer; returns the breaker, which is open after the last of some."""
    with store.write() as connection:
        new = {"host": host, "state": BreakerState.CLOSED, "put_off": 0, **_CLEAN}
        connection.execute(insert_new(connection, BREAKER).values(**new))
        row = _locked(connection, host)
        assert row is not None
        _set(connection, host, **_after_failure(row, is_ban=is_ban, now=now))
        found = _read(connection, host)
        assert found is not None
        return found


def close_breaker(store: Store, host: str, *, now: datetime) -> bool:
    """Let runs ask a host again, because a person says so; False where nothing kept them from it."""
    with store.write() as connection:
        row = _locked(connection, host)
        if row is None or row["state"] == BreakerState.CLOSED:
            return False
        _set(connection, host, state=BreakerState.CLOSED, closed_at=now, **_CLEAN)
        return True


def _after_failure(row: Any, *, is_ban: bool, now: datetime) -> dict[str, Any]:
    failures, is_banned = row["failures"] + 1, is_ban or row["is_ban"]
    counted = {"failures": failures, "is_ban": is_banned}
    if row["state"] == BreakerState.CLOSED and failures < MOST_FAILURES and not is_ban:
        return counted
    if row["state"] == BreakerState.OPEN and row["trier"] != current_owner() and not is_ban:
        # A run that was on its way when it opened; the pause is not for it to prolong.
        return counted
    is_new = row["state"] == BreakerState.CLOSED
    opened = {"opened_at": now, "closed_at": None, "put_off": 0} if is_new else {}
    tries = 0 if is_new else row["tries"] + 1
    try_at = None if is_banned else now + _pause(tries)
    return {
        **counted,
        **opened,
        **_NOBODY,
        "state": BreakerState.OPEN,
        "tries": tries,
        "try_at": try_at,
    }


def _pause(tries: int) -> timedelta:
    """Twice as long each time, and a little by chance, so that not all hosts are tried together."""
    doubled: timedelta = min(_FIRST * 2 ** min(tries, 16), _LONGEST)
    return doubled * random.uniform(0.8, 1.2)


def _may_try(row: Any, *, now: datetime) -> bool:
    if row["is_ban"] or row["try_at"] is None or row["try_at"] > now:
        return False
    return row["trier"] is None or not is_alive(row["trier"], heartbeat_at=row["tried_at"], now=now)


def _locked(connection: Connection, host: str) -> Any:
    query = select(BREAKER).where(BREAKER.c.host == host).with_for_update()
    return connection.execute(query).mappings().first()


def _read(connection: Connection, host: str) -> Breaker | None:
    row = connection.execute(select(*_COLUMNS).where(BREAKER.c.host == host)).mappings().first()
    return None if row is None else _to_breaker(row)


def _set(connection: Connection, host: str, **values: Any) -> None:
    connection.execute(update(BREAKER).where(BREAKER.c.host == host).values(**values))


def _to_breaker(row: Any) -> Breaker:
    return Breaker(**{**row, "state": BreakerState(row["state"])})


_COLUMNS = tuple(BREAKER.c[name] for name in Breaker.__annotations__)
