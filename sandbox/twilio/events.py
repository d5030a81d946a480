"""What will happen to messages, and when."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS event (
    number INTEGER PRIMARY KEY AUTOINCREMENT, due REAL NOT NULL, sid TEXT NOT NULL, kind TEXT, details TEXT
);
CREATE INDEX IF NOT EXISTS event_by_due ON event (due, number);
CREATE INDEX IF NOT EXISTS event_by_sid ON event (sid, due, number);
"""


class Kind(StrEnum):
    """What happens: a status is reached, or the person answers."""

    STATUS = "status"
    REPLY = "reply"


@dataclass(frozen=True)
class Event:
    """One thing that happens to a message at a moment of the sandbox's clock (epoch seconds)."""

    due: float
    sid: str
    kind: Kind
    details: Mapping[str, Any] = field(default_factory=dict)
    number: int = 0


class Events:
    """Events by moment, and in the order of their making at the same one."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def add(self, events: Iterable[Event]) -> None:
        self._db.executemany(
            "INSERT INTO event (due, sid, kind, details) VALUES (?, ?, ?, ?)",
            [(one.due, one.sid, one.kind.value, json.dumps(one.details)) for one in events],
        )

    def first(self, sid: str = "") -> Event | None:
        """Return the next event, of one message or of all."""
        where, values = ("WHERE sid = ?", (sid,)) if sid else ("", ())
        row = self._db.execute(
            f"SELECT due, sid, kind, details, number FROM event {where} ORDER BY due, number LIMIT 1", values
        ).fetchone()
        return None if row is None else Event(row[0], row[1], Kind(row[2]), json.loads(row[3]), row[4])

    def remove(self, event: Event) -> None:
        self._db.execute("DELETE FROM event WHERE number = ?", (event.number,))

    def forget(self, sid: str) -> None:
        """Let nothing more happen to a message."""
        self._db.execute("DELETE FROM event WHERE sid = ?", (sid,))

    def shift(self, seconds: float) -> None:
        """Let everything happen so much later."""
        self._db.execute("UPDATE event SET due = due + ?", (seconds,))

    def last_due(self) -> float | None:
        """Return when the last event is due that is known of."""
        due = self._db.execute("SELECT MAX(due) FROM event").fetchone()[0]
        return None if due is None else float(due)

    def count(self) -> int:
        return int(self._db.execute("SELECT COUNT(*) FROM event").fetchone()[0])
