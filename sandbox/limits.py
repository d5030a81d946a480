"""The limit on requests a minute, above which REDCap bans an address for good (A.6)."""

from __future__ import annotations

import threading
from collections import deque

REDCAP_PER_MINUTE = 600
_WINDOW_SECONDS = 60.0
_MAX_ADDRESSES = 1000


class RateLimit:
    """Counts requests by client address; off until `per_minute` is set."""

    def __init__(self) -> None:
        self.per_minute = 0
        self._seen: dict[str, deque[float]] = {}
        self._banned: set[str] = set()
        self._lock = threading.Lock()

    def admit(self, address: str, now: float) -> bool:
        """Count a request at `now` (monotonic seconds), and say whether its address is not banned."""
        with self._lock:
            if address in self._banned:
                return False
            if not self.per_minute:
                return True
            recent = self._recent(address)
            is_too_fast = len(recent) == self.per_minute and now - recent[0] < _WINDOW_SECONDS
            recent.append(now)
            if is_too_fast:
                self._banned.add(address)
            return not is_too_fast

    def set(self, per_minute: int) -> None:
        """Allow so many requests a minute; 0 allows any number."""
        with self._lock:
            self.per_minute = per_minute
            self._seen.clear()

    def ban(self, address: str) -> None:
        with self._lock:
            self._banned.add(address)

    def lift(self) -> int:
        """Lift every ban; returns how many there were."""
        with self._lock:
            count = len(self._banned)
            self._banned.clear()
            self._seen.clear()
            return count

    def banned(self) -> list[str]:
        with self._lock:
            return sorted(self._banned)

    def _recent(self, address: str) -> deque[float]:
        if address not in self._seen and len(self._seen) >= _MAX_ADDRESSES:
            self._seen.pop(next(iter(self._seen)))
        return self._seen.setdefault(address, deque(maxlen=self.per_minute))
