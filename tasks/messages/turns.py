"""Turns: what is no message of the outbox waits for the sender's clock too."""

from __future__ import annotations

from datetime import datetime, timedelta

from capstan.store import Pace, Store, Wait, take_turn
from tasks.messages.sending import REAL_TIME, Clock

# Staff are told of danger also while the sender rests.
_PATIENCE = timedelta(seconds=5)


def wait_for_turn(
    store: Store, pace: Pace, *, name: str, segments: int, clock: Clock = REAL_TIME
) -> datetime | None:
    """When a text named `name` may leave: now, or in a moment; None where that would take too long."""
    until = clock.now() + _PATIENCE
    while True:
        turn = take_turn(store, pace, name=name, segments=segments, now=clock.now())
        if not isinstance(turn, Wait):
            return turn.begins
        if turn.until > until:
            return None
        clock.sleep(max(0.01, (turn.until - clock.now()).total_seconds()))
