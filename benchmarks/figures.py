"""Figures: what work takes, in turns with other work, and beside its limit."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import NamedTuple

Work = Callable[[], object]


class Seconds(NamedTuple):
    """What some work takes: of the processor, and of the clock."""

    processor: float
    clock: float


def seconds(works: list[Work], *, rounds: int) -> list[Seconds]:
    """The medians of some rounds, in which the works take turns, so that all bear the machine's moods."""
    spent: list[list[Seconds]] = [[] for _ in works]
    for _ in range(rounds):
        for work, times in zip(works, spent, strict=True):
            start = time.process_time(), time.perf_counter()
            work()
            times.append(Seconds(time.process_time() - start[0], time.perf_counter() - start[1]))
    return [Seconds(*(median(side) for side in zip(*times, strict=True))) for times in spent]


class Measure(NamedTuple):
    """A figure beside its limit, and how much above it noise may lift it."""

    name: str
    figure: float
    limit: float
    noise: float = 0.1

    def __str__(self) -> str:
        """The figure for people."""
        broken = "  BROKEN" if self.is_broken else ""
        return f"{self.name}: {self.figure:.2f} (at most {self.limit:g}){broken}"

    @property
    def is_broken(self) -> bool:
        """Whether the limit is broken beyond noise."""
        return self.figure > self.limit * (1 + self.noise)


def kilobytes(name: str) -> int:
    """What Linux says of this process; `getrusage` would tell its parent's peak as well."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
