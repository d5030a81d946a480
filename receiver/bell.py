"""The bell: has the inbox worked on soon after something was kept, apart from all requests."""

from __future__ import annotations

import threading
from collections.abc import Callable

_PATIENCE_SECONDS = 5


class Bell:
    """Rings for a study from a thread of its own; what is told while it rings is one more ring."""

    def __init__(self, ring: Callable[[str], object]) -> None:
        self._ring = ring
        self._changed = threading.Condition()
        self._waiting: set[str] = set()
        self._is_closed = False
        self._thread = threading.Thread(target=self._serve, name="bell", daemon=True)
        self._thread.start()

    def tell(self, study: str) -> None:
        """Say that a study has something new; returns at once."""
        with self._changed:
            self._waiting.add(study)
            self._changed.notify()

    def close(self) -> None:
        """End; what waits is worked on at its next time."""
        with self._changed:
            self._waiting.clear()
            self._is_closed = True
            self._changed.notify()
        self._thread.join(_PATIENCE_SECONDS)

    def _serve(self) -> None:
        while study := self._next():
            self._ring(study)

    def _next(self) -> str | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_closed)
            return self._waiting.pop() if self._waiting else None
