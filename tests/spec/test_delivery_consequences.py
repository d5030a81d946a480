"""From Twilio's answer to what follows, for every code of the table, at once and later."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from capstan.consequence import Consequence, Course, after_answer, after_failure
from capstan.delivery import Outcome
from capstan.delivery.codes import CODES, Action, CodeRule
from capstan.message import MessageState
from capstan.messaging.receipts import refusal

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
# HTTP statuses other than 400 under which Twilio gives a code.
STATUSES = {20003: 401, 20006: 403, 20008: 403, 20404: 404, 20429: 429, 21611: 429, 20500: 500, 20503: 503}
FAILS = {
    Action.BAD_ADDRESS: Consequence(MessageState.FAILED, block="bad_address", failed=True),
    Action.STOP: Consequence(MessageState.FAILED, block="opted_out", failed=True),
    Action.FIX: Consequence(MessageState.FAILED, holds_wording=True, failed=True),
    Action.HALT: Consequence(MessageState.FAILED, stops_channel=True, failed=True),
    Action.ASK: Consequence(MessageState.REVIEW, failed=True),
    Action.EXPIRED: Consequence(MessageState.EXPIRED, failed=True),
    Action.NONE: Consequence(MessageState.FAILED, failed=True),
}
TRIED_AGAIN = {code: rule for code, rule in CODES.items() if rule.action not in FAILS}
ENDING = {code: rule for code, rule in CODES.items() if rule.action in FAILS}


def course(*, alike: int = 1) -> Course:
    until = NOW + timedelta(days=7)
    return Course(NOW, not_after=until, alike=alike, attempts=alike, max_attempts=1000)


@pytest.mark.parametrize(("code", "rule"), ENDING.items())
def test_a_failure_that_comes_later_does_what_its_action_says(code: int, rule: CodeRule) -> None:
    found = after_failure(code, course(), status="failed")

    assert found == FAILS[rule.action]


@pytest.mark.parametrize(("code", "rule"), TRIED_AGAIN.items())
def test_what_may_be_tried_again_is_until_its_tries_are_used_up(code: int, rule: CodeRule) -> None:
    tries = [
        after_failure(code, course(alike=alike), status="undelivered") for alike in range(1, rule.retries + 2)
    ]

    assert {one.state for one in tries[: rule.retries]} <= {MessageState.PLANNED}
    assert all(one.try_at is not None and one.try_at > NOW for one in tries[: rule.retries])
    if rule.action is Action.BUDGET:
        assert tries[-1].pause_until == datetime(2026, 6, 2, 7, tzinfo=UTC)
    else:
        last = MessageState.REVIEW if rule.then is Action.ASK else MessageState.FAILED
        assert tries[-1].state is last


@pytest.mark.parametrize(("code", "rule"), CODES.items())
def test_a_refusal_at_once_does_what_its_action_says(code: int, rule: CodeRule) -> None:
    answer = refusal(STATUSES.get(code, 400), code=code, retry_after_seconds=0)
    found = after_answer(answer, course())

    assert answer.outcome is not Outcome.ACCEPTED
    assert found.stops_channel == (rule.action is Action.HALT)
    assert found.holds_wording == (rule.action is Action.FIX)
    assert found.block == FAILS.get(rule.action, Consequence(MessageState.PLANNED)).block
    assert found.state is state_at_once(rule.action, answer.outcome)


def state_at_once(action: Action, outcome: Outcome) -> MessageState:
    """Nobody got it, so it may go out later where it was not to blame, and a held one be planned anew."""
    if outcome is Outcome.UNKNOWN:
        return MessageState.UNKNOWN
    if action is Action.FIX:
        return MessageState.SUPPRESSED
    if action is Action.HALT or action not in FAILS:
        return MessageState.PLANNED
    return FAILS[action].state


def test_no_code_lets_a_message_go_out_again_at_once() -> None:
    later = [after_failure(code, course(), status="failed") for code in CODES]

    assert min(one.try_at for one in later if one.try_at) >= NOW + timedelta(seconds=1)
