"""Every code of the provider's leads to what its row of the table asks for, at once and later."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from capstan.consequence import Consequence, Course, after_answer, after_failure
from capstan.delivery import Answer, Outcome
from capstan.delivery_codes import CODES, Action
from capstan.message import MessageState

NOW = datetime(2026, 11, 22, 10, 15, tzinfo=UTC)
AGAIN = frozenset({Action.RETRY, Action.LATER, Action.BUDGET})
# What must be true of the consequence of each action that allows no further try.
ENDS = {
    Action.BAD_ADDRESS: lambda then: then.block == "bad_address" and then.state == "failed",
    Action.STOP: lambda then: then.block == "opted_out" and then.state == "failed",
    Action.FIX: lambda then: then.holds_wording and then.state in ("failed", "suppressed"),
    Action.HALT: lambda then: then.stops_channel and then.state in ("failed", "planned"),
    Action.ASK: lambda then: then.state == "review",
    Action.EXPIRED: lambda then: then.state == "expired",
    Action.NONE: lambda then: then.state == "failed",
}
ROWS = [pytest.param(code, rule, id=f"{code} {rule.action}") for code, rule in CODES.items()]


def course(*, alike: int = 1, attempts: int = 1, max_attempts: int = 9, hours: float = 24 * 9) -> Course:
    return Course(NOW, NOW + timedelta(hours=hours), alike, attempts, max_attempts)


def refused(code: int, known: Course) -> Consequence:
    return after_answer(Answer(Outcome.REJECTED, code=code), known)


@pytest.mark.parametrize(("code", "rule"), ROWS)
def test_a_refusal_does_what_its_row_says(code, rule) -> None:
    then = refused(code, course())

    if rule.action in AGAIN:
        assert then.state == "planned"
        assert then.try_at >= NOW + rule.wait
    else:
        assert ENDS[rule.action](then)


@pytest.mark.parametrize(("code", "rule"), ROWS)
@pytest.mark.parametrize("status", ["failed", "undelivered"])
def test_a_failed_delivery_does_what_its_row_says(code, rule, status) -> None:
    then = after_failure(code, course(), status=status)

    if rule.action in AGAIN:
        assert then.state == "planned"
        assert then.try_at >= NOW + rule.wait
    else:
        assert ENDS[rule.action](then)


@pytest.mark.parametrize(("code", "rule"), [row for row in ROWS if row.values[1].action is Action.LATER])
def test_retries_end_and_then_a_person_is_asked(code, rule) -> None:
    last = after_failure(code, course(alike=rule.retries), status="undelivered")
    over = after_failure(code, course(alike=rule.retries + 1), status="undelivered")

    assert (last.state, over.state) == ("planned", "review")


@pytest.mark.parametrize(("code", "rule"), [row for row in ROWS if row.values[1].action in AGAIN])
def test_nothing_is_tried_again_once_its_time_is_over(code, rule) -> None:
    known = course(hours=0)

    assert refused(code, known).state == "expired"
    assert after_failure(code, known, status="undelivered").state == "failed"


@pytest.mark.parametrize(("code", "rule"), [row for row in ROWS if row.values[1].slows_channel])
def test_what_slows_the_channel_slows_the_sender(code, rule) -> None:
    then = after_answer(Answer(Outcome.THROTTLED, code=code), course())

    assert (then.pause_until or then.slow_until) >= NOW + rule.wait


def test_a_study_that_allows_one_attempt_gets_no_second() -> None:
    then = after_failure(30003, course(attempts=1, max_attempts=1), status="undelivered")

    assert then.state is MessageState.FAILED


def test_an_unknown_code_of_a_failed_message_goes_to_a_person_and_an_undelivered_one_once_more() -> None:
    assert after_failure(39999, course(), status="failed").state == "review"
    assert after_failure(39999, course(), status="undelivered").state == "planned"
    assert after_failure(39999, course(alike=2), status="undelivered").state == "review"


def test_what_the_server_asks_to_wait_is_waited() -> None:
    then = after_answer(Answer(Outcome.THROTTLED, code=20429, retry_after_seconds=90), course())

    assert then.pause_until == NOW + timedelta(seconds=90)


def test_pauses_grow_but_never_beyond_five_minutes() -> None:
    waits = [
        (after_answer(Answer(Outcome.NOT_SENT), course(alike=alike)).try_at - NOW).total_seconds()
        for alike in (1, 2, 3, 99)
    ]

    assert waits == [5, 10, 20, 300]


def test_a_lost_answer_asks_for_nothing_but_to_find_out() -> None:
    assert after_answer(Answer(Outcome.UNKNOWN, code=20500), course()) == Consequence(MessageState.UNKNOWN)


def test_a_day_cap_waits_for_midnight_where_the_carriers_are() -> None:
    then = after_failure(30023, course(), status="undelivered")

    assert then.try_at == datetime(2026, 11, 23, 8, tzinfo=UTC)
    assert then.pause_until == then.try_at
