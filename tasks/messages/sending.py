"""Sending: workers take messages from the outbox at the sender's pace, and record each answer at once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol

from capstan.delivery import Answer, Channel, Outcome
from capstan.errors import StoreError
from capstan.message import MessageState
from capstan.progress import Advance
from capstan.store import (
    Caps,
    Claimed,
    Mailroom,
    Pace,
    Store,
    Wait,
    claim_message,
    expire_messages,
    give_back,
    record_answer,
)
from tasks.crash import crash_point

PATIENCE = timedelta(seconds=30)
"""How long a worker waits for the next message that may go, before it leaves the rest to a later run."""

_FIRST_LEAD, _LONGEST_LEAD = 0.1, 0.5
_FARTHEST_SLOT = timedelta(seconds=1)
# A sleep may end so much too early.
_EARLY = timedelta(milliseconds=5)
_RECORD_AGAIN_AFTER = (0.1, 0.5, 2.0, 5.0)
# What one message takes until the next can be claimed: the claim, the provider's answer, and its record.
_SECONDS_EACH = 0.5
_MOST_WORKERS = 8


class Sender(Protocol):
    """Sends one message, once; whatever the provider does comes back as an answer."""

    def send(self, claimed: Claimed, *, now: datetime) -> Answer:
        """Send it."""


class Clock(NamedTuple):
    """The time, and how to wait for it, in seconds."""

    now: Callable[[], datetime]
    sleep: Callable[[float], None]


def _utc_now() -> datetime:
    return datetime.now(UTC)


REAL_TIME = Clock(_utc_now, time.sleep)


@dataclass(frozen=True)
class Line:
    """One channel of one study, ready to send.

    `early` is how long before its slot the sender may get a message, if it holds it back until then itself.
    `records` are those whose messages it sends, None for all; `advance` is told of each attempt.
    """

    store: Store
    room: Mailroom
    channel: Channel
    pace: Pace
    caps: Caps
    sender: Sender
    clock: Clock = REAL_TIME
    early: timedelta = timedelta(0)
    records: Collection[str] | None = field(default=None, repr=False)
    advance: Advance = lambda _: None


def workers_for(pace: Pace) -> int:
    """How many workers at once reach a sender's rate, though each waits for the provider's answers."""
    return min(_MOST_WORKERS, 1 + int(pace.segments_per_second * _SECONDS_EACH))


def send_waiting(line: Line, *, workers: int = 1, patience: timedelta = PATIENCE) -> Counter[MessageState]:
    """Send what waits, with some workers at once; returns how many attempts ended in which state.

    Other processes may send at the same time. Ends when nothing is left that may go within `patience`.
    """
    expire_messages(line.store, line.room, now=line.clock.now())
    with ThreadPoolExecutor(workers) as pool:
        counts = [pool.submit(_work, line, patience=patience) for _ in range(workers)]
        return sum((count.result() for count in counts), Counter[MessageState]())


def _work(line: Line, *, patience: timedelta) -> Counter[MessageState]:
    counts: Counter[MessageState] = Counter()
    lead = _FIRST_LEAD
    while True:
        started = line.clock.now()
        step = _claim(line, now=started, lead=lead)
        claimed_at = line.clock.now()
        if step is None or (isinstance(step, Wait) and step.until - claimed_at > patience):
            return counts
        if isinstance(step, Wait):
            _sleep_until(line.clock, step.until)
            continue
        # A slot must not begin before its claim is on disk, which takes about as long as the last one did.
        lead = min(max((claimed_at - started).total_seconds() * 1.5, lead * 0.9), _LONGEST_LEAD)
        crash_point("message_claimed")
        ended = _send(line, step)
        counts.update(ended)
        line.advance(len(ended))


def _claim(line: Line, *, now: datetime, lead: float) -> Claimed | Wait | None:
    return claim_message(
        line.store,
        room=line.room,
        channel=line.channel,
        now=now,
        pace=line.pace,
        caps=line.caps,
        ready_at=now + timedelta(seconds=lead),
        records=line.records,
    )


def _send(line: Line, claimed: Claimed) -> list[MessageState]:
    """Send a claimed message in its slot; one whose slot was missed is given back, unsent.

    A clock that is put back makes a slot seem far away, and the claim would outlive its lease.
    """
    starts = claimed.slot.begins - line.early
    wait = starts - line.clock.now()
    if wait <= _FARTHEST_SLOT:
        line.clock.sleep(max(0.0, wait.total_seconds()))
    now = line.clock.now()
    if not starts - _EARLY <= now <= claimed.slot.latest:
        give_back(line.store, claimed, now=now)
        return []
    answer = Answer(Outcome.UNKNOWN)
    try:
        answer = line.sender.send(claimed, now=now)
        crash_point("posted")
    finally:
        state = _record(line, claimed, answer)
    crash_point("recorded")
    return [state]


def _record(line: Line, claimed: Claimed, answer: Answer) -> MessageState:
    """Keep the answer, also of a store that is busy for a moment; else the message stays unknown."""
    for pause in _RECORD_AGAIN_AFTER:
        try:
            return record_answer(line.store, claimed, answer, now=line.clock.now())
        except StoreError:
            line.clock.sleep(pause)
    return record_answer(line.store, claimed, answer, now=line.clock.now())


def _sleep_until(clock: Clock, moment: datetime) -> None:
    clock.sleep(max(0.0, (moment - clock.now()).total_seconds()))
