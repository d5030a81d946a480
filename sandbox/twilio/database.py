"""One SQLite file with all that outlives a killed process."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.twilio import events, messages, phones, talks, webhooks
from sandbox.twilio.events import Events
from sandbox.twilio.messages import Messages
from sandbox.twilio.phones import Phones
from sandbox.twilio.talks import Talks
from sandbox.twilio.webhooks import Webhooks

_PARTS = (events, messages, phones, talks, webhooks)
_TABLES = ("event", "message", "webhook", "opt_out", "fate", "tries", "queue", "seen")


class Closed(Exception):
    """Nothing is kept any more: the sandbox is about to end."""


class Database:
    """The parts of what is kept; everybody reads and writes inside `transaction`."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._is_closed = False
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        try:
            # A killed process loses nothing by this, only a computer without power does.
            self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;")
            self._db.executescript("".join(part.SCHEMA for part in _PARTS))
        except sqlite3.Error:
            self._db.close()
            raise
        self.messages = Messages(self._db)
        self.events = Events(self._db)
        self.webhooks = Webhooks(self._db)
        self.phones = Phones(self._db)
        self.talks = Talks(self._db)

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make everything inside happen or nothing, one caller at a time; raises `Closed`."""
        with self._lock:
            if self._is_closed:
                raise Closed
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                # A full disk may have ended the transaction already.
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def clear(self) -> None:
        """Forget everything but which sids were used."""
        for table in _TABLES:
            self._db.execute(f"DELETE FROM {table}")
