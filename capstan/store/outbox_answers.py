"""Records what an attempt came to: the step right after sending, in which nothing may fail."""

from __future__ import annotations

from datetime import datetime

from capstan.consequence import after_answer
from capstan.delivery import Answer, Outcome
from capstan.message import MessageState
from capstan.store.connection import Store
from capstan.store.outbox_events import join_events
from capstan.store.outbox_moves import (
    count_sends,
    course_of,
    find_pair,
    follow,
    move_message,
    own_sid,
    set_attempt,
)
from capstan.store.outbox_pace import note_left, return_slot
from capstan.store.outbox_rows import Claimed


def record_answer(store: Store, claimed: Claimed, answer: Answer, *, now: datetime) -> MessageState:
    """Keep the answer to an attempt and do what it asks; returns the message's state.

    Nothing that can fail may stand between the answer and this. What a callback has proved already stays.
    """
    with store.write() as connection:
        attempt, message = find_pair(connection, claimed.id)
        if attempt["outcome"] not in (None, Outcome.UNKNOWN):
            return MessageState(message["state"])
        heard = {
            "outcome": answer.outcome,
            "status": "failed" if answer.outcome is Outcome.REJECTED else answer.status,
            "code": answer.code,
            "ended_at": now,
        }
        if answer.outcome is Outcome.NOT_SENT:
            return_slot(connection, claimed.sender, name=claimed.id, slot=claimed.slot)
        else:
            note_left(
                connection,
                claimed.sender,
                name=claimed.id,
                left_at=answer.left_at or min(now, claimed.slot.latest),
            )
        if answer.sid:
            own_sid(connection, attempt["id"], sid=answer.sid, now=now)
        set_attempt(connection, attempt["id"], now=now, **heard)
        course = course_of(connection, attempt, message, code=answer.code, now=now)
        follow(
            store,
            connection,
            (attempt, message),
            then=after_answer(answer, course),
            now=now,
            code=answer.code,
        )
        if answer.outcome not in (Outcome.ACCEPTED, Outcome.UNKNOWN):
            count_sends(connection, (attempt, message), by=-1)
        # A callback may have been faster than the answer that says whom it is about.
        join_events(store, connection, attempt=claimed.id, sid=answer.sid, now=now)
        return MessageState(find_pair(connection, claimed.id)[1]["state"])


def give_back(store: Store, claimed: Claimed, *, now: datetime) -> None:
    """Let go of a claim of which certainly nothing was sent, such as one whose slot was missed."""
    with store.write() as connection:
        attempt, message = find_pair(connection, claimed.id)
        if attempt["outcome"] is None:
            set_attempt(connection, claimed.id, now=now, outcome=Outcome.NOT_SENT, ended_at=now)
            move_message(connection, attempt, to=MessageState.PLANNED, only=[MessageState.CLAIMED], now=now)
            count_sends(connection, (attempt, message), by=-1)
            return_slot(connection, claimed.sender, name=claimed.id, slot=claimed.slot)
