"""Backups: a store as it was at one moment, in one SQLite file that any machine can read."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from capstan.errors import StoreError, UsageError
from capstan.store.engine import make_engine
from capstan.store.failures import values_kept_out
from capstan.store.keys import KeyRing
from capstan.store.migrate import move_to, refuse_newer, version_of
from capstan.store.row_copies import copy_rows, count_rows
from capstan.store.tables import KEY_CHECK

_LABEL = "capstan_backup"


@dataclass(frozen=True)
class Backup:
    """What a backup says of itself; `key` names the key that opens it, and is no part of it."""

    made_at: datetime
    version: str
    key: str
    rows: dict[str, int]


def back_up(url: str, file: Path, *, keys: KeyRing, now: datetime) -> Backup:
    """Copy a store into a new file, for its owner only, while others use it; all of it or nothing.

    What participants' data it holds stays sealed. Raises UsageError where the file is there already, and
    StoreError for a store that is empty or cannot be read.
    """
    if file.exists():
        raise UsageError(f"{file} is there already; name another file.")
    draft = file.with_name(f"{file.name}.{os.getpid()}.draft")
    try:
        with values_kept_out(), _reading(url) as source:
            refuse_newer(version_of(source))
            found = _write(source, draft, keys=keys, now=now)
        # Not `replace`: another process may have made it meanwhile.
        os.link(draft, file)
    except FileExistsError:
        raise UsageError(f"{file} is there already; name another file.") from None
    except OSError as error:
        raise StoreError(f"The backup {file} cannot be written: {error.strerror}.") from None
    finally:
        for left in (draft, *(Path(f"{draft}{end}") for end in ("-wal", "-shm", "-journal"))):
            left.unlink(missing_ok=True)
    return found


@contextmanager
def opened_backup(file: Path) -> Iterator[Connection]:
    """A backup, opened to be read, which changes nothing beside it; StoreError for what is no backup."""
    if not file.is_file():
        raise UsageError(f"There is no file {file}.")
    name = f"file:{quote(str(file.absolute()))}?mode=ro&immutable=1"
    engine = create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(name, uri=True),
        poolclass=NullPool,
        hide_parameters=True,
    )
    with engine.connect() as connection:
        yield connection


def read_label(connection: Connection) -> Backup:
    """What a backup says of itself; StoreError for a file that is none, or that a newer Capstan made."""
    row = None
    with suppress(SQLAlchemyError):
        row = connection.execute(text(f"SELECT made_at, version, key FROM {_LABEL}")).one_or_none()
    if row is None:
        raise StoreError("The file is no backup of a store, or it is damaged.")
    refuse_newer(row.version)
    return Backup(datetime.fromisoformat(row.made_at), row.version, row.key, count_rows(connection))


def key_name(keys: KeyRing) -> str:
    """A name for the newest key, by which people tell keys apart; nobody can compute the key from it."""
    return keys.secrets_for("name of the key")[0][:12]


@contextmanager
def _reading(url: str) -> Iterator[Connection]:
    """A transaction that sees a store as it is at one moment, whatever others write meanwhile."""
    engine = make_engine(url)
    try:
        level = {} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
        with engine.connect().execution_options(**level) as connection:
            yield connection
    finally:
        engine.dispose()


def _write(source: Connection, draft: Path, *, keys: KeyRing, now: datetime) -> Backup:
    version = version_of(source)
    if not version:
        raise StoreError("The store is empty; there is nothing to back up.")
    engine = make_engine(f"sqlite:///{draft}")
    try:
        with engine.execution_options(sqlite_begin="IMMEDIATE").begin() as target:
            move_to(target, version)
            rows = copy_rows(source, target)
            check_key(target, keys=keys)
            label = {"made_at": now.isoformat(), "version": version, "key": key_name(keys)}
            target.execute(text(f"CREATE TABLE {_LABEL} (made_at TEXT, version TEXT, key TEXT)"))
            target.execute(text(f"INSERT INTO {_LABEL} VALUES (:made_at, :version, :key)"), label)
        _make_one_file(engine)
    finally:
        engine.dispose()
    return Backup(now, version, label["key"], rows)


def _make_one_file(engine: Engine) -> None:
    """Take in SQLite's side files, check the whole, and have it on disk."""
    with engine.execution_options(sqlite_begin="").connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode=DELETE")
        if connection.exec_driver_sql("PRAGMA integrity_check").scalar() != "ok":
            raise StoreError("The backup was not written as it should be; check the disk.")


def check_key(connection: Connection, *, keys: KeyRing) -> None:
    """Raise StoreError unless the keys open what the store has sealed."""
    for token in connection.execute(select(KEY_CHECK.c.token)).scalars():
        keys.unseal(token)
