"""Which texts the provider need not keep any longer, and which it has forgotten."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Select, select, update

from capstan.delivery import FINAL_STATUSES, Channel, Outcome
from capstan.store.connection import Store
from capstan.store.outbox_rows import Mailroom
from capstan.store.outbox_tables import ATTEMPT, MESSAGE
from capstan.store.reply_tables import INBOUND_MESSAGE, REPLY


def due_for_redaction(store: Store, room: Mailroom, *, before: datetime, limit: int) -> tuple[str, ...]:
    """The provider's ids of texts that came to an end before a time, oldest first.

    Of those that came in, the study has handled them, and so has every other that acted on them.
    """
    queries = (_sent(room, before=before), _received(room, before=before))
    with store.read() as connection:
        found = [row for query in queries for row in connection.execute(query.limit(limit)).all()]
    return tuple(sid for sid, _ in sorted(found, key=lambda row: row[1])[:limit])


def note_redacted(store: Store, sid: str, *, now: datetime) -> None:
    """Say that the provider has forgotten a text."""
    with store.write() as connection:
        for table in (ATTEMPT, INBOUND_MESSAGE):
            connection.execute(update(table).where(table.c.sid == sid).values(redacted_at=now))


def _sent(room: Mailroom, *, before: datetime) -> Select[tuple[str, datetime]]:
    mine = [MESSAGE.c[name] == value for name, value in room._asdict().items()]
    ended = (ATTEMPT.c.outcome == Outcome.ACCEPTED, ATTEMPT.c.status.in_(FINAL_STATUSES))
    texts = (MESSAGE.c.channel == Channel.SMS, ATTEMPT.c.sid.is_not(None), ATTEMPT.c.redacted_at.is_(None))
    query = select(ATTEMPT.c.sid, ATTEMPT.c.changed_at).join_from(ATTEMPT, MESSAGE)
    return query.where(*mine, *ended, *texts, ATTEMPT.c.changed_at < before).order_by(ATTEMPT.c.changed_at)


def _received(room: Mailroom, *, before: datetime) -> Select[tuple[str, datetime]]:
    mine = [REPLY.c[name] == value for name, value in room._asdict().items()]
    handled = select(REPLY.c.sid).where(*mine, REPLY.c.handled_at.is_not(None))
    waiting = select(REPLY.c.sid).where(REPLY.c.handled_at.is_(None))
    text = INBOUND_MESSAGE.c
    query = select(text.sid, text.received_at).where(
        text.sid.in_(handled), text.sid.not_in(waiting), text.redacted_at.is_(None), text.received_at < before
    )
    return query.order_by(text.received_at)
