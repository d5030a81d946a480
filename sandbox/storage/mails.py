"""Mail that the sandbox's mail server took."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

SCHEMA = """
CREATE TABLE IF NOT EXISTS mail (
    mail_id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, sender TEXT NOT NULL,
    recipient TEXT NOT NULL, fate TEXT NOT NULL, raw BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS mail_try (recipient TEXT PRIMARY KEY, tries INTEGER NOT NULL);
"""
_COLUMNS = "mail_id, at, sender, recipient, fate, raw"


class StoredMail(NamedTuple):
    """One mail for one recipient; `fate` is what the server answered or did after it had taken it."""

    mail_id: int
    at: str
    sender: str
    recipient: str
    fate: str
    raw: bytes


class Mails:
    """Mail by number. What is dated later than the clock, such as a bounce, has not come yet."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def add(self, at: str, sender: str, *, recipient: str, fate: str, raw: bytes) -> int:
        """Keep a mail; returns its number, which is also its queue id."""
        found = self._db.execute(
            "INSERT INTO mail (at, sender, recipient, fate, raw) VALUES (?, ?, ?, ?, ?)",
            (at, sender, recipient, fate, raw),
        )
        return int(found.lastrowid or 0)

    def rows(self, now: str, *, start: int = 0, most: int = -1) -> list[StoredMail]:
        """Return what has come by now, newest first."""
        found = self._db.execute(
            f"SELECT {_COLUMNS} FROM mail WHERE at <= ? ORDER BY at DESC, mail_id DESC LIMIT ? OFFSET ?",
            (now, most, start),
        )
        return [StoredMail(*row) for row in found]

    def get(self, mail_id: int) -> StoredMail | None:
        found = self._db.execute(f"SELECT {_COLUMNS} FROM mail WHERE mail_id = ?", (mail_id,)).fetchone()
        return None if found is None else StoredMail(*found)

    def count(self, now: str) -> int:
        return int(self._db.execute("SELECT COUNT(*) FROM mail WHERE at <= ?", (now,)).fetchone()[0])

    def clear(self) -> int:
        """Forget all mail, and who tried how often; returns how many mails there were."""
        self._db.execute("DELETE FROM mail_try")
        return self._db.execute("DELETE FROM mail").rowcount

    def tried(self, recipient: str) -> int:
        """Count one more try to write to an address; returns how many there were."""
        found = self._db.execute(
            "INSERT INTO mail_try VALUES (?, 1) ON CONFLICT (recipient) DO UPDATE SET tries = tries + 1"
            " RETURNING tries",
            (recipient,),
        )
        return int(found.fetchone()[0])
