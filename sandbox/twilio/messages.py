"""The messages that were sent and received."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import NamedTuple

SCHEMA = """
CREATE TABLE IF NOT EXISTS serial (number INTEGER NOT NULL);
INSERT INTO serial SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM serial);
CREATE TABLE IF NOT EXISTS message (
    number INTEGER PRIMARY KEY, sid TEXT UNIQUE NOT NULL, direction TEXT NOT NULL, service TEXT, sender TEXT,
    phone TEXT, body TEXT, media TEXT, status TEXT, code INTEGER, segments INTEGER, price TEXT,
    created REAL, updated REAL, sent REAL, callback TEXT, note TEXT,
    is_redacted INTEGER DEFAULT 0, is_deleted INTEGER DEFAULT 0
);
CREATE INDEX IF NOT EXISTS message_by_phone ON message (phone, number);
CREATE INDEX IF NOT EXISTS message_by_sender ON message (sender, number);
"""
FINAL = ("delivered", "undelivered", "failed", "canceled", "received", "read")


class Message(NamedTuple):
    """One message as it was written; redacted and deleted ones still tell what they were.

    `sender` and `phone` are where it comes from and goes to; times are epoch seconds of the sandbox's clock.
    `callback` is where its statuses go, `media` a JSON list of addresses, `note` what was odd about it.
    """

    number: int
    sid: str
    direction: str
    service: str
    sender: str
    phone: str
    body: str
    media: str
    status: str
    code: int
    segments: int
    price: str
    created: float
    updated: float
    sent: float | None
    callback: str
    note: str
    is_redacted: bool = False
    is_deleted: bool = False

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    @property
    def media_urls(self) -> list[str]:
        return list(json.loads(self.media))


@dataclass(frozen=True)
class Filter:
    """Which messages are wanted; '' and None are all.

    `sent_from` and `sent_before` bound the moment of sending (epoch seconds), `below` the number.
    """

    phone: str = ""
    sender: str = ""
    sent_from: float | None = None
    sent_before: float | None = None
    below: int | None = None

    def as_sql(self) -> tuple[str, list[object]]:
        wanted: dict[str, object] = {
            "phone = ?": self.phone or None,
            "sender = ?": self.sender or None,
            "sent >= ?": self.sent_from,
            "sent < ?": self.sent_before,
            "number < ?": self.below,
        }
        given = {condition: value for condition, value in wanted.items() if value is not None}
        return " AND ".join(("NOT is_deleted", *given)), list(given.values())


class Copies(NamedTuple):
    """How many times the account sent one text to one phone."""

    to: str
    body: str
    times: int


class Messages:
    """Messages by number, in the order of their creation."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def next_number(self) -> int:
        """Take the next number of the series that sids are made of."""
        return int(self._db.execute("UPDATE serial SET number = number + 1 RETURNING number").fetchone()[0])

    def add(self, message: Message) -> None:
        marks = ",".join("?" * len(message))
        self._db.execute(f"INSERT INTO message VALUES ({marks})", message)

    def get(self, sid: str) -> Message | None:
        """Return a message, also a deleted one."""
        row = self._db.execute("SELECT * FROM message WHERE sid = ?", (sid,)).fetchone()
        return None if row is None else Message(*row)

    def move(self, message: Message) -> None:
        """Keep what a message has become."""
        self._db.execute(
            "UPDATE message SET status=?, code=?, price=?, updated=?, sent=?, is_redacted=?, is_deleted=?"
            " WHERE number=?",
            (
                message.status,
                message.code,
                message.price,
                message.updated,
                message.sent,
                message.is_redacted,
                message.is_deleted,
                message.number,
            ),
        )

    def page(self, wanted: Filter, *, most: int) -> list[Message]:
        """Return what is wanted, newest first."""
        where, values = wanted.as_sql()
        rows = self._db.execute(
            f"SELECT * FROM message WHERE {where} ORDER BY number DESC LIMIT ?", (*values, most)
        )
        return [Message(*row) for row in rows]

    def all(self, phone: str = "") -> list[Message]:
        """Return every message from or to a phone, or of all, oldest first, deleted ones too."""
        rows = self._db.execute(
            "SELECT * FROM message WHERE ? IN ('', phone, sender) ORDER BY number", (phone,)
        )
        return [Message(*row) for row in rows]

    def copies(self) -> list[Copies]:
        """Count what the account sent by itself, by phone and text."""
        rows = self._db.execute(
            "SELECT phone, body, COUNT(*) FROM message WHERE direction = 'outbound-api'"
            " GROUP BY phone, body ORDER BY MIN(number)"
        )
        return [Copies(*row) for row in rows]

    def last_sender_to(self, phone: str) -> tuple[str, str]:
        """Return the number and the service that last wrote to a phone, or two blanks."""
        row = self._db.execute(
            "SELECT sender, service FROM message WHERE phone = ? AND direction <> 'inbound'"
            " ORDER BY number DESC LIMIT 1",
            (phone,),
        ).fetchone()
        return ("", "") if row is None else (str(row[0]), str(row[1]))

    def count(self, direction: str, *, sender: str = "", phone: str = "", since: float = 0.0) -> int:
        """Count messages of one direction between two numbers from a moment on; '' is any."""
        found = self._db.execute(
            "SELECT COUNT(*) FROM message WHERE direction = ? AND ? IN ('', sender)"
            " AND ? IN ('', phone) AND created >= ?",
            (direction, sender, phone, since),
        )
        return int(found.fetchone()[0])
