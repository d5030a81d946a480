"""One SQLite database and the parts of what it keeps."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.storage import (
    files,
    groups,
    locks,
    log,
    mails,
    people,
    projects,
    randomization,
    repository,
    surveys,
    values,
)
from sandbox.storage.files import Files
from sandbox.storage.folder import Folder
from sandbox.storage.groups import RecordGroups
from sandbox.storage.locks import Locks
from sandbox.storage.log import Log
from sandbox.storage.mails import Mails
from sandbox.storage.people import People
from sandbox.storage.projects import Projects
from sandbox.storage.randomization import Allocations
from sandbox.storage.repository import Repository
from sandbox.storage.snapshot import Snapshot
from sandbox.storage.surveys import Surveys
from sandbox.storage.values import Values

META = "CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);"
_PARTS = (files, groups, locks, log, mails, people, projects, randomization, repository, surveys, values)


class Store:
    """One SQLite file: in a folder so that a restart keeps it, or in one that goes when the store closes.

    Every caller holds the server's lock, but for reading a snapshot.
    """

    def __init__(self, state_dir: Path | None = None) -> None:
        # Not in memory: then a snapshot could not be read beside the connection that writes.
        self._folder = Folder(state_dir)
        self.path = self._folder.path / "redcap.sqlite3"
        self._db = sqlite3.connect(self.path, check_same_thread=False, isolation_level=None)
        schema = "".join((META, *(part.SCHEMA for part in _PARTS)))
        try:
            # A crash may lose the last request, which a sandbox can afford; waiting for the disk it cannot.
            self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;" + schema)
        except sqlite3.Error:
            self.close()
            raise
        self.projects = Projects(self._db)
        self.people = People(self._db)
        self.values = Values(self._db)
        self.groups = RecordGroups(self._db)
        self.files = Files(self._db)
        self.repository = Repository(self._db)
        self.log = Log(self._db)
        self.locks = Locks(self._db)
        self.mails = Mails(self._db)
        self.surveys = Surveys(self._db)
        self.allocations = Allocations(self._db)

    def close(self) -> None:
        self._db.close()
        self._folder.close()

    def snapshot(self) -> Snapshot:
        """Return what was stored when this request began, to be read without the lock; close it."""
        return Snapshot(self.path)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make everything inside happen or nothing."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            self.projects.forget_cached()
            # A full disk may have ended the transaction already.
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

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
