"""What follows from an answer beside its code's row: time that is over, pauses, and limits of the study."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from capstan.consequence import Consequence, Course, after_answer, after_failure
from capstan.delivery import Answer, Outcome
from capstan.delivery.codes import CODES, Action
from capstan.message import MessageState

NOW = datetime(2026, 11, 22, 10, 15, tzinfo=UTC)
AGAIN = [code for code, rule in CODES.items() if rule.action in (Action.RETRY, Action.LATER, Action.BUDGET)]


def course(*, alike: int = 1, attempts: int = 1, max_attempts: int = 9, hours: float = 24 * 9) -> Course:
    return Course(NOW, NOW + timedelta(hours=hours), alike, attempts, max_attempts)


@pytest.mark.parametrize("code", AGAIN)
def test_nothing_is_tried_again_once_its_time_is_over(code: int) -> None:
    known = course(hours=0)

    assert after_answer(Answer(Outcome.REJECTED, code=code), known).state == "expired"
    assert after_failure(code, known, status="undelivered").state == "failed"


@pytest.mark.parametrize("code", [code for code, rule in CODES.items() if rule.slows_channel])
def test_what_slows_the_channel_slows_the_sender(code: int) -> None:
    then = after_answer(Answer(Outcome.THROTTLED, code=code), course())

    assert (then.pause_until or then.slow_until) >= NOW + CODES[code].wait


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
