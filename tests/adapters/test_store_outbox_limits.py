"""No second, participant, day, budget or run gets more messages than it may, whoever sends them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from outbox_cases import FREE, NOW, ROOM, SENDER, accept, answer, claim, planned, queue, state_of
from store_cases import open_store

from capstan.contact import OpenHours
from capstan.delivery import Channel, Outcome
from capstan.store import (
    Caps,
    Claimed,
    Pace,
    Store,
    Wait,
    give_back,
    list_messages,
    list_stops,
    read_message,
    record_event,
    resume_channel,
)

HOURS = OpenHours(9 * 60, 20 * 60, frozenset(), frozenset())


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


def send_all(store: Store, pace: Pace, *, workers: int, seed: int, caps: Caps = FREE) -> list[datetime]:
    """Let workers of irregular speed send everything on a clock of their own; returns when each was sent."""
    chance, sent = random.Random(seed), []
    free_at = [NOW] * workers
    while True:
        worker = min(range(workers), key=lambda number: free_at[number])
        now = free_at[worker]
        step = claim(store, now, pace=pace, caps=caps)
        if step is None:
            return sent
        if isinstance(step, Wait):
            free_at[worker] = max(step.until, now + timedelta(milliseconds=1))
            continue
        late = timedelta(milliseconds=chance.choice([0, 0, 0, 0, 5, 30]))
        sent.append(step.send_at + late)
        told = {"sid": f"SM{len(sent)}", "status": "queued", "left_at": sent[-1]}
        answer(store, step, Outcome.ACCEPTED, **told)
        free_at[worker] = step.send_at + late + timedelta(milliseconds=chance.uniform(1, 40))


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("rate", [1, 3, 15])
def test_no_second_holds_more_than_the_rate_which_is_nearly_reached(
    store: Store, rate: int, workers: int
) -> None:
    count = rate * 6
    queue(store, planned(count))
    sent = sorted(send_all(store, Pace(SENDER, rate), workers=workers, seed=rate))

    gaps = [late - early for early, late in zip(sent, sent[rate:], strict=False)]
    assert min(gaps) >= timedelta(seconds=1)
    assert (count - 1) / (sent[-1] - sent[0]).total_seconds() >= 0.95 * rate


def test_long_messages_take_as_many_slots_as_they_have_segments(store: Store) -> None:
    queue(store, planned(2, segments="3"))
    first, then = (claim(store, pace=Pace(SENDER, 30, share=1)) for _ in range(2))

    assert isinstance(first, Claimed)
    assert isinstance(then, Claimed)
    assert then.send_at - first.send_at == timedelta(milliseconds=100)


def test_two_studies_with_one_sender_share_its_clock(store: Store) -> None:
    other = ROOM._replace(study="other")
    queue(store, planned())
    queue(store, planned(), run="run-2", room=other)
    pace = Pace(SENDER, 1, share=1)
    first, then = claim(store, pace=pace), claim(store, pace=pace, room=other)

    assert isinstance(first, Claimed)
    assert isinstance(then, Wait)
    assert NOW < then.until < NOW + timedelta(seconds=1)


def test_a_participant_gets_no_more_a_day_than_the_study_allows(store: Store) -> None:
    for occasion in ("a", "b", "c"):
        queue(store, planned(occasion=occasion, address=f"+1206555000{occasion == 'a'}"))
    caps = Caps(participant_per_day=2, minutes_between=0)
    taken = [claim(store, NOW + timedelta(seconds=second), caps=caps) for second in range(3)]

    assert [type(one) for one in taken] == [Claimed, Claimed, Wait]
    assert taken[2].until == NOW + timedelta(days=1)


def test_two_participants_with_one_phone_share_its_limit(store: Store) -> None:
    queue(store, planned(3, address="+12065550100"))
    caps = Caps(participant_per_day=2, minutes_between=0)
    taken = [claim(store, NOW + timedelta(seconds=second), caps=caps) for second in range(3)]

    assert [type(one) for one in taken] == [Claimed, Claimed, Wait]


def test_nobody_gets_the_same_text_a_third_time_within_a_day(store: Store) -> None:
    for occasion in ("a", "b", "c"):
        queue(store, planned(occasion=occasion))
    queue(store, planned(occasion="d", text="Other words."))
    taken = [accept(store, f"SM{second}", NOW + timedelta(seconds=second)) for second in range(3)]

    assert [one.content.occasion for one in taken] == ["a", "b", "d"]
    assert claim(store, NOW + timedelta(seconds=3)) == Wait(NOW + timedelta(days=1))


def test_a_text_that_did_not_arrive_is_no_repetition(store: Store) -> None:
    for occasion in ("a", "b", "c"):
        queue(store, planned(occasion=occasion))
    accept(store, "SM0")
    failed = {"status": "undelivered", "code": 30008, "at": NOW, "now": NOW}
    record_event(store, attempt="", sid="SM0", **failed)
    later = [accept(store, f"SM{second}", NOW + timedelta(seconds=second)) for second in (1, 2)]

    assert [one.content.occasion for one in later] == ["b", "c"]


def test_messages_to_one_participant_keep_their_distance(store: Store) -> None:
    queue(store, planned(occasion="a"))
    queue(store, planned(occasion="b"))
    caps = Caps(minutes_between=30)
    claim(store, caps=caps)

    assert claim(store, caps=caps) == Wait(NOW + timedelta(minutes=30))
    assert isinstance(claim(store, NOW + timedelta(minutes=30), caps=caps), Claimed)


def test_what_a_limit_puts_off_beyond_its_time_is_suppressed_with_the_rule(store: Store) -> None:
    end = NOW + timedelta(hours=2)
    queue(store, planned(occasion="a"))
    queue(store, planned(occasion="b", not_after=end.strftime("%Y-%m-%dT%H:%M:%SZ")))
    accept(store, caps=Caps(participant_per_day=1))

    assert claim(store, NOW + timedelta(hours=1), caps=Caps(participant_per_day=1)) is None
    assert read_message(store, 2)[0].rule == "cap_day_participant"


def test_nothing_goes_out_at_night_where_the_participant_is(store: Store) -> None:
    queue(store, planned())
    caps = Caps(hours=HOURS)

    # 10:15 in UTC is 2:15 in the night there.
    assert claim(store, caps=caps) == Wait(datetime(2026, 11, 22, 17, tzinfo=UTC))
    assert isinstance(claim(store, datetime(2026, 11, 22, 17, tzinfo=UTC), caps=caps), Claimed)


def test_a_text_does_not_start_when_its_hours_close_within_a_minute(store: Store) -> None:
    queue(store, planned(2, zones="America/Los_Angeles America/New_York"))
    caps = Caps(hours=HOURS)
    # 20:00 in New York, by when the phones must have it.
    closes = datetime(2026, 11, 23, 1, tzinfo=UTC)
    in_time = claim(store, closes - timedelta(minutes=1), caps=caps)
    late = claim(store, closes - timedelta(seconds=59), caps=caps)

    assert isinstance(in_time, Claimed)
    assert late == Wait(datetime(2026, 11, 23, 17, tzinfo=UTC))


def test_a_letter_may_start_until_its_hours_close(store: Store) -> None:
    queue(store, planned(channel="email", address="a@example.org"))
    late = datetime(2026, 11, 23, 3, 59, 59, tzinfo=UTC)

    assert isinstance(claim(store, late, channel=Channel.EMAIL, caps=Caps(hours=HOURS)), Claimed)


def test_a_study_sends_no_more_a_day_than_it_may(store: Store) -> None:
    queue(store, planned(3))
    caps = Caps(per_day=2)
    taken = [claim(store, NOW + timedelta(seconds=second), caps=caps) for second in range(3)]

    assert taken[2] == Wait(NOW + timedelta(days=1))
    assert isinstance(claim(store, caps=Caps(per_day=0)), Wait)


def test_a_run_sends_no_more_than_it_may(store: Store) -> None:
    queue(store, planned(2))
    queue(store, planned(message="other"), run="run-2")
    names = [claim(store, caps=Caps(per_run=1, minutes_between=0)) for _ in range(3)]

    assert [one.message.name for one in names if isinstance(one, Claimed)] == ["reminder", "other"]


def test_a_budget_holds_until_the_next_month(store: Store) -> None:
    queue(store, planned(3, segments="2"))
    began = datetime(2026, 11, 1, tzinfo=UTC)
    caps = Caps(budget_per_month=0.03, price_per_segment=0.01, month_began=began)
    taken = [claim(store, NOW + timedelta(seconds=second), caps=caps) for second in range(3)]

    assert taken[2] == Wait(datetime(2026, 12, 1, tzinfo=UTC))


def test_a_channel_whose_messages_fail_too_often_stops_until_somebody_has_looked(store: Store) -> None:
    queue(store, planned(40))
    for number in range(20):
        accept(store, f"SM{number}")
        status, code = ("undelivered", 30005) if number % 4 == 0 else ("delivered", 0)
        told = {"status": status, "code": code, "at": NOW, "now": NOW}
        record_event(store, attempt="", sid=f"SM{number}", **told)
    stopped = claim(store)
    reasons = [stop.reason for stop in list_stops(store, ROOM)]
    resume_channel(store, ROOM, channel=Channel.SMS, by="Ann", now=NOW + timedelta(seconds=1))

    assert (stopped, reasons) == (None, ["more messages failed than the study allows"])
    assert isinstance(claim(store, NOW + timedelta(seconds=2)), Claimed)


def test_three_filtered_texts_stop_the_channel_and_one_holds_its_wording(store: Store) -> None:
    for name in ("first", "second", "third", "fourth"):
        queue(store, planned(message=name))
    stopped = []
    for number in range(3):
        accept(store, f"SM{number}", NOW + timedelta(seconds=number))
        told = {"status": "undelivered", "code": 30007, "at": NOW, "now": NOW + timedelta(seconds=number)}
        record_event(store, attempt="", sid=f"SM{number}", **told)
        stopped.append({stop.name for stop in list_stops(store, ROOM)})

    assert stopped == [{"first"}, {"first", "second"}, {"first", "second", "third", ""}]
    assert claim(store, NOW + timedelta(minutes=1)) is None


def test_texts_that_were_filtered_before_the_channel_went_on_do_not_stop_it_again(store: Store) -> None:
    for name in ("first", "second", "third", "fourth"):
        queue(store, planned(message=name))
    for number in range(4):
        now = NOW + timedelta(seconds=number)
        accept(store, f"SM{number}", now)
        told = {"status": "undelivered", "code": 30007, "at": now, "now": now}
        record_event(store, attempt="", sid=f"SM{number}", **told)
        resume_channel(store, ROOM, channel=Channel.SMS, by="Ann", now=now + timedelta(milliseconds=500))

    assert {stop.name for stop in list_stops(store, ROOM)} == {"first", "second", "third", "fourth"}


def test_a_limit_on_one_participant_does_not_hold_up_the_others(store: Store) -> None:
    for number in range(60):
        queue(store, planned(occasion=str(number)))
    queue(store, planned(2).iloc[[1]])
    caps = Caps(participant_per_day=1, minutes_between=0)
    taken = []
    while (step := claim(store, caps=caps)) and not (isinstance(step, Wait) and step.until > NOW):
        taken.append(step)

    assert [one.content.record for one in taken if isinstance(one, Claimed)] == ["000", "001"]
    assert {str(one.state) for one in list_messages(store)} == {"planned", "claimed"}


def test_a_sender_that_is_told_to_rest_rests(store: Store) -> None:
    queue(store, planned(2))
    answer(store, claim(store), Outcome.THROTTLED, code=20429, retry_after_seconds=7)
    wait = claim(store)

    assert isinstance(wait, Wait)
    assert NOW + timedelta(seconds=6) < wait.until <= NOW + timedelta(seconds=7)
    assert state_of(store) == "planned"


def test_what_leaves_late_holds_up_only_what_follows_a_second_later(store: Store) -> None:
    queue(store, planned(5))
    pace, late = Pace(SENDER, 4), timedelta(milliseconds=150)
    steps = [claim(store, NOW + timedelta(milliseconds=258 * number), pace=pace) for number in range(4)]
    for step, delay in zip(steps, (late, *[timedelta(0)] * 3), strict=True):
        assert isinstance(step, Claimed)
        answer(store, step, Outcome.ACCEPTED, sid=step.id, left_at=step.send_at + delay)

    fifth = claim(store, NOW + timedelta(seconds=1), pace=pace)

    assert isinstance(fifth, Claimed)
    begins = [step.send_at - NOW for step in steps]
    assert begins == sorted(begins)
    assert begins[-1] < timedelta(seconds=0.8)
    assert fifth.send_at - steps[0].send_at == timedelta(seconds=1.02) + late


def test_a_message_that_may_still_leave_counts_at_its_latest_moment(store: Store) -> None:
    queue(store, planned(2))
    first = claim(store, pace=Pace(SENDER, 1))
    then = claim(store, NOW + timedelta(seconds=1), pace=Pace(SENDER, 1))

    assert isinstance(first, Claimed)
    assert isinstance(then, Claimed)
    assert then.send_at == first.slot.latest + timedelta(seconds=1.02)


def test_a_slot_that_is_given_back_is_used_by_others(store: Store) -> None:
    queue(store, planned(2))
    given = claim(store, pace=Pace(SENDER, 1))
    assert isinstance(given, Claimed)
    give_back(store, given, now=NOW)

    then = claim(store, pace=Pace(SENDER, 1))

    assert isinstance(then, Claimed)
    assert then.send_at == given.send_at


@pytest.mark.parametrize("rate", [0.5, 1, 3.75, 10, 100])
def test_however_late_messages_leave_no_second_holds_more_than_the_rate(store: Store, rate: float) -> None:
    queue(store, planned(30))
    pace, chance, sent = Pace(SENDER, rate), random.Random(7), []
    now = NOW
    while not isinstance(step := claim(store, now, pace=pace), Wait | None) or step:
        if isinstance(step, Wait):
            now = step.until
            continue
        left = max(step.send_at, now) + timedelta(seconds=chance.choice([0, 0.01, 0.19, 1.5]))
        sent.append(left)
        answer(store, step, Outcome.ACCEPTED, left, sid=step.id, left_at=left)
        now = max(now, left)

    most, period = pace.most, timedelta(seconds=pace.period_seconds)
    assert len(sent) == 30
    assert all(later - early >= period for early, later in zip(sent, sent[most:], strict=False))


def test_a_clock_that_was_put_back_stops_nobody(store: Store) -> None:
    queue(store, planned(2))
    accept(store, now=NOW + timedelta(hours=5))

    assert claim(store, pace=Pace(SENDER, 1)) == Wait(NOW + timedelta(seconds=0.75))
    assert isinstance(claim(store, NOW + timedelta(seconds=1), pace=Pace(SENDER, 1)), Claimed)
