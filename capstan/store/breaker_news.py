"""Who was told that a REDCap host does not answer: each person once, whichever study told."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime

from sqlalchemy import delete, select

from capstan.notice import Happening, Person
from capstan.store.breaker_tables import BREAKER_TOLD
from capstan.store.connection import Store
from capstan.store.notices import add_happenings
from capstan.store.outbox_marks import address_mark
from capstan.store.outbox_rows import Mailroom
from capstan.store.upserts import insert_new


def tell_of_opened(
    store: Store,
    room: Mailroom,
    *,
    host: str,
    people: Collection[Person],
    happening: Happening,
) -> None:
    """Raise that a host does not answer, for those of some people who were not told of it yet."""
    with store.write() as connection:
        new = []
        for channel, address in people:
            mark = address_mark(store, channel, address=address)
            row = {"host": host, "address_mark": mark, "study": room.study, "told_at": happening.at}
            # What comes back, because PostgreSQL's driver does not count what gave way.
            added = insert_new(connection, BREAKER_TOLD).values(**row).returning(BREAKER_TOLD.c.host)
            if connection.execute(added).first():
                new.append(address)
        if new:
            told = [replace(happening, people=tuple(new))]
            add_happenings(store, connection, room, happenings=told)


def tell_of_closed(
    store: Store,
    room: Mailroom,
    *,
    host: str,
    people: Collection[Person],
    say: Callable[[datetime], Happening],
) -> bool:
    """Raise that a host answers again, for those whom this study told that it does not.

    `say` gets since when they know. False where nobody was told.
    """
    mine = (BREAKER_TOLD.c.host == host, BREAKER_TOLD.c.study == room.study)
    query = select(BREAKER_TOLD.c.address_mark, BREAKER_TOLD.c.told_at).where(*mine)
    with store.read() as connection:
        if connection.execute(query).first() is None:
            return False
    with store.write() as connection:
        since = {row.address_mark: row.told_at for row in connection.execute(query.with_for_update())}
        connection.execute(delete(BREAKER_TOLD).where(*mine))
        told = [
            address for channel, address in people if address_mark(store, channel, address=address) in since
        ]
        if told:
            happening = say(min(since.values()))
            add_happenings(store, connection, room, happenings=[replace(happening, people=tuple(told))])
    return bool(told)
