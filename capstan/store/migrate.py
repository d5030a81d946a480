"""Brings a store's tables up to date."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from capstan.errors import StoreError

# Known here so that a store that is up to date opens without the import of alembic.
HEAD = "0009"
_ANY_NUMBER = 8_211_023


def migrate(engine: Engine) -> None:
    """Bring the tables to `HEAD`; StoreError when a newer Capstan made them."""
    with engine.connect() as connection:
        version = version_of(connection)
    if version == HEAD:
        return
    if version > HEAD:
        raise StoreError("A newer Capstan made this store. Update Capstan, or name another store.")
    # The lock is taken before alembic looks, so of two processes the second finds nothing left to do.
    with engine.execution_options(sqlite_begin="IMMEDIATE").begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_ANY_NUMBER})"))
        _upgrade(connection)


def version_of(connection: Connection) -> str:
    """The version of a store's tables; blank where it has none."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or "")


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    folder = Path(__file__).parent / "migrations"
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
