"""Shrinking: what is too much for a server at once goes in halves, and so does all that follows."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import TypeVar

from capstan.redcap.failures import TooMuch
from capstan.redcap.wire import Late

Part = TypeVar("Part", bound=Sized)
Answer = TypeVar("Answer")


def shrinking(
    parts: Iterable[Part],
    *,
    send: Callable[[Part], Answer],
    cut: Callable[[Part, int], Iterable[Part]],
) -> Iterator[tuple[Part, Answer]]:
    """Send parts one after the other, in order; yields each that was sent, and its answer.

    `cut` makes parts of at most so many items of one. Raises what `send` raised where a part that is too
    much cannot be cut. A write whose answer is late is not among these: it may have been done.
    """
    most: int | None = None
    for whole in parts:
        waiting = deque([whole] if most is None else cut(whole, most))
        while waiting:
            part = waiting.popleft()
            try:
                answer = send(part)
            except (TooMuch, Late):
                most = max(1, len(part) // 2)
                smaller = list(cut(part, most))
                if len(smaller) == 1:
                    raise
                waiting = deque([*smaller, *(each for left in waiting for each in cut(left, most))])
            else:
                yield part, answer
