"""Turns: a run that may write waits until no other run of its study is open, and nobody waits before it."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from capstan.errors import PutOff
from capstan.settings import load_settings
from capstan.store import Store, Turn, ask_for_turn, beat_turn, is_busy, is_first, leave_turn
from tasks.calls import current_call
from tasks.connections import open_store
from tasks.shield import run_logger

_FIRST_NAP_SECONDS, _LONGEST_NAP_SECONDS = 0.1, 3.0
_BEAT = timedelta(minutes=1)


@contextmanager
def turn_of(study: str) -> Iterator[None]:
    """Wait for the study's turn, and keep it while the block begins a run.

    Raises PutOff where a run of the same flow and parameters waits already, or the wait takes too long.
    """
    settings = load_settings()
    with open_store(settings) as store:
        turn = ask_for_turn(store, study, call=current_call().fingerprint, now=_now())
        if turn is None:
            raise PutOff(
                f"Another run of the same flow waits for study {study} already, and will do the same.",
                is_covered=True,
            )
        try:
            _wait(store, turn, longest=timedelta(minutes=settings.wait_minutes))
            yield
        finally:
            leave_turn(store, turn, now=_now())


def _wait(store: Store, turn: Turn, *, longest: timedelta) -> None:
    began = beaten = _now()
    nap = _FIRST_NAP_SECONDS
    while not _may_go(store, turn):
        if nap == _FIRST_NAP_SECONDS:
            run_logger().warning("another run of study %s is open; waiting until it has ended", turn.study)
        if _now() - began >= longest:
            raise PutOff(
                f"Other runs of study {turn.study} were open for {longest / timedelta(minutes=1):g} minutes "
                "(CAPSTAN_WAIT_MINUTES), so that nothing was done. `capstan journal list` shows them."
            )
        # Uneven, so that many who wait do not all look at once.
        time.sleep(nap * random.uniform(0.8, 1.2))
        nap = min(nap * 1.5, _LONGEST_NAP_SECONDS)
        if _now() - beaten >= _BEAT:
            beaten = _now()
            beat_turn(store, turn, now=beaten)


def _may_go(store: Store, turn: Turn) -> bool:
    return is_first(store, turn, now=_now()) and not is_busy(store, turn.study, now=_now())


def _now() -> datetime:
    return datetime.now(UTC)
