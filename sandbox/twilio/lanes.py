"""Threads for slow work: what is in one lane is done in its order."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

_COUNT = 8
_Work = tuple[Callable[[], object], threading.Event]


class Lanes:
    """A few threads, each with a queue; they start with the first work and end with the process."""

    def __init__(self) -> None:
        self._queues: list[queue.SimpleQueue[_Work]] = []
        self._open: set[threading.Event] = set()
        self._lock = threading.Lock()
        self._is_closed = False

    def add(self, key: str, work: Callable[[], object]) -> threading.Event:
        """Take work that is done after all of the same key; the event is set when it is done."""
        done = threading.Event()
        with self._lock:
            if self._is_closed:
                done.set()
                return done
            if not self._queues:
                self._start()
            self._open.add(done)
            self._queues[hash(key) % _COUNT].put((work, done))
        return done

    def wait(self) -> None:
        """Wait for all that has been taken until now."""
        with self._lock:
            waiting = list(self._open)
        for one in waiting:
            one.wait()

    def close(self) -> None:
        """Do nothing more; what was not begun stays undone."""
        with self._lock:
            self._is_closed = True
            for done in self._open:
                done.set()

    def _start(self) -> None:
        for number in range(_COUNT):
            lane: queue.SimpleQueue[_Work] = queue.SimpleQueue()
            self._queues.append(lane)
            name = f"sandbox-webhooks-{number}"
            threading.Thread(target=self._work, args=(lane,), name=name, daemon=True).start()

    def _work(self, lane: queue.SimpleQueue[_Work]) -> None:
        while True:
            work, done = lane.get()
            try:
                if not self._is_closed:
                    work()
            finally:
                with self._lock:
                    self._open.discard(done)
                done.set()
