"""Answers that the next requests get in place of their own (7.7)."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random


@dataclass(frozen=True)
class Fault:
    """An answer that is not the request's own: a status with headers and a body, or none at all.

    It comes in place of the work, or after it where `is_after`. `closes` cuts the connection, `seconds` are
    waited first. `count` requests meet it, each with `probability`, which is drawn from `seed`; `method`
    limits it to one.
    """

    status: int = 503
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    is_after: bool = False
    closes: bool = False
    seconds: float = 0.0
    count: int = 1
    probability: float = 1.0
    seed: int = 0
    method: str = ""


class Faults:
    """The faults that wait, oldest first; a request meets one at most."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[_Waiting] = []
        self._met = 0

    def add(self, faults: list[Fault]) -> None:
        with self._lock:
            self._waiting += [_Waiting(fault) for fault in faults]

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()
            self._met = 0

    def take(self, method: str) -> Fault | None:
        """Take the fault that a request meets."""
        with self._lock:
            fitting = (one for one in self._waiting if one.fault.method in ("", method))
            struck = next((one for one in fitting if one.strikes()), None)
            if struck is None:
                return None
            self._met += 1
            self._waiting = [one for one in self._waiting if one.left > 0]
            return struck.fault

    def counts(self) -> tuple[int, int]:
        """Return how many requests will meet one, and how many did."""
        with self._lock:
            return sum(one.left for one in self._waiting), self._met


class _Waiting:
    def __init__(self, fault: Fault) -> None:
        self.fault, self.left, self._random = fault, fault.count, Random(fault.seed)

    def strikes(self) -> bool:
        if self._random.random() >= self.fault.probability:
            return False
        self.left -= 1
        return True
