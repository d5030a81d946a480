"""The window of a sender: when its next segments may leave, so that no second holds more than it may."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Leaving(NamedTuple):
    """Segments that leave together, as the attempt `name`, at `by_us` at the latest.

    Times are microseconds since 1970, and `by_us` is when they left once that is known.
    """

    name: str
    by_us: int
    segments: int


def earliest(leavings: Iterable[Leaving], *, segments: int, most: int, period_us: int) -> int:
    """The first moment at which so many segments leave no period with more than `most`; 0 if at once.

    More of them than `most` cannot but leave together: they count as if spread over several periods.
    """
    times = sorted(
        (time for one in leavings for time in _times(one, most=most, every=period_us)), reverse=True
    )
    room = most - min(segments, most)
    return times[room] + period_us if room < len(times) else 0


def still_counting(leavings: Iterable[Leaving], *, now_us: int, most: int, period_us: int) -> list[Leaving]:
    """Those that a segment which leaves now still has to look at."""
    return [one for one in leavings if max(_times(one, most=most, every=period_us)) > now_us - period_us]


def read_leavings(text: str) -> list[Leaving]:
    """Read what `write_leavings` wrote."""
    return [Leaving(*one) for one in json.loads(text)]


def write_leavings(leavings: Iterable[Leaving]) -> str:
    """Write them as one text."""
    return json.dumps(list(leavings))


def _times(one: Leaving, *, most: int, every: int) -> Iterator[int]:
    return (one.by_us + every * (number // most) for number in range(max(one.segments, 1)))
