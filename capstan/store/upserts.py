"""Inserts that give way to a row that is there already, in the words of the database at hand."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, cast

from sqlalchemy import ColumnElement, Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_new(connection: Connection, table: Table) -> sqlite.Insert:
    """An insert that does nothing where a constraint says that the row is there."""
    return _insert(connection, table).on_conflict_do_nothing()


def insert_or_replace(
    connection: Connection,
    table: Table,
    *,
    keys: Collection[str],
    where: ColumnElement[bool] | None = None,
    kept: Collection[str] = (),
) -> sqlite.Insert:
    """An insert that overwrites the row of the same unique `keys`, but for its `kept` columns.

    Only where the old row fulfils `where`.
    """
    statement = _insert(connection, table)
    same = {*keys, *kept, *(column.name for column in table.primary_key)}
    new: dict[str, Any] = {
        column.name: statement.excluded[column.name] for column in table.columns if column.name not in same
    }
    return statement.on_conflict_do_update(index_elements=list(keys), set_=new, where=where)


def _insert(connection: Connection, table: Table) -> sqlite.Insert:
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    # Another class, but with the same methods of the same meaning.
    return cast(sqlite.Insert, postgresql.insert(table))
