"""One SQLite database and the parts of what it keeps."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.storage import files, groups, log, people, projects, values
from sandbox.storage.files import Files
from sandbox.storage.groups import RecordGroups
from sandbox.storage.log import Log
from sandbox.storage.people import People
from sandbox.storage.projects import Projects
from sandbox.storage.values import Values

META = "CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);"
_PARTS = (files, groups, log, people, projects, values)


class Store:
    """One SQLite connection: in memory, or in a folder so that a restart keeps it.

    Every caller holds the server's lock.
    """

    def __init__(self, state_dir: Path | None = None) -> None:
        if state_dir is not None:
            state_dir.mkdir(parents=True, exist_ok=True)
        target = ":memory:" if state_dir is None else str(state_dir / "redcap.sqlite3")
        self._db = sqlite3.connect(target, check_same_thread=False, isolation_level=None)
        schema = "".join((META, *(part.SCHEMA for part in _PARTS)))
        # A crash may lose the last request, which a sandbox can afford; waiting for the disk it cannot.
        self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;" + schema)
        self.projects = Projects(self._db)
        self.people = People(self._db)
        self.values = Values(self._db)
        self.groups = RecordGroups(self._db)
        self.files = Files(self._db)
        self.log = Log(self._db)

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make everything inside happen or nothing."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            self.projects.forget_cached()
            raise
        self._db.execute("COMMIT")

    def meta(self, name: str, default: str = "") -> str:
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return default if row is None else str(row[0])

    def set_meta(self, name: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def next_id(self) -> int:
        """Number events, access groups and projects from one series."""
        number = int(self.meta("next_id", "1"))
        self.set_meta("next_id", str(number + 1))
        return number
