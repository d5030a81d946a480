"""What staff are to know, and which digests of it were sent to whom; shared by all processes of a study."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, RowMapping, delete, insert, or_, select, update

from capstan.notice import Cause, Happening, Notice, Person, Told, due_notices, recipients
from capstan.store.connection import Store
from capstan.store.outbox_marks import address_mark
from capstan.store.outbox_rows import Mailroom
from capstan.store.outbox_stops import lock_room
from capstan.store.reply_tables import NOTICE, NOTICE_SENT
from capstan.study.notices import Notify

_SAID = ("text", "record", "roles", "site", "link")
_STALE = timedelta(days=7)
# A process that died while it sent leaves a claim; a notice twice is better than none.
_LEASE = timedelta(minutes=5)


class ClaimedNotice(NamedTuple):
    """A notice that this process alone is to send now."""

    id: int
    notice: Notice


def raise_happenings(store: Store, room: Mailroom, *, happenings: Collection[Happening]) -> None:
    """Keep what staff are to know until they are told."""
    with store.write() as connection:
        add_happenings(store, connection, room, happenings=happenings)


def add_happenings(
    store: Store, connection: Connection, room: Mailroom, *, happenings: Iterable[Happening]
) -> None:
    """Do what `raise_happenings` does, within a transaction."""
    for one in happenings:
        said = {name: getattr(one, name) for name in _SAID} | ({"people": one.people} if one.people else {})
        sealed = store.keys.seal(json.dumps(said).encode())
        row = {**room._asdict(), "cause": one.cause.value, "sealed": sealed, "raised_at": one.at}
        connection.execute(insert(NOTICE).values(**row))


def claim_notices(store: Store, room: Mailroom, *, notify: Notify, now: datetime) -> list[ClaimedNotice]:
    """Take the notices that are due now, one digest for each cause and person; the limits are `notify`'s.

    Everything that a person was not told of a cause yet is in it, unless it is older than a week.
    """
    with store.write() as connection:
        lock_room(connection, room, now=now)
        news = _news(store, connection, room, since=now - _STALE)
        if not news:
            return []
        return [
            claimed
            for person in recipients(notify)
            for claimed in _claim_for(store, connection, room, news=news, notify=notify, to=person, now=now)
        ]


def notice_sent(store: Store, number: int, *, now: datetime) -> None:
    """Say that a claimed notice went out."""
    with store.write() as connection:
        connection.execute(update(NOTICE_SENT).where(NOTICE_SENT.c.id == number).values(sent_at=now))


def notice_failed(store: Store, number: int) -> None:
    """Give a claimed notice back, so that it is due again."""
    with store.write() as connection:
        connection.execute(delete(NOTICE_SENT).where(NOTICE_SENT.c.id == number))


def forget_notices(store: Store, room: Mailroom, *, before: datetime) -> None:
    """Delete what happened, and who was told, before a time."""
    with store.write() as connection:
        for column in (NOTICE.c.raised_at, NOTICE_SENT.c.claimed_at):
            mine = (column.table.c[name] == value for name, value in room._asdict().items())
            connection.execute(delete(column.table).where(*mine, column < before))


def _claim_for(
    store: Store,
    connection: Connection,
    room: Mailroom,
    *,
    news: dict[int, Happening],
    notify: Notify,
    to: Person,
    now: datetime,
) -> list[ClaimedNotice]:
    channel, address = to
    mark = address_mark(store, channel, address=address)
    told, up_to = _told(connection, room, mark=mark, address=address, now=now)
    unknown = {number: one for number, one in news.items() if number > up_to.get(one.cause, 0)}
    due = due_notices(list(unknown.values()), notify, study=room.study, now=now, told=told, people=[to])
    claimed = []
    for notice in due:
        last = max(number for number, one in unknown.items() if one.cause is notice.cause)
        row = {**room._asdict(), "cause": notice.cause.value, "channel": channel, "address_mark": mark}
        added = connection.execute(insert(NOTICE_SENT).values(**row, up_to=last, claimed_at=now))
        (number,) = added.inserted_primary_key or (0,)
        claimed.append(ClaimedNotice(int(number), notice))
    return claimed


def _news(store: Store, connection: Connection, room: Mailroom, *, since: datetime) -> dict[int, Happening]:
    mine = [NOTICE.c[name] == value for name, value in room._asdict().items()]
    query = select(NOTICE).where(*mine, NOTICE.c.raised_at > since).order_by(NOTICE.c.id)
    return {row["id"]: _to_happening(store, row) for row in connection.execute(query).mappings()}


def _to_happening(store: Store, row: RowMapping) -> Happening:
    said = json.loads(store.keys.unseal(row["sealed"]))
    # A notice from before there were roles or people has none.
    roles, people = (tuple(said.pop(name, ())) for name in ("roles", "people"))
    return Happening(Cause(row["cause"]), at=row["raised_at"], roles=roles, people=people, **said)


def _told(
    connection: Connection, room: Mailroom, *, mark: str, address: str, now: datetime
) -> tuple[list[Told], dict[Cause, int]]:
    """What a person was told lately, and by cause up to which notice."""
    mine = [NOTICE_SENT.c[name] == value for name, value in room._asdict().items()]
    counts = or_(NOTICE_SENT.c.sent_at.is_not(None), NOTICE_SENT.c.claimed_at > now - _LEASE)
    of_person = (*mine, NOTICE_SENT.c.address_mark == mark, counts)
    query = select(NOTICE_SENT.c.cause, NOTICE_SENT.c.up_to, NOTICE_SENT.c.claimed_at).where(*of_person)
    rows = connection.execute(query).all()
    told = [Told(address, Cause(cause), claimed_at) for cause, _, claimed_at in rows]
    up_to: dict[Cause, int] = {}
    for cause, number, _ in rows:
        up_to[Cause(cause)] = max(up_to.get(Cause(cause), 0), number)
    return told, up_to
