"""Limits looked at with each claim: what a participant, an address, a day and a budget may still get."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, func, or_, select

from capstan.contact import next_chance, next_open
from capstan.delivery import Channel, Outcome
from capstan.message import is_answer
from capstan.store.outbox_rows import Caps, Mailroom
from capstan.store.outbox_tables import ATTEMPT, MESSAGE

_DAY, _WEEK = timedelta(days=1), timedelta(days=7)
_FEWEST = 20
_MOST_REPEATED = 2
_MARKS = ("record_mark", "address_mark", "text_mark")
_NEVER = datetime.max.replace(tzinfo=UTC)


class Later(NamedTuple):
    """A message may go from `at` on; `rule` says why not before."""

    at: datetime
    rule: str


def opens_later(connection: Connection, row: RowMapping, *, caps: Caps, now: datetime) -> Later | None:
    """Say when a waiting message may go, if not now: its participant, its address, its contact hours."""
    mark = or_(*(MESSAGE.c[name] == row[name] for name in ("record_mark", "address_mark")))
    columns = (ATTEMPT.c.started_at, ATTEMPT.c.failed, *(MESSAGE.c[name] for name in _MARKS))
    query = select(*columns).join(MESSAGE, ATTEMPT.c.message_id == MESSAGE.c.id)
    earlier = query.where(mark, ATTEMPT.c.started_at > now - _WEEK, may_have_reached())
    found = connection.execute(earlier.order_by(ATTEMPT.c.started_at)).mappings().all()
    reasons = [
        reason
        for name in ("record_mark", "address_mark")
        for reason in _reasons(
            [one["started_at"] for one in found if one[name] == row[name]], caps=caps, now=now
        )
    ]
    reasons += _repetitions(found, row, now=now)
    # Who writes to us is answered now; answers have a guard of their own, and nobody's day is full of them.
    latest = Later(now, "") if is_answer(row["name"]) else max([Later(now, ""), *reasons])
    latest = _within_hours(latest, row, caps=caps)
    return latest if latest.at > now else None


def room_is_full(connection: Connection, room: Mailroom, *, caps: Caps, now: datetime) -> datetime | None:
    """Say when the study may send again, if it has used up its day or its month's budget."""
    mine = [MESSAGE.c[name] == value for name, value in room._asdict().items()]
    recent = _attempts(*mine, ATTEMPT.c.started_at > now - _DAY, may_have_reached())
    if not caps.per_day:
        return now + _DAY
    newest = recent.order_by(ATTEMPT.c.started_at.desc()).offset(caps.per_day - 1).limit(1)
    oldest_that_counts: datetime | None = connection.execute(newest).scalar()
    if oldest_that_counts is not None:
        return oldest_that_counts + _DAY
    return _budget_is_spent(connection, mine, caps=caps)


def too_many_fail(
    connection: Connection, room: Mailroom, *, channel: Channel, caps: Caps, since: datetime
) -> bool:
    """Whether more of a channel's attempts since a time failed than the study allows."""
    mine = [MESSAGE.c[name] == value for name, value in {**room._asdict(), "channel": channel}.items()]
    counted = select(func.count(), func.count().filter(ATTEMPT.c.failed)).select_from(ATTEMPT)
    joined = counted.join(MESSAGE, ATTEMPT.c.message_id == MESSAGE.c.id)
    total, failed = connection.execute(joined.where(*mine, ATTEMPT.c.started_at > since)).one()
    return bool(total >= _FEWEST and failed / total > caps.failed_share)


def may_have_reached() -> ColumnElement[bool]:
    """Whether an attempt is open, taken, or of unknown end: until the contrary is proved it was sent."""
    taken = ATTEMPT.c.outcome.in_([Outcome.ACCEPTED, Outcome.UNKNOWN])
    return or_(ATTEMPT.c.outcome.is_(None), taken)


def _repetitions(earlier: Sequence[RowMapping], row: RowMapping, *, now: datetime) -> list[Later]:
    """The guard against loops: nobody gets the same text more often within a day, whoever queued it.

    What did not arrive does not count: the study says how often that is tried again.
    """
    same = [one for one in earlier if one["text_mark"] == row["text_mark"] and not one["failed"]]
    times = [one["started_at"] for one in same if one["started_at"] > now - _DAY]
    return [Later(times[-_MOST_REPEATED] + _DAY, "repeated")] if len(times) >= _MOST_REPEATED else []


def _within_hours(wanted: Later, row: RowMapping, *, caps: Caps) -> Later:
    zones = row["zones"].split()
    if caps.hours is None or not zones:
        return wanted
    # A text that waits at the provider beyond the hours fails; a letter is there at once.
    find = next_chance if row["channel"] == Channel.SMS else next_open
    opens = find(wanted.at, zones=zones, hours=caps.hours)
    return wanted if opens == wanted.at else Later(opens or _NEVER, "closed_hours")


def _reasons(times: Sequence[datetime], *, caps: Caps, now: datetime) -> list[Later]:
    """Why nothing more may go out yet, given when it went out; `times` ascend."""
    found = [Later(times[-1] + timedelta(minutes=caps.minutes_between), "too_soon")] if times else []
    for period, most, rule in (
        (_DAY, caps.participant_per_day, "cap_day_participant"),
        (_WEEK, caps.participant_per_week, "cap_week_participant"),
    ):
        within = [time for time in times if time > now - period]
        if len(within) >= most:
            found.append(Later(within[-most] + period, rule))
    return found


def _budget_is_spent(
    connection: Connection, mine: Sequence[ColumnElement[bool]], *, caps: Caps
) -> datetime | None:
    if not caps.budget_per_month or caps.month_began is None:
        return None
    since = (ATTEMPT.c.started_at >= caps.month_began, MESSAGE.c.channel == Channel.SMS, may_have_reached())
    used = _attempts(*mine, *since).with_only_columns(func.coalesce(func.sum(ATTEMPT.c.segments), 0))
    if connection.execute(used).scalar_one() * caps.price_per_segment < caps.budget_per_month:
        return None
    return (caps.month_began + timedelta(days=32)).replace(day=1)


def _attempts(*where: ColumnElement[bool]) -> Select[Any]:
    return select(ATTEMPT.c.started_at).join(MESSAGE, ATTEMPT.c.message_id == MESSAGE.c.id).where(*where)
