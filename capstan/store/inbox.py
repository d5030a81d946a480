"""What REDCap and partners told us: kept as it came, and the same thing once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Update, func, insert, select, update

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
    with store.write() as connection:
        return add_items(store, connection, [Arrival(study, source, form, made_by)], now=now) == 1


def add_items(store: Store, connection: Connection, arrivals: Sequence[Arrival], *, now: datetime) -> int:
    """Keep what was told within a transaction; returns how many are new.

    The same content within `WINDOW` is the same notice as long as nobody has begun to work on it: afterwards
    it may tell of a save that the work has not seen. What was signed at a time is the same for ever.
    """
    marked = [(item_mark(store, each), each) for each in arrivals]
    times, first = Counter(mark for mark, _ in marked), dict(reversed(marked))
    _lock(connection, sorted(first))
    known = select(INBOX.c.mark).where(INBOX.c.mark.in_(first))
    seen = set(connection.execute(known).scalars())
    new = [
        _row(store, arrival, mark=mark, times=times[mark], now=now)
        for mark, arrival in first.items()
        if mark not in seen or not connection.execute(_again(mark, arrival, times[mark], now)).rowcount
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


def _row(store: Store, arrival: Arrival, *, mark: str, times: int, now: datetime) -> dict[str, Any]:
    return {
        "study": arrival.study,
        "source": arrival.source,
        "mark": mark,
        "record_mark": inbox_record_mark(store, arrival.study, record=arrival.form.get("record", "")),
        "place_mark": inbox_place_mark(store, arrival.study, form=arrival.form),
        "received_at": now,
        "last_seen_at": now,
        "times_seen": times,
        "made_by": arrival.made_by,
        "sealed": store.keys.seal(json.dumps(dict(arrival.form)).encode()),
    }


def _again(mark: str, arrival: Arrival, times: int, now: datetime) -> Update:
    """Count an item up, if it is of the same notice."""
    same = update(INBOX).where(INBOX.c.mark == mark)
    if not arrival.signed_at:
        waiting = (INBOX.c.claimed_by.is_(None), INBOX.c.done_at.is_(None))
        same = same.where(INBOX.c.received_at > now - WINDOW, *waiting)
    return same.values(times_seen=INBOX.c.times_seen + times, last_seen_at=now)


def _lock(connection: Connection, marks: Sequence[str]) -> None:
    """Let two processes that are told the same find each other's item, in an order that cannot deadlock."""
    if connection.dialect.name == "postgresql":
        for mark in marks:
            number = int(mark[:15], 16)
            connection.execute(select(func.pg_advisory_xact_lock(number)))
