"""What monitors ask the outbox and the journal: which messages were answered, and when a flow last ran."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import exists, func, select

from capstan.message import MessageState
from capstan.store.connection import Store
from capstan.store.outbox_rows import Mailroom, to_message
from capstan.store.outbox_tables import ATTEMPT, MESSAGE
from capstan.store.reply_tables import INBOUND_MESSAGE
from capstan.store.states import RunState
from capstan.store.tables import RUN

_ARRIVES = (MessageState.ACCEPTED, MessageState.DELIVERED)
_RAN = frozenset(RunState) - {
    RunState.OPEN,
    RunState.WRITING,
    RunState.FAILED,
    RunState.REFUSED,
    RunState.INTERRUPTED,
}


@dataclass(frozen=True)
class SentMessage:
    """A message that went out at `at`, and whether a text has come from its address since."""

    key: str
    name: str
    record: str = field(repr=False)
    event: str
    at: datetime
    is_answered: bool


def sent_messages(store: Store, room: Mailroom, *, names: Collection[str]) -> tuple[SentMessage, ...]:
    """The messages of these names that went out and that retention has not deleted, oldest first."""
    mine = [MESSAGE.c[name] == value for name, value in room._asdict().items()]
    tried = select(func.max(ATTEMPT.c.started_at)).where(ATTEMPT.c.message_id == MESSAGE.c.id)
    sent_at = tried.scalar_subquery()
    answer = exists().where(
        INBOUND_MESSAGE.c.sender_mark == MESSAGE.c.address_mark, INBOUND_MESSAGE.c.received_at >= sent_at
    )
    query = select(MESSAGE, sent_at.label("sent_at"), answer.label("is_answered")).where(
        *mine, MESSAGE.c.name.in_(names), MESSAGE.c.state.in_(_ARRIVES), MESSAGE.c.sealed.is_not(None)
    )
    with store.read() as connection:
        rows = connection.execute(query.order_by(MESSAGE.c.id)).mappings().all()
    return tuple(
        SentMessage(
            message.key,
            message.name,
            message.content.record,
            message.event,
            row["sent_at"] or message.planned_at,
            bool(row["is_answered"]),
        )
        for row in rows
        if (message := to_message(store, row)).content
    )


def last_good_run(store: Store, room: Mailroom, *, flow: str) -> tuple[str, datetime] | None:
    """The id and the end of the last run of a flow that did not fail, dry ones aside; None before it."""
    mine = [RUN.c[name] == value for name, value in room._asdict().items()]
    query = select(RUN.c.id, RUN.c.ended_at).where(
        *mine,
        RUN.c.flow == flow,
        RUN.c.state.in_(_RAN),
        RUN.c.dry_run.is_(False),
        RUN.c.ended_at.is_not(None),
    )
    with store.read() as connection:
        row = connection.execute(query.order_by(RUN.c.ended_at.desc()).limit(1)).first()
    return (row[0], row[1]) if row else None
