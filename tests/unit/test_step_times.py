"""Step times: steps in order, repeated ones together, and none within another."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tasks.step_times import steps_taken, timed, timing_steps


def clock(*times: float) -> Iterator[float]:
    yield from times


def test_a_step_that_is_taken_twice_is_one_line() -> None:
    times = clock(0, 1, 1, 5, 5, 7)
    with timing_steps(clock=lambda: next(times)):
        for name in ("export", "judge", "export"):
            with timed(name):
                pass

        assert steps_taken() == [("export", 2, 3), ("judge", 1, 4)]


def test_a_step_within_a_step_is_a_part_of_it() -> None:
    times = clock(0, 9)
    with timing_steps(clock=lambda: next(times)), timed("outer"), timed("inner"):
        pass

    assert steps_taken() == []


def test_a_step_that_fails_is_timed_too() -> None:
    times = clock(0, 2)
    with timing_steps(clock=lambda: next(times)):
        with pytest.raises(ValueError, match="x"), timed("export"):
            raise ValueError("x")

        assert steps_taken() == [("export", 1, 2)]


def test_nothing_is_timed_unless_somebody_wants_to_know() -> None:
    with timed("export"):
        pass

    assert steps_taken() == []
