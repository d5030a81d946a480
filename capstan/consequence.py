"""What an answer, or a later failure, means for a message, its address, its wording and its channel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from capstan.delivery import Answer, Outcome
from capstan.delivery.codes import CODES, Action, CodeRule, next_try, rule_for
from capstan.message import MessageState

HELD = "held"
"""The rule of a message whose wording is held until somebody has looked at it."""

_LONGEST_BACKOFF = timedelta(minutes=5)
_FIRST_BACKOFF = timedelta(seconds=5)
_TOO_MANY_CALLS = CODES[20429]


@dataclass(frozen=True)
class Course:
    """What is known when it is decided.

    `alike` is how many attempts of this message came to the same code, this one included; `attempts` how
    many there were at all, of at most `max_attempts`; after `not_after` it is too late.
    """

    now: datetime
    not_after: datetime
    alike: int
    attempts: int
    max_attempts: int


@dataclass(frozen=True)
class Consequence:
    """What follows: the message's state, and the other things that change with it.

    `try_at` goes with PLANNED. `block` is the reason, a key of RULES, why the address gets nothing more.
    `slow_until` lets the sender go at a tenth of its rate, `pause_until` not at all. `failed` counts
    against the channel.
    """

    state: MessageState
    try_at: datetime | None = None
    rule: str = ""
    block: str = ""
    holds_wording: bool = False
    stops_channel: bool = False
    pause_until: datetime | None = None
    slow_until: datetime | None = None
    failed: bool = False


def after_answer(answer: Answer, course: Course) -> Consequence:
    """Say what follows from the answer to one attempt to send."""
    if answer.outcome is Outcome.ACCEPTED:
        return Consequence(MessageState.ACCEPTED)
    if answer.outcome is Outcome.UNKNOWN:
        return Consequence(MessageState.UNKNOWN)
    if answer.outcome is Outcome.HALT:
        # Certainly not taken, and not its own fault: it goes out once the channel is right again.
        return Consequence(MessageState.PLANNED, try_at=course.now, stops_channel=True, failed=True)
    if answer.outcome is Outcome.NOT_SENT:
        until = course.now + _backoff(course.alike, first=_FIRST_BACKOFF)
        return _in_time(Consequence(MessageState.PLANNED, try_at=until, pause_until=until), course)
    if answer.outcome is Outcome.THROTTLED:
        return _throttled(answer, course)
    return _follow(rule_for(answer.code, status=""), course, was_taken=False)


def after_failure(code: int, course: Course, *, status: str) -> Consequence:
    """Say what follows when a message that was accepted did not arrive; `status` is the provider's."""
    return _follow(rule_for(code, status=status), course, was_taken=True)


def _throttled(answer: Answer, course: Course) -> Consequence:
    known = rule_for(answer.code, status="")
    rule = known if known.action in (Action.RETRY, Action.LATER, Action.BUDGET) else _TOO_MANY_CALLS
    if rule.action is not Action.RETRY or course.alike > rule.retries:
        return _follow(rule, course, was_taken=False)
    asked = timedelta(seconds=answer.retry_after_seconds)
    until = course.now + max(asked, _backoff(course.alike, first=rule.wait))
    pause = until if rule.slows_channel else None
    return _in_time(Consequence(MessageState.PLANNED, try_at=until, pause_until=pause), course)


def _backoff(times: int, *, first: timedelta) -> timedelta:
    # Without jitter: after the pause the sender's clock spaces the workers anyway.
    return max(first, min(first * (1 << min(times - 1, 16)), _LONGEST_BACKOFF))


def _follow(rule: CodeRule, course: Course, *, was_taken: bool) -> Consequence:
    """Do what a rule asks; `was_taken` says that the provider had the message before it failed."""
    if rule.action in (Action.RETRY, Action.LATER, Action.BUDGET):
        return _try_again(rule, course, was_taken=was_taken)
    ends = {
        Action.BAD_ADDRESS: Consequence(MessageState.FAILED, block="bad_address", failed=True),
        Action.STOP: Consequence(MessageState.FAILED, block="opted_out", failed=True),
        Action.FIX: _held(was_taken=was_taken),
        Action.HALT: _halted(course, was_taken=was_taken),
        Action.ASK: Consequence(MessageState.REVIEW, failed=True),
        Action.EXPIRED: Consequence(MessageState.EXPIRED, failed=True),
        Action.NONE: Consequence(MessageState.FAILED, failed=True),
    }
    return ends[rule.action]


def _try_again(rule: CodeRule, course: Course, *, was_taken: bool) -> Consequence:
    until = next_try(rule, now=course.now)
    pause = until if rule.action is Action.BUDGET else None
    slow = until if rule.slows_channel and pause is None else None
    tries_left = not was_taken or course.attempts < course.max_attempts
    within = rule.action is Action.BUDGET or course.alike <= rule.retries
    if within and tries_left and until < course.not_after:
        return Consequence(
            MessageState.PLANNED, try_at=until, pause_until=pause, slow_until=slow, failed=True
        )
    if not within and rule.then is Action.ASK:
        return Consequence(MessageState.REVIEW, pause_until=pause, slow_until=slow, failed=True)
    end = MessageState.FAILED if was_taken else MessageState.EXPIRED
    return Consequence(end, pause_until=pause, slow_until=slow, failed=True)


def _held(*, was_taken: bool) -> Consequence:
    if was_taken:
        return Consequence(MessageState.FAILED, holds_wording=True, failed=True)
    # Nobody got it: a later plan may queue it again, with better words.
    return Consequence(MessageState.SUPPRESSED, rule=HELD, holds_wording=True, failed=True)


def _halted(course: Course, *, was_taken: bool) -> Consequence:
    if was_taken:
        return Consequence(MessageState.FAILED, stops_channel=True, failed=True)
    return Consequence(MessageState.PLANNED, try_at=course.now, stops_channel=True, failed=True)


def _in_time(wanted: Consequence, course: Course) -> Consequence:
    if wanted.try_at is not None and wanted.try_at < course.not_after:
        return wanted
    return Consequence(MessageState.EXPIRED, pause_until=wanted.pause_until)
