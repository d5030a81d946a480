"""What became of triggers in each interval, in counts, and whether they stopped coming at all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, or_, select, update

from capstan.errors import StoreError
from capstan.notice import Happening
from capstan.store.connection import Store
from capstan.store.inbox_tables import INBOX
from capstan.store.notices import add_happenings
from capstan.store.outbox_rows import Mailroom
from capstan.store.reconcile_tables import TRIGGER_COVERAGE
from capstan.store.seen_places import Project
from capstan.store.tables import WATERMARK
from capstan.store.upserts import insert_or_replace
from capstan.triggers.coverage import Arrival

REDCAP = "redcap"
MADE_BY = "reconcile"
_KEYS = ("study", "project", "began_at")


@dataclass(frozen=True)
class Interval:
    """One interval between two reconciliations; counts of triggers are None where the log was not readable.

    `saves` are of people in forms and surveys, `made` the items that were made here, `deleted` and
    `renamed` records.
    """

    began_at: datetime
    ended_at: datetime
    way: str
    saves: int | None = None
    received: int | None = None
    late: int | None = None
    missed: int | None = None
    duplicate: int | None = None
    made: int = 0
    deleted: int = 0
    renamed: int = 0


def keep_interval(
    store: Store, project: Project, *, interval: Interval, late_before: int, name: str, horizon: str
) -> None:
    """Keep an interval, and in the watermark `name` from where the next one counts; all or nothing.

    `late_before` triggers came for saves of the interval before it, which had been taken for missed.
    """
    key = {"study": project.study, "project": project.name}
    columns = TRIGGER_COVERAGE.c
    mine = and_(columns.study == project.study, columns.project == project.name)
    last = select(func.max(columns.began_at)).where(mine, columns.began_at < interval.began_at)
    former = update(TRIGGER_COVERAGE).where(mine, columns.began_at == last.scalar_subquery())
    moved = {"late": columns.late + late_before, "missed": columns.missed - late_before}
    mark = {"study": project.study, "name": name, "value": horizon, "updated_at": interval.ended_at}
    with store.write() as connection:
        if late_before:
            connection.execute(former.where(columns.missed >= late_before).values(**moved))
        kept = insert_or_replace(connection, TRIGGER_COVERAGE, keys=_KEYS)
        connection.execute(kept.values(**key, **vars(interval)))
        kept = insert_or_replace(connection, WATERMARK, keys=("study", "name"))
        connection.execute(kept.values(**mark))


def list_intervals(store: Store, study: str, *, limit: int | None = None) -> tuple[Interval, ...]:
    """The intervals of a study, newest first, of all the projects that it had."""
    query = select(TRIGGER_COVERAGE).where(TRIGGER_COVERAGE.c.study == study)
    newest = query.order_by(TRIGGER_COVERAGE.c.began_at.desc()).limit(limit)
    with store.read() as connection:
        rows = connection.execute(newest).mappings().all()
    names = Interval.__dataclass_fields__
    return tuple(Interval(**{name: row[name] for name in names}) for row in rows)


def read_arrivals(store: Store, study: str, *, since: datetime) -> list[Arrival]:
    """The triggers of REDCap that came since a time, each as often as it came, and the items made here."""
    recent = and_(INBOX.c.last_seen_at >= since, INBOX.c.sealed.is_not(None))
    query = select(INBOX).where(INBOX.c.study == study, INBOX.c.source == REDCAP, recent)
    ours = or_(INBOX.c.made_by == "", INBOX.c.made_by == MADE_BY)
    with store.read() as connection:
        rows = connection.execute(query.where(ours)).mappings().all()
    return [arrival for row in rows for arrival in _arrivals(store, dict(row))]


def last_arrival(store: Store, study: str) -> datetime | None:
    """When REDCap sent the last trigger; None if it never did."""
    came = (INBOX.c.study == study, INBOX.c.source == REDCAP, INBOX.c.made_by == "")
    newest = select(INBOX.c.last_seen_at).where(*came).order_by(INBOX.c.last_seen_at.desc()).limit(1)
    with store.read() as connection:
        return connection.execute(newest).scalar()


def change_silence(
    store: Store,
    room: Mailroom,
    *,
    name: str,
    is_silent: bool,
    happenings: Sequence[Happening],
    now: datetime,
) -> bool:
    """Remember whether triggers stay away; tells staff, and returns True, only when that changes.

    `name` is the watermark's. Both are one transaction, so that nobody is told twice or never.
    """
    key = (WATERMARK.c.study == room.study, WATERMARK.c.name == name)
    value = "silent" if is_silent else ""
    with store.write() as connection:
        known = connection.execute(select(WATERMARK.c.value).where(*key)).scalar() or ""
        if known == value:
            return False
        row = {"study": room.study, "name": name, "value": value, "updated_at": now}
        kept = insert_or_replace(connection, WATERMARK, keys=("study", "name"))
        connection.execute(kept.values(**row))
        add_happenings(store, connection, room, happenings=happenings)
    return True


def _arrivals(store: Store, row: dict[str, Any]) -> list[Arrival]:
    try:
        form = json.loads(store.keys.unseal(row["sealed"]))
    except StoreError:
        return []  # sealed with a key that is gone; the counts can do without
    record, instrument, is_made = form.get("record", ""), form.get("instrument", ""), bool(row["made_by"])
    times = [row["received_at"], *[row["last_seen_at"]] * (row["times_seen"] - 1)]
    return [Arrival(record, instrument, at, is_made) for at in times[: 1 if is_made else None]]
