"""Workers send each message once, at the sender's pace, whatever is killed, lost, late or stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from message_trials import CAPS, PATIENCE, ROOM, make_plan, open_store, run_trial
from trial_twilio import serving_twilio

from capstan.delivery import Answer, Channel, Outcome
from capstan.errors import MessagingUnavailable
from capstan.message import MessageState
from capstan.messaging import Listed, Mail
from capstan.store import (
    Claimed,
    Pace,
    Store,
    count_messages,
    list_messages,
    queue_messages,
    stop_channel,
)
from tasks.messages.reconciling import Listing, reconcile
from tasks.messages.senders import LetterSender
from tasks.messages.sending import Clock, Line, send_waiting
from tasks.messages.turns import wait_for_turn

RATE = 10
ACCEPTED = Answer(Outcome.ACCEPTED, status="queued")


class Time:
    """A clock that passes only while somebody sleeps; `oversleeps` by so many seconds, one for each sleep."""

    def __init__(self, *oversleeps: float) -> None:
        self.at, self._late = datetime.now(UTC) + timedelta(seconds=1), list(oversleeps)

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        late = self._late.pop(0) if seconds and self._late else 0
        self.at += timedelta(seconds=seconds + late)


class Post:
    """Takes every message, or answers what a test says."""

    def __init__(self, clock: Time, answer: Callable[[Claimed], Answer] | None = None) -> None:
        self.sent: list[tuple[datetime, Claimed]] = []
        self._clock, self._answer = clock, answer

    def send(self, claimed: Claimed, *, now: datetime) -> Answer:
        self.sent.append((self._clock.now(), claimed))
        if self._answer:
            return self._answer(claimed)
        return Answer(Outcome.ACCEPTED, sid=f"SM{len(self.sent)}", status="queued")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


def line(store: Store, post: Post, clock: Time, *, messages: int) -> Line:
    queue_messages(store, make_plan(messages), room=ROOM, run="run-1", now=clock.now())
    pace = Pace("sms:+15005550006", RATE)
    return Line(store, ROOM, Channel.SMS, pace, CAPS, post, Clock(clock.now, clock.sleep))


class MailDesk:
    """Takes every letter but the very first, which it greylists."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    def send(self, mail: Mail) -> Answer:
        self.ids.append(mail.id)
        if len(self.ids) == 1:
            return Answer(Outcome.THROTTLED, code=451)
        return Answer(Outcome.ACCEPTED, sid=mail.id, status="sent")


def unknown(store: Store, messages: int = 1) -> datetime:
    """Messages whose answer was lost; returns a moment at which nothing more may come of them."""
    clock = Time()
    send_waiting(line(store, Post(clock, lambda _: Answer(Outcome.UNKNOWN)), clock, messages=messages))
    return clock.now() + timedelta(minutes=3)


def settle(store: Store, now: datetime, listing: Listing | None) -> dict[MessageState, int]:
    known = {"channel": Channel.SMS, "listing": listing, "patience": PATIENCE}
    reconcile(store, ROOM, now=now, **known)
    return count_messages(store, study=ROOM.study)


def listed(sid: str, text: str, at: datetime) -> Listed:
    return Listed(sid, text, "queued", 0, at)


# Many more by hand: python tests/flows/message_trials.py 20
def test_nothing_is_sent_twice_or_lost_when_workers_are_killed_and_answers_go_missing(tmp_path: Path) -> None:
    seed = datetime.now(UTC).toordinal()
    with serving_twilio() as twilio:
        trial = run_trial(seed, twilio=twilio, messages=20, folder=tmp_path, workers=2, most_kills=3, rate=10)

    assert (trial.killed, trial.twice, trial.missing, trial.in_review) == (3, 0, 0, 0)


def test_one_worker_sends_everything_at_the_pace(store: Store) -> None:
    clock = Time()
    post = Post(clock)
    counts = send_waiting(line(store, post, clock, messages=40))

    times = [at for at, _ in post.sent]
    gaps = [late - early for early, late in zip(times, times[RATE:], strict=False)]
    assert counts == {MessageState.ACCEPTED: 40}
    assert min(gaps) >= timedelta(seconds=1)
    assert 39 / (times[-1] - times[0]).total_seconds() >= 0.95 * RATE


def test_a_message_whose_slot_was_missed_waits_for_another_one(store: Store) -> None:
    clock = Time(0.5)
    post = Post(clock)
    send_waiting(line(store, post, clock, messages=1))

    (sent,) = post.sent
    assert sent[0] == sent[1].send_at
    assert list_messages(store)[0].attempts == 2


def test_a_message_whose_slot_is_far_away_by_a_clock_put_back_waits_for_another_one(store: Store) -> None:
    clock, first = Time(), list[datetime]()
    clock.at += timedelta(hours=2)

    def put_back(seconds: float) -> None:
        if seconds and not first:
            first.append(clock.at)
            clock.at -= timedelta(hours=1)
        clock.sleep(seconds)

    post = Post(clock)
    send_waiting(replace(line(store, post, clock, messages=1), clock=Clock(clock.now, put_back)))

    (sent,) = post.sent
    assert first[0] - sent[0] > timedelta(minutes=59)
    assert list_messages(store)[0].attempts == 2


def test_the_switch_stops_the_very_next_message(store: Store) -> None:
    clock = Time()

    def stopped_after_three(_: Claimed) -> Answer:
        if len(post.sent) == 3:
            stop_channel(store, ROOM, channel=None, reason="a wrong text", by="Ann", now=clock.now())
        return Answer(Outcome.ACCEPTED, sid=f"SM{len(post.sent)}")

    post = Post(clock, stopped_after_three)
    send_waiting(line(store, post, clock, messages=10))

    assert len(post.sent) == 3


def test_an_error_on_the_way_leaves_the_message_unknown(store: Store) -> None:
    clock = Time()

    def broken(_: Claimed) -> Answer:
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        send_waiting(line(store, Post(clock, broken), clock, messages=1))

    assert count_messages(store, study=ROOM.study) == {MessageState.UNKNOWN: 1}


def test_a_worker_leaves_what_may_not_go_for_long(store: Store) -> None:
    clock = Time()
    throttled = Post(clock, lambda _: Answer(Outcome.THROTTLED, code=20429, retry_after_seconds=3600))
    send_waiting(line(store, throttled, clock, messages=2))

    assert len(throttled.sent) == 1
    assert count_messages(store, study=ROOM.study) == {MessageState.PLANNED: 2}


def test_a_message_that_the_provider_lists_is_accepted(store: Store) -> None:
    now = unknown(store)

    assert settle(store, now, lambda to, since: [listed("SM1", "Visit 0", now)]) == {"accepted": 1}


def test_other_texts_and_messages_that_are_owned_prove_nothing(store: Store) -> None:
    now = unknown(store)
    found = settle(store, now, lambda to, since: [listed("SM1", "Visit 9", now)])
    again = settle(store, now + timedelta(minutes=1), lambda to, since: [])

    assert (found, again) == ({"unknown": 1}, {"planned": 1})


def test_a_provider_that_cannot_be_asked_proves_nothing(store: Store) -> None:
    now = unknown(store)

    def silent(to: str, since: datetime) -> list[Listed]:
        raise MessagingUnavailable("no answer")

    for minutes in range(3):
        assert settle(store, now + timedelta(minutes=minutes), silent) == {"unknown": 1}


def test_one_bad_answer_does_not_keep_others_from_being_found(store: Store) -> None:
    now = unknown(store, messages=2)
    asked = []

    def halting(to: str, since: datetime) -> list[Listed]:
        asked.append(to)
        if len(asked) == 1:
            raise MessagingUnavailable("no answer")
        return [listed("SM1", "Visit 1", now)]

    assert settle(store, now, halting) == {"unknown": 1, "accepted": 1}


def test_a_provider_that_is_down_is_not_asked_for_everything(store: Store) -> None:
    now = unknown(store, messages=9)
    asked = []

    def down(to: str, since: datetime) -> list[Listed]:
        asked.append(to)
        raise MessagingUnavailable("no answer")

    settle(store, now, down)

    assert len(asked) == 3


def test_all_attempts_of_a_letter_have_one_message_id(store: Store) -> None:
    clock, desk = Time(), MailDesk()
    letters = make_plan(1).assign(channel="email", address="ann@example.org", segments="0")
    queue_messages(store, letters, room=ROOM, run="run-1", now=clock.now())
    pace = Pace("email:trial@study.org", RATE)
    sending = Line(store, ROOM, Channel.EMAIL, pace, CAPS, LetterSender(desk), Clock(clock.now, clock.sleep))
    send_waiting(sending, patience=timedelta(hours=1))

    first, second = desk.ids
    assert first == second


def test_where_nothing_can_be_listed_a_person_decides(store: Store) -> None:
    assert settle(store, unknown(store), None) == {"review": 1}


def test_what_is_no_message_takes_its_turn_between_those_that_are(store: Store) -> None:
    clock, pace = Time(), Pace("sms:+15005550006", 1)
    post = Post(clock)
    first = wait_for_turn(store, pace, name="notice", segments=1, clock=Clock(clock.now, clock.sleep))
    queue_messages(store, make_plan(1), room=ROOM, run="run-1", now=clock.now())
    sending = Line(store, ROOM, Channel.SMS, pace, CAPS, post, Clock(clock.now, clock.sleep))
    send_waiting(sending)
    last = wait_for_turn(store, pace, name="other", segments=1, clock=Clock(clock.now, clock.sleep))

    times = [first, post.sent[0][0], last]
    assert all(time is not None for time in times)
    assert all(late - early >= timedelta(seconds=1) for early, late in pairwise(times))  # type: ignore[operator]


def test_a_notice_does_not_wait_for_a_sender_that_rests(store: Store) -> None:
    clock, pace = Time(), Pace("sms:+15005550006", 0.01)
    turns = [
        wait_for_turn(store, pace, name=name, segments=1, clock=Clock(clock.now, clock.sleep))
        for name in ("first", "then")
    ]

    assert turns[0] is not None
    assert turns[1] is None
