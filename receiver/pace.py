"""Pace: how many requests one sender may make, so that none keeps the others out."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from receiver.addresses import Address, caller_of

MOST_SENDERS = 10_000


class Pace:
    """An allowance for each sender, which fills again with time; the ones not seen for long are forgotten."""

    def __init__(
        self, *, per_second: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_second, self._burst, self._clock = per_second, burst, clock
        self._left: OrderedDict[object, tuple[float, float]] = OrderedDict()

    def allows(self, sender: Address) -> bool:
        """Take one from the sender's allowance; False when nothing is left of it."""
        now, key = self._clock(), caller_of(sender)
        left, since = self._left.pop(key, (self._burst, now))
        left = min(self._burst, left + (now - since) * self._per_second)
        is_allowed = left >= 1
        self._left[key] = (left - is_allowed, now)
        if len(self._left) > MOST_SENDERS:
            self._left.popitem(last=False)
        return is_allowed
