"""Turns: runs of a study go one after the other, in the order in which they came, on whichever machine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, text, update

from capstan.store.breaker_tables import TURN
from capstan.store.connection import Store
from capstan.store.owners import current_owner, is_alive


@dataclass(frozen=True)
class Turn:
    """A run's place in the row of those that wait for their study."""

    id: int
    study: str


def ask_for_turn(store: Store, study: str, *, call: str, now: datetime) -> Turn | None:
    """Join the row; None where a run of the same `call` waits there already. A blank call is like no other.

    Whoever leaves says so with `leave_turn`; who dies is passed over.
    """
    with store.write() as connection:
        if connection.dialect.name == "postgresql":
            # Or a lower number could be committed after a higher one, whose run has begun by then.
            connection.execute(text("LOCK TABLE turn IN EXCLUSIVE MODE"))
        if call and any(row["call"] == call for row in _living(connection, study, now=now)):
            return None
        row = {"study": study, "call": call, "owner": current_owner(), "beat_at": now}
        added = connection.execute(insert(TURN).values(**row)).inserted_primary_key or (0,)
        return Turn(int(added[0]), study)


def is_first(store: Store, turn: Turn, *, now: datetime) -> bool:
    """Whether nobody who lives came before."""
    with store.read() as connection:
        return all(row["id"] >= turn.id for row in _living(connection, turn.study, now=now))


def beat_turn(store: Store, turn: Turn, *, now: datetime) -> None:
    """Say that the run still waits."""
    with store.write() as connection:
        connection.execute(update(TURN).where(TURN.c.id == turn.id).values(beat_at=now))


def leave_turn(store: Store, turn: Turn, *, now: datetime) -> None:
    """Leave the row, and strike off those who died in it."""
    with store.write() as connection:
        living = [row["id"] for row in _living(connection, turn.study, now=now) if row["id"] != turn.id]
        gone = (TURN.c.study == turn.study, TURN.c.id <= turn.id, TURN.c.id.not_in(living))
        connection.execute(delete(TURN).where(*gone))


def _living(connection: Connection, study: str, *, now: datetime) -> list[Any]:
    """Those in a study's row whose process lives, first come first."""
    query = select(TURN).where(TURN.c.study == study).order_by(TURN.c.id)
    rows = connection.execute(query).mappings()
    return [row for row in rows if is_alive(row["owner"], heartbeat_at=row["beat_at"], now=now)]
