"""Reads the outbox for people and for the next plan, and cancels what waits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pandas as pd
from sqlalchemy import func, select, update

from capstan.errors import Refused, UsageError
from capstan.message import BLOCK_COLUMNS, HISTORY_COLUMNS, History, MessageState, write_time
from capstan.store.connection import Store
from capstan.store.outbox_rows import Attempt, Mailroom, Message, to_attempt, to_message
from capstan.store.outbox_tables import ADDRESS_BLOCK, ATTEMPT, MESSAGE
from capstan.store.outbox_unknown import settle_review


def list_messages(
    store: Store,
    *,
    study: str | None = None,
    run: str | None = None,
    state: MessageState | None = None,
    limit: int | None = 100,
) -> tuple[Message, ...]:
    """The latest messages, newest first; of one study, run or state when asked."""
    query = select(MESSAGE).order_by(MESSAGE.c.id.desc()).limit(limit)
    for column, value in ((MESSAGE.c.study, study), (MESSAGE.c.run_id, run), (MESSAGE.c.state, state)):
        query = query if value is None else query.where(column == value)
    with store.read() as connection:
        return tuple(to_message(store, row) for row in connection.execute(query).mappings())


def count_messages(store: Store, *, study: str, run: str | None = None) -> dict[MessageState, int]:
    """How many messages of a study stand where."""
    query = select(MESSAGE.c.state, func.count()).where(MESSAGE.c.study == study).group_by(MESSAGE.c.state)
    query = query if run is None else query.where(MESSAGE.c.run_id == run)
    with store.read() as connection:
        return {MessageState(state): count for state, count in connection.execute(query)}


def read_message(store: Store, number: int) -> tuple[Message, tuple[Attempt, ...]]:
    """A message and its attempts in order; UsageError when there is none of this number."""
    attempts = select(ATTEMPT).where(ATTEMPT.c.message_id == number).order_by(ATTEMPT.c.number)
    with store.read() as connection:
        row = connection.execute(select(MESSAGE).where(MESSAGE.c.id == number)).mappings().first()
        if row is None:
            raise UsageError(f"There is no message {number} in this store; `capstan messages list` has all.")
        tries = tuple(to_attempt(one) for one in connection.execute(attempts).mappings())
        return to_message(store, row), tries


def cancel_message(store: Store, number: int, *, now: datetime) -> None:
    """Cancel a message that waits, for its time or for a person; Refused when it is on its way."""
    message, _ = read_message(store, number)
    this = update(MESSAGE).where(MESSAGE.c.id == number, MESSAGE.c.state == MessageState.PLANNED)
    with store.write() as connection:
        done = connection.execute(this.values(state=MessageState.CANCELLED, changed_at=now)).rowcount
    if not (done or settle_review(store, number, to=MessageState.CANCELLED, now=now)):
        raise Refused(f"Message {number} is {message.state}, so it cannot be cancelled any more.")


def read_history(store: Store, room: Mailroom) -> History:
    """Everything that was queued for a study, and all blocked addresses, for the next plan.

    What retention has deleted names nobody any more and does not come.
    """
    mine = [MESSAGE.c[name] == value for name, value in room._asdict().items()]
    last_try = select(func.max(ATTEMPT.c.started_at)).where(ATTEMPT.c.message_id == MESSAGE.c.id)
    query = select(MESSAGE, last_try.scalar_subquery().label("tried_at")).where(
        *mine, MESSAGE.c.sealed.is_not(None)
    )
    blocks = select(ADDRESS_BLOCK).where(
        ADDRESS_BLOCK.c.lifted_at.is_(None), ADDRESS_BLOCK.c.sealed.is_not(None)
    )
    with store.read() as connection:
        told = [
            _told(to_message(store, row), row["tried_at"]) for row in connection.execute(query).mappings()
        ]
        against = [
            (row["channel"], store.keys.unseal(row["sealed"]).decode(), row["reason"])
            for row in connection.execute(blocks).mappings()
        ]
    return History(_frame(told, HISTORY_COLUMNS), _frame(against, BLOCK_COLUMNS))


def _told(message: Message, tried_at: datetime | None) -> tuple[str, ...]:
    content = message.content
    if content is None:
        raise UsageError(f"Message {message.id} has no content.")
    at = write_time(tried_at or message.not_before)
    who = (message.name, content.record, content.occasion, str(message.channel), content.address)
    return (*who, str(message.state), at, str(message.segments))


def _frame(rows: Sequence[tuple[str, ...]], columns: tuple[str, ...]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(columns), dtype="str")
