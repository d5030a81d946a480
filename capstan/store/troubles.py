"""What went wrong with messages lately, in counts: those that failed, those that wait for a person."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select

from capstan.message import MessageState
from capstan.store.connection import Store
from capstan.store.outbox_rows import Mailroom
from capstan.store.outbox_tables import ATTEMPT, MESSAGE

_TROUBLES = (MessageState.FAILED, MessageState.REVIEW)


class Trouble(NamedTuple):
    """Messages of one name that came to the same end; `code` is that of the last attempt, 0 if none."""

    name: str
    state: MessageState
    code: int
    messages: int


def list_troubles(store: Store, room: Mailroom, *, since: datetime, until: datetime) -> tuple[Trouble, ...]:
    """The messages that failed for good, or came to wait for a person, after `since` and up to `until`."""
    mine = [MESSAGE.c[name] == value for name, value in room._asdict().items()]
    last = (ATTEMPT.c.message_id == MESSAGE.c.id) & (ATTEMPT.c.number == MESSAGE.c.attempts)
    columns = (MESSAGE.c.name, MESSAGE.c.state, ATTEMPT.c.code)
    late = (MESSAGE.c.changed_at > since, MESSAGE.c.changed_at <= until, MESSAGE.c.state.in_(_TROUBLES))
    query = select(*columns, func.count()).join(ATTEMPT, last).where(*mine, *late).group_by(*columns)
    with store.read() as connection:
        rows = connection.execute(query.order_by(*columns)).all()
    return tuple(Trouble(name, MessageState(state), code, count) for name, state, code, count in rows)
