"""What the store held at one moment, to be read while others write."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sandbox.storage.files import Files
from sandbox.storage.values import Values


class Snapshot:
    """A second connection inside a reading transaction: later writes do not show, and wait for nothing."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        # The moment is that of the first read, so there is one at once.
        self._db.executescript("PRAGMA query_only=1; BEGIN; SELECT 1 FROM meta;")
        self.values = Values(self._db)
        self.files = Files(self._db)

    def close(self) -> None:
        """Let later writes be folded into the file; to close twice does no harm."""
        self._db.close()
