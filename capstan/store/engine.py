"""Makes the SQLAlchemy engine, and the file of an SQLite store."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import OperationalError

from capstan.errors import StoreError

BUSY_SECONDS = 30
_NAP_SECONDS = 0.001
_CONNECT_SECONDS = 10
_PRAGMAS = (
    # A before-image must outlive a power cut: with WAL only FULL waits for the disk at each commit.
    "synchronous=FULL",
    "foreign_keys=ON",
    # What retention deletes is overwritten, not only forgotten.
    "secure_delete=ON",
)


def make_engine(url: str) -> Engine:
    """Make an engine for a store's URL; an SQLite file is made first, for its owner only.

    Raises StoreError for a missing driver or a folder that cannot be made.
    """
    parsed = make_url(url)
    is_sqlite = parsed.get_backend_name() == "sqlite"
    if is_sqlite:
        _make_file(parsed)
    try:
        engine = create_engine(
            parsed,
            # Hidden, because SQLAlchemy's errors would quote participants' values.
            hide_parameters=True,
            # A server that was started again has closed the connections of before.
            pool_pre_ping=not is_sqlite,
            connect_args=_connect_args(parsed),
        )
    except ImportError as error:
        raise StoreError(f"CAPSTAN_STORE needs the Python package {error.name}; install it.") from None
    if is_sqlite:
        event.listen(engine, "connect", _set_pragmas)
        event.listen(engine, "begin", _begin)
    return engine


def _connect_args(url: URL) -> dict[str, int]:
    """How long to wait for a database: for SQLite's lock, or for a server that does not answer at all."""
    if url.get_backend_name() == "sqlite":
        return {"timeout": BUSY_SECONDS}
    return {} if "connect_timeout" in url.query else {"connect_timeout": _CONNECT_SECONDS}


def _make_file(url: URL) -> None:
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise StoreError("CAPSTAN_STORE must name a file, such as sqlite:////srv/capstan/store.sqlite.")
    path = Path(url.database)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        # Left alone: to open and close the file again would drop SQLite's own locks on it.
        return
    except OSError as error:
        raise StoreError(f"The store's file {path} cannot be made: {error.strerror}.") from None


def _set_pragmas(connection: sqlite3.Connection, _: Any) -> None:
    # The driver's own habit of opening transactions late is off, so that `_begin` decides.
    connection.isolation_level = None
    _use_wal(connection)
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}").close()


def _use_wal(connection: sqlite3.Connection) -> None:
    # Only for this change SQLite does not wait itself while others have the file, as they have when several
    # processes open a new store at once.
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").close()
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
        time.sleep(0.02)


def _begin(connection: Connection) -> None:
    mode = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
    if mode == "IMMEDIATE":
        _begin_in_turn(connection)
    elif mode:
        connection.exec_driver_sql(f"BEGIN {mode}")


def _begin_in_turn(connection: Connection) -> None:
    """Begin to write as soon as no other process does."""
    # SQLite's own naps between two looks grow to a tenth of a second, in which others may begin many times.
    connection.exec_driver_sql("PRAGMA busy_timeout=0")
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            break
        except OperationalError as error:
            if getattr(error.orig, "sqlite_errorcode", 0) != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
        time.sleep(_NAP_SECONDS)
    connection.exec_driver_sql(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
