"""Copies the rows of one store into another, from and to SQLite and PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, Connection, Integer, MetaData, Table, func, insert, inspect, select, text

from capstan.errors import StoreError
from capstan.store.tables import METADATA

_ROWS_AT_ONCE = 1000


def our_tables(connection: Connection) -> list[Table]:
    """The tables of a store as the database has them, parents first; tables of others are left out."""
    found = MetaData()
    names = METADATA.tables.keys() & set(inspect(connection).get_table_names())
    found.reflect(connection, only=sorted(names))
    for table in found.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, JSON):
                # Else an empty cell would come back as the JSON text null.
                column.type.none_as_null = True
    return found.sorted_tables


def copy_rows(source: Connection, target: Connection) -> dict[str, int]:
    """Copy all rows into the empty tables of a store of the same version; gives their number by table.

    Both are in a transaction, of which the source's sees the store as it was at one moment.
    """
    targets = {table.name: table for table in our_tables(target)}
    sources = {table.name: table for table in our_tables(source)}
    if targets.keys() != sources.keys():
        raise StoreError("The two stores have different tables; bring them to the same version first.")
    _defer_references(target, targets.values())
    copied = {name: _copy(sources[name], targets[name], source=source, target=target) for name in targets}
    _settle_references(target, targets.values())
    return copied


def count_rows(connection: Connection) -> dict[str, int]:
    """How many rows each table of a store has."""
    tables = our_tables(connection)
    return {
        table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
        for table in tables
    }


def _copy(table: Table, other: Table, *, source: Connection, target: Connection) -> int:
    count = 0
    # A server sends the rows by and by; SQLite does so anyway.
    rows = source.execution_options(yield_per=_ROWS_AT_ONCE).execute(select(table)).mappings()
    for part in rows.partitions(_ROWS_AT_ONCE):
        target.execute(insert(other), [_in_utc(dict(row)) for row in part])
        count += len(part)
    return count


def _in_utc(row: dict[str, Any]) -> dict[str, Any]:
    """SQLite forgets the zone, and PostgreSQL would take such a time for one of its own zone."""
    return {name: _aware(value) if isinstance(value, datetime) else value for name, value in row.items()}


def _aware(time: datetime) -> datetime:
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


def _defer_references(connection: Connection, tables: Iterable[Table]) -> None:
    """Let rows refer to rows that come later, as an undo does to its run, until all are there."""
    if connection.dialect.name == "sqlite":
        connection.execute(text("PRAGMA defer_foreign_keys=ON"))
        return
    for table, name in _references(tables):
        connection.execute(
            text(f'ALTER TABLE "{table}" ALTER CONSTRAINT "{name}" DEFERRABLE INITIALLY DEFERRED')
        )


def _settle_references(connection: Connection, tables: Collection[Table]) -> None:
    """Check all references, and let new numbers begin behind those that were copied."""
    if connection.dialect.name == "sqlite":
        return
    connection.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    for owner, name in _references(tables):
        connection.execute(text(f'ALTER TABLE "{owner}" ALTER CONSTRAINT "{name}" NOT DEFERRABLE'))
    for table in tables:
        for column in table.primary_key.columns:
            if isinstance(column.type, Integer):
                _set_sequence(connection, table.name, column.name)


def _references(tables: Iterable[Table]) -> list[tuple[str, str]]:
    return [
        (table.name, str(constraint.name)) for table in tables for constraint in table.foreign_key_constraints
    ]


def _set_sequence(connection: Connection, table: str, column: str) -> None:
    names = {"table": f'"{table}"', "column": column}
    sequence = connection.execute(text("SELECT pg_get_serial_sequence(:table, :column)"), names).scalar()
    if sequence:
        highest = f'(SELECT coalesce(max("{column}"), 0) + 1 FROM "{table}")'
        connection.execute(text(f"SELECT setval(:sequence, {highest}, false)"), {"sequence": sequence})
