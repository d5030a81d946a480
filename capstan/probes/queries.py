"""Asks a database whether it has a session's data; nothing can be changed there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, create_engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from capstan.probes.looks import MISSING, THERE, Look, unknown


def look_in_database(address: str, query: str, *, parts: Mapping[str, str], timeout_seconds: int) -> Look:
    """Ask a query (`:session` and other parts are bound) of an SQLAlchemy URL, in a read-only transaction.

    The data are there if the first value of the first row is something: not 0, not blank, not NULL.
    """
    try:
        url = make_url(address)
        if url.get_backend_name() not in ("sqlite", "postgresql"):
            return unknown("the database is neither PostgreSQL nor SQLite")
        engine = create_engine(
            _for_reading(url),
            connect_args=_limits(url, timeout_seconds=timeout_seconds),
            poolclass=NullPool,
            hide_parameters=True,
        )
        with engine.connect() as connection:
            return THERE if _first(connection, query, parts=parts) else MISSING
    except (SQLAlchemyError, ImportError, ValueError) as error:
        # A ValueError quotes an address that cannot be read, its password too.
        return unknown(type(error).__name__)


def _first(connection: Connection, query: str, *, parts: Mapping[str, str]) -> Any:
    statement = text(query)
    bound = {name: parts.get(name, "") for name in statement.compile().params}
    row = connection.execute(statement, bound).first()
    return row[0] if row is not None else None


def _for_reading(url: URL) -> URL:
    """SQLite would make a file that is not there, and opens one for reading by its name only."""
    if url.get_backend_name() != "sqlite":
        return url
    return url.set(database=f"file:{quote(url.database or '')}", query={"mode": "ro", "uri": "true"})


def _limits(url: URL, *, timeout_seconds: int) -> dict[str, Any]:
    if url.get_backend_name() == "sqlite":
        return {"timeout": timeout_seconds}
    # A setting of the connection, because a query could end its own transaction.
    options = f"-c default_transaction_read_only=on -c statement_timeout={timeout_seconds * 1000}"
    return {"options": options, "connect_timeout": timeout_seconds}
