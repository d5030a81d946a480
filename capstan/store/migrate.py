"""Brings a store's tables up to date, or back to what an older version knows."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from capstan.errors import StoreError

# Known here so that a store that is up to date opens without the import of alembic.
HEAD = "0011"
_FOLDER = Path(__file__).parent / "migrations"
_ANY_NUMBER = 8_211_023


def migrate(engine: Engine) -> None:
    """Bring the tables to `HEAD`; StoreError when a newer Capstan made them."""
    with engine.connect() as connection:
        version = version_of(connection)
    if version == HEAD:
        return
    refuse_newer(version)
    # The lock is taken before alembic looks, so of two processes the second finds nothing left to do.
    with engine.execution_options(sqlite_begin="IMMEDIATE").begin() as connection:
        lock_schema(connection)
        move_to(connection, HEAD)


def migrate_to(engine: Engine, version: str) -> None:
    """Bring the tables forward or back to a version that this code knows; all of it or nothing.

    Going back takes away what the older version does not know, with all that it holds. `version` is one of
    `known_versions`.
    """
    with engine.execution_options(sqlite_begin="IMMEDIATE").begin() as connection:
        lock_schema(connection)
        refuse_newer(version_of(connection))
        move_to(connection, version)


def known_versions() -> tuple[str, ...]:
    """The versions of the tables that this code knows, oldest first."""
    return tuple(sorted(path.name[:4] for path in (_FOLDER / "versions").glob("[0-9]*.py")))


def refuse_newer(version: str) -> None:
    """Raise StoreError for a version that a newer Capstan made."""
    if version > HEAD:
        raise StoreError("A newer Capstan made this store. Update Capstan, or name another store.")


def version_of(connection: Connection) -> str:
    """The version of a store's tables; blank where it has none."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or "")


def lock_schema(connection: Connection) -> None:
    """Let no other process change the tables until the transaction ends; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_ANY_NUMBER})"))


def move_to(connection: Connection, version: str) -> None:
    """Bring the tables to a version within a transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    move = command.downgrade if version < version_of(connection) else command.upgrade
    move(config, version)
