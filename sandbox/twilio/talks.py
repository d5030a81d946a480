"""Conversations: what was said to and by each phone, and what its owner has not looked at yet."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from sandbox.twilio.messages import Message

SCHEMA = "CREATE TABLE IF NOT EXISTS seen (sid TEXT PRIMARY KEY);"
_PERSON = "CASE direction WHEN 'inbound' THEN sender ELSE phone END"
_UNSEEN = "direction <> 'inbound' AND status = 'delivered' AND sid NOT IN (SELECT sid FROM seen)"
_OF_ONE = "(phone = ? OR sender = ?)"


class Talk(NamedTuple):
    """A person's phone: how much was said, segments and dollars that it cost, and the last message."""

    phone: str
    messages: int
    unread: int
    segments: int
    cost: float
    last: Message


_ABOUT = len(Talk._fields) - 1


class Talks:
    """Conversations, the latest first."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def count(self) -> int:
        return int(self._db.execute(f"SELECT COUNT(DISTINCT {_PERSON}) FROM message").fetchone()[0])

    def page(self, *, start: int, most: int) -> list[Talk]:
        """Return some conversations from a place in the list on."""
        rows = self._db.execute(
            "SELECT person, times, unread, paid, dollars, message.* FROM message JOIN ("
            f" SELECT {_PERSON} AS person, COUNT(*) AS times, SUM({_UNSEEN}) AS unread,"
            " SUM(segments * (price <> '')) AS paid, -SUM(CAST(price AS REAL)) AS dollars,"
            " MAX(number) AS last FROM message GROUP BY person"
            ") ON number = last ORDER BY number DESC LIMIT ? OFFSET ?",
            (most, start),
        )
        return [Talk._make((*row[:_ABOUT], Message(*row[_ABOUT:]))) for row in rows]

    def size(self, phone: str) -> int:
        """Count the messages from and to a phone."""
        found = self._db.execute(f"SELECT COUNT(*) FROM message WHERE {_OF_ONE}", (phone, phone))
        return int(found.fetchone()[0])

    def messages(self, phone: str, *, start: int, most: int) -> list[Message]:
        """Return some messages from and to a phone, oldest first, deleted ones too."""
        rows = self._db.execute(
            f"SELECT * FROM message WHERE {_OF_ONE} ORDER BY number LIMIT ? OFFSET ?",
            (phone, phone, most, start),
        )
        return [Message(*row) for row in rows]

    def look_at(self, phone: str) -> None:
        """Let all that has come to a phone be read."""
        self._db.execute(f"INSERT INTO seen SELECT sid FROM message WHERE phone = ? AND {_UNSEEN}", (phone,))
