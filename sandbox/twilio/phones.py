"""What is known of phones and senders: opt-outs, chosen fates, how often a phone was tried, queues."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

SCHEMA = """
CREATE TABLE IF NOT EXISTS opt_out (scope TEXT, phone TEXT, at REAL, PRIMARY KEY (scope, phone));
CREATE TABLE IF NOT EXISTS fate (phone TEXT PRIMARY KEY, digits TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS tries (what TEXT, phone TEXT, times INTEGER NOT NULL, PRIMARY KEY (what, phone));
CREATE TABLE IF NOT EXISTS queue (sender TEXT PRIMARY KEY, free_at REAL NOT NULL);
"""


class OptOut(NamedTuple):
    """Somebody who wants nothing more from a number or a service (`scope`)."""

    scope: str
    phone: str
    at: float


class Phones:
    """Phones of people by number, and the queues of our own numbers."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def opt_out(self, scope: str, phone: str, *, at: float) -> None:
        self._db.execute("INSERT OR IGNORE INTO opt_out VALUES (?, ?, ?)", (scope, phone, at))

    def opt_in(self, scopes: list[str], phone: str) -> None:
        """Lift the opt-outs from all of these."""
        self._db.executemany(
            "DELETE FROM opt_out WHERE scope = ? AND phone = ?", [(scope, phone) for scope in scopes]
        )

    def is_opted_out(self, scopes: list[str], phone: str) -> bool:
        """Whether somebody wants nothing from one of these."""
        found = self._db.execute("SELECT scope FROM opt_out WHERE phone = ?", (phone,))
        return any(scope in scopes for (scope,) in found)

    def opt_outs(self) -> list[OptOut]:
        return [OptOut(*row) for row in self._db.execute("SELECT * FROM opt_out ORDER BY at, phone")]

    def set_fate(self, phone: str, digits: str) -> None:
        """Give a phone another fate than its digits say; '' takes it back."""
        self._db.execute("DELETE FROM fate WHERE phone = ?", (phone,))
        if digits:
            self._db.execute("INSERT INTO fate VALUES (?, ?)", (phone, digits))

    def fate(self, phone: str) -> str:
        """Return the digits that were set, or ''."""
        row = self._db.execute("SELECT digits FROM fate WHERE phone = ?", (phone,)).fetchone()
        return "" if row is None else str(row[0])

    def fates(self) -> dict[str, str]:
        return dict(self._db.execute("SELECT phone, digits FROM fate ORDER BY phone"))

    def times(self, what: str, phone: str) -> int:
        """Count one more time that a phone met something; returns how often it did."""
        found = self._db.execute(
            "INSERT INTO tries VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET times = times + 1 RETURNING times",
            (what, phone),
        )
        return int(found.fetchone()[0])

    def free_at(self, sender: str) -> float:
        """Return when a sender's queue will be empty, in epoch seconds."""
        row = self._db.execute("SELECT free_at FROM queue WHERE sender = ?", (sender,)).fetchone()
        return 0.0 if row is None else float(row[0])

    def occupy(self, sender: str, until: float) -> None:
        self._db.execute("INSERT OR REPLACE INTO queue VALUES (?, ?)", (sender, until))

    def shift(self, seconds: float) -> None:
        """Let all queues be empty so much later."""
        self._db.execute("UPDATE queue SET free_at = free_at + ?", (seconds,))
