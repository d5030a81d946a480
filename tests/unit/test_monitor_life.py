"""The life of a wait: one step at a time, told once, and ended for ever."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capstan.monitors import Evidence, Standing, WaitState
from capstan.monitors.life import next_step
from capstan.study.monitors import Monitor

SINCE = datetime(2026, 7, 1, 9, 0, tzinfo=UTC)
RULE = {
    "id": "scan_data",
    "then": {"data": "archive"},
    "after": "48 hours",
    "remind": "24 hours",
    "escalate": {"after": "5 days", "to": ["pi"]},
    "give_up": "14 days",
    "notify": ["imaging"],
}
OPEN = Standing(WaitState.OPEN, SINCE)
ENDED = [state for state in WaitState if state.has_ended]


def rule(**changes: Any) -> Monitor:
    return Monitor.model_validate({name: value for name, value in (RULE | changes).items() if value})


def look(standing: Standing, *, hours: float, evidence: Evidence = Evidence.MISSING, **changes: Any) -> Any:
    return next_step(rule(**changes), standing, evidence=evidence, now=SINCE + timedelta(hours=hours))


def told(hours: float, state: WaitState = WaitState.REMINDED) -> Standing:
    return Standing(state, SINCE, SINCE + timedelta(hours=hours))


@pytest.mark.parametrize(
    ("standing", "hours", "state", "roles"),
    [
        (OPEN, 0, WaitState.OPEN, ()),
        (OPEN, 47.9, WaitState.OPEN, ()),
        (OPEN, 48, WaitState.REMINDED, ("imaging",)),
        (OPEN, 60, WaitState.REMINDED, ("imaging",)),
        (OPEN, 120, WaitState.ESCALATED, ("imaging", "pi")),
        (OPEN, 336, WaitState.GIVEN_UP, ("imaging", "pi")),
        (told(48), 71, WaitState.REMINDED, ()),
        (told(48), 72, WaitState.REMINDED, ("imaging",)),
        (told(119), 120, WaitState.ESCALATED, ("imaging", "pi")),
        (told(120, WaitState.ESCALATED), 143, WaitState.ESCALATED, ()),
        (told(120, WaitState.ESCALATED), 144, WaitState.ESCALATED, ("imaging", "pi")),
        (told(335, WaitState.ESCALATED), 336, WaitState.GIVEN_UP, ("imaging", "pi")),
    ],
)
def test_each_step_comes_at_its_time_and_tells_those_that_it_names(
    standing: Standing, hours: float, state: WaitState, roles: tuple[str, ...]
) -> None:
    step = look(standing, hours=hours)

    assert (step.standing.state, step.roles) == (state, roles)


@pytest.mark.parametrize("standing", [OPEN, told(48), told(120, WaitState.ESCALATED)])
@pytest.mark.parametrize(
    ("evidence", "state"),
    [(Evidence.THERE, WaitState.RESOLVED), (Evidence.NOT_EXPECTED, WaitState.DISMISSED)],
)
def test_what_is_there_or_will_not_come_ends_a_wait_without_a_word(
    standing: Standing, evidence: Evidence, state: WaitState
) -> None:
    step = look(standing, hours=500, evidence=evidence)

    assert (step.standing.state, step.roles) == (state, ())


@pytest.mark.parametrize("state", ENDED)
@pytest.mark.parametrize("evidence", list(Evidence))
def test_an_ended_wait_stays_as_it_is(state: WaitState, evidence: Evidence) -> None:
    ended = told(50, state)

    assert look(ended, hours=9999, evidence=evidence) == next_step(
        rule(), ended, evidence=Evidence.MISSING, now=SINCE
    )
    assert look(ended, hours=9999, evidence=evidence).standing == ended


def test_a_look_that_failed_tells_staff_instead_of_keeping_silent() -> None:
    assert look(OPEN, hours=48, evidence=Evidence.UNKNOWN).roles == ("imaging",)


def test_without_remind_and_escalate_staff_are_told_twice_at_the_beginning_and_at_the_end() -> None:
    at = [hours for hours, _ in walk(hours=range(400), remind=None, escalate=None)]

    assert at == [48, 336]


def test_a_server_that_was_down_past_every_step_tells_once_and_everybody() -> None:
    assert list(walk(hours=[1, 400, 401])) == [(400, ("imaging", "pi"))]


def test_a_wait_with_no_patience_is_told_at_its_first_look() -> None:
    job = {"job": {"flow": "compute_visit_dates", "within": "26 hours"}, "then": None, "after": None}

    assert look(OPEN, hours=0, **job).roles == ("imaging",)


def walk(*, hours: Any, **changes: Any) -> list[tuple[float, tuple[str, ...]]]:
    """Look at these hours, one after another; returns when somebody was told, and who."""
    standing, heard = OPEN, []
    for hour in hours:
        step = look(standing, hours=hour, **changes)
        standing = step.standing
        if step.roles:
            heard.append((hour, step.roles))
    return heard


LOOKS = st.lists(
    st.tuples(st.integers(0, 30), st.sampled_from([Evidence.MISSING, Evidence.UNKNOWN])), max_size=60
)


@given(LOOKS)
def test_nobody_is_told_twice_for_one_step_however_often_one_looks(
    gaps: list[tuple[int, Evidence]],
) -> None:
    """Two tellings are `remind` apart, unless one of them is the escalation or the end, which come once."""
    standing, hour, told_at = OPEN, 0, []
    for gap, evidence in gaps:
        hour += gap
        for _ in range(2):  # a second look at the same time finds nothing due
            step = look(standing, hours=hour, evidence=evidence)
            told_at += [(hour, step.standing.state)] if step.roles else []
            standing = step.standing

    assert len(set(told_at)) == len(told_at)
    assert sum(state is WaitState.GIVEN_UP for _, state in told_at) <= 1
    regular = [at for at, state in told_at if state is WaitState.REMINDED]
    assert all(later - earlier >= 24 for earlier, later in itertools.pairwise(regular))


@given(LOOKS)
def test_a_wait_never_goes_back_and_ends_once(gaps: list[tuple[int, Evidence]]) -> None:
    standing, hour, states = OPEN, 0, [WaitState.OPEN]
    for gap, evidence in gaps:
        hour += gap
        standing = look(standing, hours=hour, evidence=evidence).standing
        states.append(standing.state)

    order = [list(WaitState).index(state) for state in states]
    assert order == sorted(order)
    assert (states[-1] is WaitState.GIVEN_UP) == (hour >= 336 and len(gaps) > 0)


@given(st.integers(0, 2000))
def test_however_late_the_first_look_is_somebody_is_told_once_it_is_due(hour: int) -> None:
    assert bool(look(OPEN, hours=hour).roles) == (hour >= 48)
