"""The heartbeat of a run that takes long: without it, another machine would take the run for dead."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from threading import Event, Thread

from capstan.errors import CapstanError
from capstan.store import LEASE, Run, beat
from tasks.connections import LiveProject


@contextmanager
def kept_alive(live: LiveProject, run: Run, *, every: timedelta = LEASE / 10) -> Iterator[None]:
    """Say every now and then that the run's process lives, as long as the block lasts."""
    is_over = Event()

    def say() -> None:
        while not is_over.wait(every.total_seconds()):
            # A store that is busy for a moment hears the next one.
            with suppress(CapstanError):
                beat(live.store, run, now=datetime.now(UTC))

    thread = Thread(target=say, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
