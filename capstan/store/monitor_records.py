"""Waits follow their records: ended when one is deleted, renamed with one, and emptied in the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, or_, select, update

from capstan.monitors import WaitState
from capstan.store.connection import Store
from capstan.store.monitor_rows import marks_of, seal_opening, to_opening
from capstan.store.monitor_tables import WAIT
from capstan.store.outbox_marks import record_mark
from capstan.store.outbox_rows import Mailroom
from capstan.triggers import Place


def end_waits_of(store: Store, room: Mailroom, *, record: str, reason: str, by: str, now: datetime) -> int:
    """Dismiss the open waits of a record, from which nothing will come any more; returns how many."""
    this = update(WAIT).where(*_of_record(store, room, record), WAIT.c.ended_at.is_(None))
    values = {"state": WaitState.DISMISSED, "reason": reason, "by": by, "ended_at": now, "changed_at": now}
    with store.write() as connection:
        free = {"claimed_by": None, "claimed_until": None}
        return connection.execute(this.values(**values, **free)).rowcount


def end_former_waits(
    store: Store, room: Mailroom, *, place: Place, session: str, reason: str, by: str, now: datetime
) -> int:
    """Dismiss the open waits of a form for sessions that it does not name any more; returns how many.

    Should the form name it again, that opens a wait as if it were new.
    """
    is_other = WAIT.c.session.not_in(["", session])
    mine = select(WAIT).where(*_of_record(store, room, place.record), WAIT.c.ended_at.is_(None), is_other)
    values = {"state": WaitState.DISMISSED, "reason": reason, "by": by, "ended_at": now, "changed_at": now}
    with store.write() as connection:
        rows = connection.execute(mine).mappings().all()
        former = [row for row in rows if (kept := to_opening(store, row)) and kept.place == place]
        for row in former:
            mark = store.keys.fingerprint(f"{row['occasion_mark']} of wait {row['id']}")
            this = update(WAIT).where(WAIT.c.id == row["id"])
            connection.execute(this.values(**values, occasion_mark=mark, claimed_by=None, claimed_until=None))
    return len(former)


def rename_waits(store: Store, room: Mailroom, *, old: str, new: str, now: datetime) -> int:
    """Let a record's waits, open and ended, go on under its new name; returns how many."""
    count = 0
    with store.write() as connection:
        query = select(WAIT).where(*_of_record(store, room, old), WAIT.c.sealed.is_not(None))
        for row in connection.execute(query).mappings().all():
            opening = to_opening(store, row)
            if opening is None:
                continue
            renamed = replace(opening, place=replace(opening.place, record=new))
            marks = marks_of(store, room, renamed)
            if connection.execute(_twin(room, row, marks)).first():
                continue
            values = {**marks, "sealed": seal_opening(store, renamed), "changed_at": now}
            connection.execute(update(WAIT).where(WAIT.c.id == row["id"]).values(**values))
            count += 1
    return count


def forget_waits(store: Store, room: Mailroom, *, before: datetime) -> int:
    """Delete which record ended waits were about, if they ended before a time; that they were stays known."""
    mine = (WAIT.c[name] == value for name, value in room._asdict().items())
    old = update(WAIT).where(*mine, WAIT.c.ended_at < before, WAIT.c.sealed.is_not(None))
    with store.write() as connection:
        return connection.execute(old.values(sealed=None)).rowcount


def _twin(room: Mailroom, row: RowMapping, marks: Mapping[str, str]) -> Select[Any]:
    """Another wait that stands where a renamed one would."""
    same = {**room._asdict(), "monitor": row["monitor"], "subject_mark": marks["subject_mark"]}
    is_same = WAIT.c.occasion_mark == marks["occasion_mark"]
    if row["ended_at"] is None:
        is_same = or_(is_same, WAIT.c.ended_at.is_(None))
    mine = (WAIT.c[name] == value for name, value in same.items())
    return select(WAIT.c.id).where(*mine, is_same, WAIT.c.id != row["id"])


def _of_record(store: Store, room: Mailroom, record: str) -> list[ColumnElement[bool]]:
    mark = record_mark(store, room, record=record)
    return [*(WAIT.c[name] == value for name, value in room._asdict().items()), WAIT.c.record_mark == mark]
