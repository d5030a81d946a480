"""Progress: what is told of work, to whom, and when; with a clock that stands until it is put on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import pytest

from capstan.progress import PATIENCE_SECONDS, Listener, listening, working


class Clock:
    """Shows the seconds that a test puts it to."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Ear:
    """Keeps what it is told, and of how much work it heard the end."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int, int]] = []
        self.ends = 0

    def listens(self) -> Listener:
        return Listener(partial(Heard, self), every_seconds=5)


@dataclass
class Heard:
    """One piece of work, as an ear hears of it."""

    ear: Ear
    name: str

    def tell(self, done: int, total: int) -> None:
        self.ear.told.append((self.name, done, total))

    def end(self) -> None:
        self.ear.ends += 1


def test_short_work_is_not_told_of() -> None:
    ear, clock = Ear(), Clock()

    with listening(ear.listens()), working("write cells", 3, clock=clock) as advance:
        clock.seconds = PATIENCE_SECONDS - 0.1
        advance(3)

    assert ear.told == []


def test_long_work_is_told_of_now_and_then_and_at_its_end() -> None:
    ear, clock = Ear(), Clock()

    with listening(ear.listens()), working("write cells", 9, clock=clock) as advance:
        for second in range(9):
            clock.seconds = second + 1
            advance(1)

    assert ear.told == [("write cells", 2, 9), ("write cells", 7, 9), ("write cells", 9, 9)]


def test_work_within_work_is_a_part_of_it() -> None:
    ear, clock = Ear(), Clock()

    with listening(ear.listens()), working("write cells", 2, clock=clock) as advance:
        with working("export records", 1, clock=clock) as inner:
            clock.seconds = 60
            inner(1)
        advance(1)

    assert {name for name, _, _ in ear.told} == {"write cells"}


def test_more_may_come_than_was_there_at_first() -> None:
    ear, clock = Ear(), Clock()

    with listening(ear.listens()), working("work on items", 2, clock=clock) as advance:
        clock.seconds = 60
        advance(5)

    assert ear.told[-1] == ("work on items", 5, 5)


def test_threads_share_one_piece_of_work() -> None:
    ear, clock = Ear(), Clock()

    with listening(ear.listens()), working("send messages", 400, clock=clock) as advance:
        clock.seconds = 60
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(advance, [1] * 400))

    assert ear.told[-1] == ("send messages", 400, 400)


def test_a_listener_that_listens_already_is_told_once() -> None:
    ear, clock = Ear(), Clock()
    listener = ear.listens()

    with listening(listener), listening(listener), working("write cells", 1, clock=clock) as advance:
        clock.seconds = 60
        advance(1)

    assert ear.told == [("write cells", 1, 1), ("write cells", 1, 1)]


def test_nobody_is_told_of_work_that_failed_that_it_ended() -> None:
    ear, clock = Ear(), Clock()

    def work() -> None:
        with listening(ear.listens()), working("write cells", 2, clock=clock) as advance:
            clock.seconds = 60
            advance(1)
            raise ValueError("it broke")

    with pytest.raises(ValueError, match="broke"):
        work()

    assert (ear.told, ear.ends) == ([("write cells", 1, 2)], 1)
