"""Requests to the account's own addresses: what is to be posted, and what became of it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, NamedTuple

SCHEMA = """
CREATE TABLE IF NOT EXISTS webhook (
    number INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, sid TEXT NOT NULL, kind TEXT, url TEXT,
    fields TEXT, token TEXT, attempts TEXT DEFAULT '[]', note TEXT DEFAULT '', is_done INTEGER DEFAULT 0
);
CREATE INDEX IF NOT EXISTS webhook_waiting ON webhook (number) WHERE NOT is_done;
"""


class Kind(StrEnum):
    """What a request tells of."""

    STATUS = "status"
    INBOUND = "inbound"


@dataclass(frozen=True)
class Attempt:
    """One try: the answer's status, or `ct`, `rt` or `refused` where there was none."""

    at: float
    outcome: str


class Webhook(NamedTuple):
    """One request, its idempotency `token`, and its tries; `note` is what Twilio's debugger would say."""

    number: int
    at: float
    sid: str
    kind: Kind
    url: str
    fields: Mapping[str, str]
    token: str
    attempts: list[Attempt]
    note: str
    is_done: bool


class Webhooks:
    """Requests in the order in which they became due."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def add(self, webhook: Webhook) -> Webhook:
        """Keep a request that is to be made; returns it with its number."""
        cursor = self._db.execute(
            "INSERT INTO webhook (at, sid, kind, url, fields, token) VALUES (?, ?, ?, ?, ?, ?)",
            (webhook.at, webhook.sid, webhook.kind.value, webhook.url, _text(webhook.fields), webhook.token),
        )
        return webhook._replace(number=int(cursor.lastrowid or 0))

    def finish(self, webhook: Webhook, *, attempts: list[Attempt], note: str) -> None:
        self._db.execute(
            "UPDATE webhook SET attempts = ?, note = ?, is_done = 1 WHERE number = ?",
            (_text([asdict(one) for one in attempts]), note, webhook.number),
        )

    def waiting(self) -> list[Webhook]:
        """Return what has not been made yet."""
        return self._select("WHERE NOT is_done")

    def all(self) -> list[Webhook]:
        return self._select("")

    def count(self, sid: str) -> int:
        """Count the requests about one message, or about all for ''."""
        found = self._db.execute("SELECT COUNT(*) FROM webhook WHERE ? IN ('', sid)", (sid,))
        return int(found.fetchone()[0])

    def page(self, sid: str, *, start: int, most: int) -> list[Webhook]:
        """Return some of these requests, newest first."""
        rows = self._db.execute(
            "SELECT * FROM webhook WHERE ? IN ('', sid) ORDER BY number DESC LIMIT ? OFFSET ?",
            (sid, most, start),
        )
        return [_read(row) for row in rows]

    def _select(self, where: str) -> list[Webhook]:
        rows = self._db.execute(f"SELECT * FROM webhook {where} ORDER BY number")
        return [_read(row) for row in rows]


def new_webhook(
    kind: Kind, sid: str, *, at: float, url: str, fields: Mapping[str, str], token: str
) -> Webhook:
    """Make a request that has not been tried."""
    return Webhook(0, at, sid, kind, url, fields, token, [], "", False)


def _read(row: tuple[Any, ...]) -> Webhook:
    number, at, sid, kind, url, fields, token, attempts, note, is_done = row
    tries = [Attempt(**one) for one in json.loads(attempts)]
    return Webhook(number, at, sid, Kind(kind), url, json.loads(fields), token, tries, note, bool(is_done))


def _text(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False)
