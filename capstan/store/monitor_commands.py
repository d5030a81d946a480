"""Commands that run once for a subject: said to be running before they run, so that none runs twice.

PLANNED ──► STARTED ──► DONE, FAILED
               └──────► CUT_OFF       (the process died: a person finds out what the command did)
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, Update, select, update

from capstan.notice import Happening
from capstan.store.connection import Store
from capstan.store.monitor_rows import Wait, to_wait
from capstan.store.monitor_tables import COMMAND, WAIT
from capstan.store.notices import add_happenings
from capstan.store.outbox_rows import Mailroom
from capstan.store.owners import current_owner, is_alive

# How long a command on another machine, whose processes cannot be seen, is thought to be running.
_LONGEST = timedelta(days=1)


class CommandState(StrEnum):
    """Where a command stands."""

    PLANNED = "planned"
    STARTED = "started"
    DONE = "done"
    FAILED = "failed"
    CUT_OFF = "cut off"


@dataclass(frozen=True)
class PlannedCommand:
    """A command that this process alone is to run, for the subject of a wait."""

    wait: Wait
    state: CommandState
    exit_code: int | None


def start_command(
    store: Store, room: Mailroom, *, monitors: Collection[str], now: datetime
) -> PlannedCommand | None:
    """Take the next planned command; it counts as run from here on, whatever becomes of this process."""
    planned = _select(room).where(COMMAND.c.state == CommandState.PLANNED, COMMAND.c.monitor.in_(monitors))
    with store.write() as connection:
        first = planned.order_by(WAIT.c.id).limit(1).with_for_update(of=COMMAND, skip_locked=True)
        row = connection.execute(first).mappings().first()
        if row is None:
            return None
        values = {"state": CommandState.STARTED, "worker": current_owner(), "changed_at": now}
        connection.execute(_of(row["id"], CommandState.PLANNED).values(**values))
        return PlannedCommand(to_wait(store, row), CommandState.STARTED, None)


def end_command(
    store: Store,
    room: Mailroom,
    command: PlannedCommand,
    *,
    exit_code: int,
    happenings: Collection[Happening],
    now: datetime,
) -> None:
    """Say how a command ended, and what staff are told of it."""
    state = CommandState.FAILED if exit_code else CommandState.DONE
    values = {"state": state, "exit_code": exit_code, "changed_at": now}
    with store.write() as connection:
        if connection.execute(_of(command.wait.id, CommandState.STARTED).values(**values)).rowcount:
            add_happenings(store, connection, room, happenings=happenings)


def settle_cut_off(
    store: Store, room: Mailroom, *, news: Callable[[Wait], Collection[Happening]], now: datetime
) -> int:
    """Mark the commands whose process died in the middle, and tell staff of each once; returns how many."""
    running = _select(room).where(COMMAND.c.state == CommandState.STARTED)
    # What another worker marks just now, it tells.
    running = running.with_for_update(of=COMMAND, skip_locked=True)
    count = 0
    with store.write() as connection:
        for row in connection.execute(running).mappings().all():
            if is_alive(row["worker"], heartbeat_at=row["command_at"], now=now, lease=_LONGEST):
                continue
            values = {"state": CommandState.CUT_OFF, "changed_at": now}
            connection.execute(_of(row["id"], CommandState.STARTED).values(**values))
            add_happenings(store, connection, room, happenings=news(to_wait(store, row)))
            count += 1
    return count


def find_command(store: Store, number: int) -> tuple[CommandState, int | None] | None:
    """Where the command of a wait stands, and its exit code; None where there is none."""
    query = select(COMMAND.c.state, COMMAND.c.exit_code).where(COMMAND.c.wait_id == number)
    with store.read() as connection:
        row = connection.execute(query).first()
    return (CommandState(row[0]), row[1]) if row else None


def _select(room: Mailroom) -> Select[Any]:
    mine: list[ColumnElement[bool]] = [COMMAND.c[name] == value for name, value in room._asdict().items()]
    return (
        select(WAIT, COMMAND.c.worker, COMMAND.c.changed_at.label("command_at"))
        .join(COMMAND, COMMAND.c.wait_id == WAIT.c.id)
        .where(*mine)
    )


def _of(number: int, state: CommandState) -> Update:
    return update(COMMAND).where(COMMAND.c.wait_id == number, COMMAND.c.state == state)
