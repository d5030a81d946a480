"""What REDCap and partners told us: kept as it came, and the same thing once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Connection, Update, func, insert, literal, select, update

from capstan.store.connection import Store
from capstan.store.inbox_marks import inbox_place_mark, inbox_record_mark
from capstan.store.inbox_tables import INBOX

WINDOW = timedelta(minutes=5)
"""How long the same content counts as the same notice; a later one may be of a later save."""


@dataclass(frozen=True)
class Arrival:
    """One thing that was told: for a study, by a source ("redcap" or "partner/NAME"), in a form.

    `made_by` is blank if it arrived, else who made it here. `signed_at` is when its sender signed it.
    """

    study: str
    source: str
    form: Mapping[str, str] = field(repr=False)
    made_by: str = ""
    signed_at: str = ""


def keep_item(
    store: Store, *, study: str, source: str, form: Mapping[str, str], now: datetime, made_by: str = ""
) -> bool:
    """Keep what was told; False when the same waits already, which then only counts that it came again."""
    return keep_items(store, [Arrival(study, source, form, made_by)], now=now) == 1


def keep_items(store: Store, arrivals: Sequence[Arrival], *, now: datetime) -> int:
    """Keep all of what was told, in one transaction; returns how many are new.

    The same content within `WINDOW` is the same notice as long as nobody has begun to work on it: afterwards
    it may tell of a save that the work has not seen. What was signed at a time is the same for ever.
    """
    # Sealed before the transaction begins, because all other writers wait for its end.
    rows: dict[str, dict[str, Any]] = {}
    for arrival in arrivals:
        mark = item_mark(store, arrival)
        row = rows.get(mark) or _row(store, arrival, mark=mark, now=now)
        rows[mark] = {**row, "times_seen": row["times_seen"] + 1}
    signed = {item_mark(store, each) for each in arrivals if each.signed_at}
    with store.write() as connection:
        _lock(connection, sorted(rows))
        known = select(INBOX.c.mark).where(INBOX.c.mark.in_(rows))
        seen = set(connection.execute(known).scalars())
        new = [
            row
            for mark, row in rows.items()
            if mark not in seen or not connection.execute(_again(row, is_signed=mark in signed)).rowcount
        ]
        if new:
            connection.execute(insert(INBOX), new)
    return len(new)


def item_mark(store: Store, arrival: Arrival) -> str:
    """The fingerprint of what was told: of the fields in any order, and of when they were signed."""
    fields = sorted(arrival.form.items())
    return store.keys.fingerprint(
        json.dumps(["inbox", arrival.study, arrival.source, arrival.made_by, arrival.signed_at, fields])
    )


def _row(store: Store, arrival: Arrival, *, mark: str, now: datetime) -> dict[str, Any]:
    return {
        "study": arrival.study,
        "source": arrival.source,
        "mark": mark,
        "record_mark": inbox_record_mark(store, arrival.study, record=arrival.form.get("record", "")),
        "place_mark": inbox_place_mark(store, arrival.study, form=arrival.form),
        "received_at": now,
        "last_seen_at": now,
        "times_seen": 0,
        "made_by": arrival.made_by,
        "sealed": store.keys.seal(json.dumps(dict(arrival.form)).encode()),
    }


def _again(row: Mapping[str, Any], *, is_signed: bool) -> Update:
    """Count an item up, if it is of the same notice."""
    now = row["received_at"]
    same = update(INBOX).where(INBOX.c.mark == row["mark"])
    if not is_signed:
        waiting = (INBOX.c.claimed_by.is_(None), INBOX.c.done_at.is_(None))
        same = same.where(INBOX.c.received_at > now - WINDOW, *waiting)
    return same.values(times_seen=INBOX.c.times_seen + row["times_seen"], last_seen_at=now)


def _lock(connection: Connection, marks: Sequence[str]) -> None:
    """Let two processes that are told the same find each other's item, in an order that cannot deadlock."""
    if connection.dialect.name == "postgresql":
        numbers = [int(mark[:15], 16) for mark in marks]
        each = func.unnest(literal(numbers, ARRAY(BigInteger))).column_valued()
        connection.execute(select(func.pg_advisory_xact_lock(each)))
