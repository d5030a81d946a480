"""Messages of which nobody knows whether they left: found, proved absent, or handed to a person."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, RowMapping, select, update

from capstan.delivery import Outcome
from capstan.errors import UsageError
from capstan.message import MessageState
from capstan.store.connection import Store
from capstan.store.outbox_caps import may_have_reached
from capstan.store.outbox_moves import count_sends, find_pair, move_message, own_sid, set_attempt
from capstan.store.outbox_rows import Mailroom, Try, to_attempt, to_message
from capstan.store.outbox_tables import ATTEMPT, MESSAGE
from capstan.store.owners import LEASE, is_alive


class Patience(NamedTuple):
    """How long to wait until what is not listed counts as absent.

    `settle` from the attempt on: longer than an answer can take, and a callback. `apart` between looks:
    no provider promises to list a message at once. `looks` that must all find nothing.
    """

    settle: timedelta = timedelta(minutes=2)
    apart: timedelta = timedelta(minutes=1)
    looks: int = 2


def sweep_claims(store: Store, room: Mailroom, *, now: datetime, lease: timedelta = LEASE) -> int:
    """Call unknown what dead workers had claimed, and what is claimed for longer than the lease.

    Returns how many. A worker that lives and answers later still records its answer.
    """
    mine = (*_of_room(room), ATTEMPT.c.outcome.is_(None))
    query = select(ATTEMPT.c.id, ATTEMPT.c.worker, ATTEMPT.c.started_at).join(MESSAGE).where(*mine)
    with store.read() as connection:
        claims = connection.execute(query).all()
    lost = [
        claim.id
        for claim in claims
        if now - claim.started_at > lease
        or not is_alive(claim.worker, heartbeat_at=claim.started_at, now=now, lease=lease)
    ]
    for attempt in lost:
        with store.write() as connection:
            _make_unknown(connection, attempt, now=now)
    return len(lost)


def unknown_tries(store: Store, room: Mailroom) -> tuple[Try, ...]:
    """The attempts of unknown end whose message still waits for them, oldest first."""
    mine = (*_of_room(room), ATTEMPT.c.outcome == Outcome.UNKNOWN, MESSAGE.c.state == MessageState.UNKNOWN)
    latest = ATTEMPT.c.number == MESSAGE.c.attempts
    query = select(ATTEMPT.c.id).join(MESSAGE).where(*mine, latest).order_by(ATTEMPT.c.started_at)
    with store.read() as connection:
        pairs = [find_pair(connection, attempt) for attempt in connection.execute(query).scalars().all()]
        return tuple(Try(to_attempt(attempt), to_message(store, message)) for attempt, message in pairs)


def settle_unknown(
    store: Store, attempt: str, *, found: Sequence[str] | None, now: datetime, patience: Patience
) -> MessageState:
    """Draw the conclusion of one look at the provider; returns the message's state.

    `found` are the ids of the provider's messages to this address with this text that no attempt owns;
    None where it cannot be asked. One is the message. Several go to a person, and so does one that might
    be another message of the same words. None in all looks: it never left, and may within its time.
    """
    with store.write() as connection:
        tried, message = find_pair(connection, attempt)
        if tried["outcome"] != Outcome.UNKNOWN or message["state"] != MessageState.UNKNOWN:
            return MessageState(message["state"])
        is_due = now - tried["started_at"] >= patience.settle
        if found and len(found) == 1 and not _has_twin(connection, tried, message):
            _accept(connection, tried, sid=found[0], now=now)
        elif found or (found is None and is_due):
            if is_due:
                _move(connection, tried, to=MessageState.REVIEW, now=now)
        elif found is not None and is_due and _is_apart(tried, patience=patience, now=now):
            _count_look(connection, tried, message, patience=patience, now=now)
        return MessageState(find_pair(connection, attempt)[1]["state"])


def settle_review(store: Store, message: int, *, to: MessageState, now: datetime) -> bool:
    """Let a person say what became of a message: accepted, failed or cancelled; False when it is settled."""
    this = update(MESSAGE).where(MESSAGE.c.id == message, MESSAGE.c.state == MessageState.REVIEW)
    if to not in (MessageState.ACCEPTED, MessageState.FAILED, MessageState.CANCELLED):
        raise UsageError(f"A person cannot call a message {to}; only accepted, failed or cancelled.")
    with store.write() as connection:
        return bool(connection.execute(this.values(state=to, changed_at=now)).rowcount)


def owned_sids(store: Store, sids: Collection[str]) -> frozenset[str]:
    """Those of the provider's ids that an attempt owns."""
    query = select(ATTEMPT.c.sid).where(ATTEMPT.c.sid.in_(list(sids)))
    with store.read() as connection:
        return frozenset(connection.execute(query).scalars())


def _make_unknown(connection: Connection, attempt: str, *, now: datetime) -> bool:
    tried, _ = find_pair(connection, attempt)
    if tried["outcome"] is not None:
        return False
    set_attempt(connection, attempt, now=now, outcome=Outcome.UNKNOWN, ended_at=now)
    return move_message(connection, tried, to=MessageState.UNKNOWN, only=[MessageState.CLAIMED], now=now)


def _accept(connection: Connection, tried: RowMapping, *, sid: str, now: datetime) -> None:
    taken = select(ATTEMPT.c.id).where(ATTEMPT.c.sid == sid)
    if connection.execute(taken).first() is None:
        own_sid(connection, tried["id"], sid=sid, now=now)
        set_attempt(connection, tried["id"], now=now, outcome=Outcome.ACCEPTED)
        _move(connection, tried, to=MessageState.ACCEPTED, now=now)


def _count_look(
    connection: Connection, tried: RowMapping, message: RowMapping, *, patience: Patience, now: datetime
) -> None:
    set_attempt(connection, tried["id"], now=now, looks=tried["looks"] + 1, looked_at=now)
    if tried["looks"] + 1 < patience.looks:
        return
    set_attempt(connection, tried["id"], now=now, outcome=Outcome.NOT_SENT)
    count_sends(connection, (tried, message), by=-1)
    in_time = now < message["not_after"]
    _move(connection, tried, to=MessageState.PLANNED if in_time else MessageState.EXPIRED, now=now)


def _is_apart(tried: RowMapping, *, patience: Patience, now: datetime) -> bool:
    return tried["looked_at"] is None or now - tried["looked_at"] >= patience.apart


def _has_twin(connection: Connection, tried: RowMapping, message: RowMapping) -> bool:
    """Whether another attempt with the same words to the same address has no id of the provider's yet."""
    same = [MESSAGE.c[name] == message[name] for name in ("channel", "address_mark", "text_mark")]
    nameless = (ATTEMPT.c.sid.is_(None), ATTEMPT.c.id != tried["id"], may_have_reached())
    return connection.execute(select(ATTEMPT.c.id).join(MESSAGE).where(*same, *nameless)).first() is not None


def _move(connection: Connection, tried: RowMapping, *, to: MessageState, now: datetime) -> None:
    move_message(connection, tried, to=to, only=[MessageState.UNKNOWN], now=now)


def _of_room(room: Mailroom) -> list[ColumnElement[bool]]:
    return [MESSAGE.c[name] == value for name, value in room._asdict().items()]
