"""What callers get of the monitors' tables: frozen values, whose places are sealed on disk."""

from __future__ import annotations

import json
from dataclasses import asdict, astuple, dataclass, field
from datetime import datetime

from sqlalchemy import RowMapping

from capstan.monitors import Standing, WaitState
from capstan.store.connection import Store
from capstan.store.outbox_marks import record_mark
from capstan.store.outbox_rows import Mailroom
from capstan.triggers import Place

NOWHERE = Place("", "", "", "")


@dataclass(frozen=True)
class Opening:
    """Something that starts a wait.

    Its subject is the session, or else the place. `occasion` is what tells it from an earlier one of the same
    subject and place, such as which message was sent.
    """

    monitor: str
    since: datetime
    place: Place = field(default=NOWHERE, repr=False)
    session: str = ""
    site: str = ""
    occasion: str = field(default="", repr=False)


@dataclass(frozen=True)
class Wait:
    """One wait; `place` is None once retention deleted it, `worker` the claim under which it was read."""

    id: int
    monitor: str
    session: str
    site: str
    standing: Standing
    tellings: int
    downloaded_at: datetime | None
    downloads: int
    looked_at: datetime | None
    reason: str
    by: str
    ended_at: datetime | None
    worker: str
    place: Place | None = field(repr=False)
    occasion: str = field(repr=False)


def seal_opening(store: Store, opening: Opening) -> bytes:
    """Encrypt where a wait belongs, and which occasion started it."""
    return store.keys.seal(json.dumps([asdict(opening.place), opening.occasion]).encode())


def to_opening(store: Store, row: RowMapping) -> Opening | None:
    """Make an Opening of a row of the table `monitor_wait`; None once retention deleted what it was."""
    if row["sealed"] is None:
        return None
    place, occasion = json.loads(store.keys.unseal(row["sealed"]))
    same = {name: row[name] for name in ("monitor", "since", "session", "site")}
    return Opening(**same, place=Place(**place), occasion=occasion)


def to_wait(store: Store, row: RowMapping) -> Wait:
    """Make a Wait of a row of the table `monitor_wait`."""
    same = ("id", "monitor", "session", "site", "tellings", "downloaded_at", "downloads", "looked_at")
    opening = to_opening(store, row)
    return Wait(
        **{name: row[name] for name in (*same, "reason", "by", "ended_at")},
        standing=Standing(WaitState(row["state"]), row["since"], row["told_at"]),
        worker=row["claimed_by"] or "",
        place=opening.place if opening else None,
        occasion=opening.occasion if opening else "",
    )


def marks_of(store: Store, room: Mailroom, opening: Opening) -> dict[str, str]:
    """The fingerprints by which a wait's subject, occasion and record are found."""
    place = astuple(opening.place)
    subject = ("session", opening.session) if opening.session else ("place", *place)
    occasion = (opening.session, *place, opening.occasion)
    parts = {"subject_mark": ("subject", *room, *subject), "occasion_mark": ("occasion", *room, *occasion)}
    marks = {name: store.keys.fingerprint(json.dumps(part)) for name, part in parts.items()}
    return {**marks, "record_mark": record_mark(store, room, record=opening.place.record)}
