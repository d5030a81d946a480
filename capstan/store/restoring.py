"""Restoring: puts a backup in the place of what a store holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, select, text

from capstan.errors import Refused
from capstan.store.backup import Backup, check_key, opened_backup, read_label
from capstan.store.engine import make_engine
from capstan.store.failures import values_kept_out
from capstan.store.keys import KeyRing
from capstan.store.migrate import HEAD, lock_schema, move_to, version_of
from capstan.store.outbox_rows import Mailroom
from capstan.store.outbox_stops import set_stop
from capstan.store.outbox_tables import MESSAGE
from capstan.store.owners import describe_owner, is_alive
from capstan.store.row_copies import copy_rows, our_tables
from capstan.store.states import OPEN_STATES
from capstan.store.tables import RUN


def restore(url: str, file: Path, *, keys: KeyRing, now: datetime) -> Backup:
    """Put what a backup holds in the place of all that a store holds, in one transaction.

    Messages are stopped in every project until a person lets them go on: what was sent since the backup is
    not known any more. Raises StoreError for a file that is no backup, or of another key or a newer version;
    Refused while a run of the store goes on.
    """
    with values_kept_out(), opened_backup(file) as source:
        found = read_label(source)
        check_key(source, keys=keys)
        with _writing(url) as target:
            lock_schema(target)
            _refuse_runs(target, now=now)
            _empty(target)
            move_to(target, found.version)
            copy_rows(source, target)
            move_to(target, HEAD)
            _stop_messages(target, made_at=found.made_at, now=now)
    return found


def live_runs(connection: Connection, *, now: datetime) -> list[str]:
    """Runs whose process lives, each in words; a store without tables has none."""
    if not version_of(connection):
        return []
    columns = [RUN.c[name] for name in ("id", "study", "flow", "owner", "heartbeat_at")]
    rows = connection.execute(select(*columns).where(RUN.c.state.in_(OPEN_STATES)))
    return [
        f"run {row.id} ({row.flow}) of study {row.study} in {describe_owner(row.owner)}"
        for row in rows
        if is_alive(row.owner, heartbeat_at=row.heartbeat_at, now=now)
    ]


@contextmanager
def _writing(url: str) -> Iterator[Connection]:
    engine = make_engine(url)
    try:
        with engine.execution_options(sqlite_begin="IMMEDIATE").begin() as connection:
            yield connection
    finally:
        engine.dispose()


def _refuse_runs(connection: Connection, *, now: datetime) -> None:
    running = live_runs(connection, now=now)
    if running:
        raise Refused(f"The store is in use: {running[0]}. Wait until it has ended, or stop that process.")


def _empty(connection: Connection) -> None:
    """Take away the tables of a store, and no others."""
    if connection.dialect.name == "sqlite":
        connection.execute(text("PRAGMA defer_foreign_keys=ON"))
    for table in reversed(our_tables(connection)):
        table.drop(connection)
    connection.execute(text("DROP TABLE IF EXISTS alembic_version"))


def _stop_messages(connection: Connection, *, made_at: datetime, now: datetime) -> None:
    reason = f"restored from a backup of {made_at:%Y-%m-%d %H:%M} UTC; what was sent since is not known"
    rooms = connection.execute(select(*(MESSAGE.c[name] for name in Mailroom._fields)).distinct())
    for room in rooms.all():
        set_stop(connection, Mailroom(*room), channel="", name="", reason=reason, by="restore", now=now)
