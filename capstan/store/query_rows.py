"""What callers get of queries: frozen values, and how they move from state to state.

open ──────► answered ──► closed     closed by itself once the finding is gone
  │  ▲          │           │
  ▼  └──────────┴───────────┘        open again when the finding changed or came back
dismissed ───────────────► closed
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping

from capstan.query import Happened, QueryState
from capstan.store.connection import Store
from capstan.store.outbox_rows import Mailroom
from capstan.triggers import Place

FINDING_COLUMNS = (
    "record",
    "event",
    "instrument",
    "instance",
    "field",
    "check",
    "severity",
    "reason",
    "form",
    "site",
    "content",
)
"""What names a finding: a verdict, the form of its field, the record's site, and what the cell holds."""

_IDENTITY = ("record", "event", "instrument", "instance", "field", "check")


@dataclass(frozen=True)
class Query:
    """One finding that somebody is to look at; `record` and `reason` are blank once retention took them.

    `opened_at` is when it was opened last. A finding about the project as a whole has no record.
    """

    id: int
    state: QueryState
    how: str
    check: str
    severity: str
    site: str
    event: str
    instrument: str
    instance: str
    form: str
    field: str
    opened_at: datetime
    last_seen_at: datetime
    changed_at: datetime
    closed_at: datetime | None
    until: datetime | None
    record: str = dataclasses.field(repr=False)
    reason: str = dataclasses.field(repr=False)

    @property
    def place(self) -> Place:
        """The form where its field is."""
        return Place(self.record, self.event, self.form or self.instrument, self.instance)


@dataclass(frozen=True)
class QueryEvent:
    """One thing that became of a query."""

    query: int
    at: datetime
    happened: Happened
    by: str
    text: str = dataclasses.field(repr=False)


def query_mark(store: Store, room: Mailroom, *, finding: Mapping[str, Any]) -> str:
    """The fingerprint of a finding for ever: its place, field and check in one project."""
    parts = [*room, *(str(finding[name]) for name in _IDENTITY)]
    return store.keys.fingerprint(json.dumps(["query", *parts]))


def found_mark(store: Store, finding: Mapping[str, Any]) -> str:
    """The fingerprint of what is wrong at present: another value at the place has another one.

    A finding about the project as a whole stays the same: its words name numbers that move every night.
    """
    said = [str(finding["reason"]), str(finding["content"])] if finding["record"] else []
    return store.keys.fingerprint(json.dumps(["found", *said]))


def seal_finding(store: Store, *, record: str, reason: str) -> bytes:
    """Seal what may tell of a participant."""
    return store.keys.seal(json.dumps({"record": record, "reason": reason}).encode())


def to_query(store: Store, row: RowMapping) -> Query:
    """Make a Query of a row of its table."""
    told = json.loads(store.keys.unseal(row["sealed"])) if row["sealed"] else {"record": "", "reason": ""}
    names = Query.__dataclass_fields__.keys() - told.keys()
    return Query(**{**{name: row[name] for name in names}, **told, "state": QueryState(row["state"])})


def to_event(store: Store, row: RowMapping) -> QueryEvent:
    """Make a QueryEvent of a row of its table."""
    text = store.keys.unseal(row["sealed"]).decode() if row["sealed"] else ""
    return QueryEvent(row["query_id"], row["at"], Happened(row["happened"]), row["by"], text)
