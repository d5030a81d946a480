"""A message is queued once, claimed by one worker, and moved by answers and events, never backwards."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from outbox_cases import END, FREE, NOW, ROOM, accept, answer, claim, planned, queue, state_of
from pydantic import SecretStr
from store_cases import bytes_on_disk, open_store

from capstan.delivery import Channel, Outcome
from capstan.errors import Refused, StoreError, UsageError
from capstan.message import MessageState
from capstan.store import (
    Claimed,
    KeyRing,
    Patience,
    Store,
    Wait,
    asked_for,
    block_address,
    cancel_message,
    close_silent,
    due_for_check,
    due_for_writing,
    expire_messages,
    give_back,
    is_blocked,
    list_messages,
    list_stops,
    load_keys,
    purge,
    read_history,
    read_message,
    record_event,
    resume_channel,
    settle_review,
    settle_unknown,
    stop_channel,
    sweep_claims,
    unblock_address,
    unknown_tries,
    written_back,
)

SPAWN = multiprocessing.get_context("spawn")
NOBODY = Patience(timedelta(minutes=2), timedelta(minutes=1))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


def event(store: Store, status: str, *, attempt: str = "", sid: str = "SM1", code: int = 0, now=NOW) -> bool:
    return record_event(store, attempt=attempt, sid=sid, status=status, code=code, at=now, now=now)


def test_the_same_plan_queued_again_adds_nothing(store: Store) -> None:
    first = queue(store, planned(3))
    again = queue(store, planned(3), run="run-2")

    assert (first, again) == ((3, 0, 0), (0, 3, 0))


def test_another_occasion_of_the_same_message_is_another_contact(store: Store) -> None:
    queue(store, planned())

    assert queue(store, planned(occasion="12 month")).added == 1


def test_another_text_or_number_is_the_same_contact(store: Store) -> None:
    queue(store, planned())

    assert queue(store, planned(text="Other words", address="+12065559999")).known == 1


def test_a_suppressed_message_is_kept_with_its_rule_until_a_plan_finds_nothing_against_it(
    store: Store,
) -> None:
    first = queue(store, planned(rule="no_consent"))
    rule = read_message(store, 1)[0].rule
    again = queue(store, planned(), run="run-2")

    assert (first, rule, again) == ((0, 0, 1), "no_consent", (1, 0, 0))
    assert state_of(store) == "planned"


def test_a_later_reason_does_not_take_back_what_was_planned(store: Store) -> None:
    queue(store, planned())
    queue(store, planned(rule="no_consent"), run="run-2")

    assert state_of(store) == "planned"


def test_nothing_that_identifies_is_readable_on_disk(store: Store, tmp_path: Path) -> None:
    plan = planned(record="Rec-4711", address="+12065550147", text="Planted words", occasion="Planted day")
    queue(store, plan)
    block_address(store, Channel.EMAIL, address="planted@example.org", reason="opted_out", by="Ann", now=NOW)

    found = bytes_on_disk(tmp_path)
    assert not [word for word in (b"Rec-4711", b"2065550147", b"Planted", b"planted@") if word in found]


def test_a_claim_shows_nothing_that_identifies(store: Store) -> None:
    queue(store, planned(address="+12065550147", record="Rec-4711", text="Planted"))

    shown = repr(claim(store))
    assert not [word for word in ("2065550147", "Rec-4711", "Planted") if word in shown]


def test_a_message_is_claimed_once(store: Store) -> None:
    queue(store, planned())

    assert isinstance(claim(store), Claimed)
    assert claim(store) is None


def test_no_message_is_claimed_before_its_time_or_after_it(store: Store) -> None:
    queue(store, planned())

    assert claim(store, NOW - timedelta(minutes=1)) == Wait(NOW.replace(microsecond=0))
    assert claim(store, END) is None


def test_what_is_too_late_expires(store: Store) -> None:
    queue(store, planned())

    assert expire_messages(store, ROOM, now=END) == 1
    assert state_of(store) == "expired"


@pytest.mark.parametrize(
    ("outcome", "told", "state"),
    [
        (Outcome.ACCEPTED, {"sid": "SM1", "status": "queued"}, "accepted"),
        (Outcome.UNKNOWN, {}, "unknown"),
        (Outcome.THROTTLED, {"code": 20429}, "planned"),
        (Outcome.NOT_SENT, {}, "planned"),
        (Outcome.HALT, {"code": 20003}, "planned"),
        (Outcome.REJECTED, {"code": 21211}, "failed"),
        (Outcome.REJECTED, {"code": 21617}, "suppressed"),
        (Outcome.REJECTED, {"code": 21408}, "review"),
    ],
)
def test_each_outcome_leads_to_its_state(store: Store, outcome: Outcome, told: dict, state: str) -> None:
    queue(store, planned())

    assert answer(store, claim(store), outcome, **told) == state


def test_a_certain_failure_gives_the_run_its_send_back(store: Store) -> None:
    queue(store, planned())
    answer(store, claim(store), Outcome.THROTTLED, code=20429)

    assert isinstance(claim(store, NOW + timedelta(minutes=1)), Claimed)


def test_throttled_calls_wait_longer_each_time(store: Store) -> None:
    queue(store, planned())
    waits, now = [], NOW
    for _ in range(4):
        answer(store, claim(store, now), Outcome.THROTTLED, now, code=20429)
        later = read_message(store, 1)[0].not_before
        waits.append((later - now).total_seconds())
        now = later

    assert waits == [1, 2, 4, 8]


def test_a_full_queue_slows_the_sender_to_a_tenth(store: Store) -> None:
    queue(store, planned(4))
    answer(store, claim(store), Outcome.THROTTLED, code=21611)
    first = claim(store, NOW + timedelta(seconds=1))
    then = claim(store, NOW + timedelta(seconds=1))

    assert isinstance(first, Claimed)
    assert isinstance(then, Claimed)
    assert 0.009 < (then.send_at - first.send_at).total_seconds() < 0.012


def test_an_opt_out_blocks_the_address_and_all_that_waits_for_it(store: Store) -> None:
    queue(store, planned(address="+12065550100"))
    queue(store, planned(address="+12065550100", occasion="12 month"))
    answer(store, claim(store), Outcome.REJECTED, code=21610)

    assert is_blocked(store, Channel.SMS, address="+12065550100") == "opted_out"
    assert [message.state for message in list_messages(store)] == ["suppressed", "failed"]
    assert queue(store, planned(address="+12065550100", occasion="18 month")).suppressed == 1


def test_a_lifted_block_lets_the_next_plan_through(store: Store) -> None:
    block_address(store, Channel.SMS, address="+12065550000", reason="opted_out", by="", now=NOW)
    queue(store, planned())
    unblock_address(store, Channel.SMS, address="+12065550000", by="Ann", now=NOW)

    assert is_blocked(store, Channel.SMS, address="+12065550000") == ""
    assert queue(store, planned(), run="run-2").added == 1


def test_mail_addresses_are_the_same_in_capitals(store: Store) -> None:
    block_address(store, Channel.EMAIL, address="Zoe@Example.org", reason="opted_out", by="", now=NOW)

    assert is_blocked(store, Channel.EMAIL, address="zoe@example.org") == "opted_out"


def test_a_stopped_channel_gives_nothing_until_it_is_resumed(store: Store) -> None:
    queue(store, planned())
    stop_channel(store, ROOM, channel=Channel.SMS, reason="an error in the text", by="Ann", now=NOW)
    while_stopped = claim(store)
    resume_channel(store, ROOM, channel=Channel.SMS, by="Ann", now=NOW)

    assert while_stopped is None
    assert isinstance(claim(store), Claimed)


def test_the_main_switch_stops_every_channel(store: Store) -> None:
    queue(store, planned())
    stop_channel(store, ROOM, channel=None, reason="", by="Ann", now=NOW)

    assert claim(store) is None


def test_a_wrong_account_stops_the_channel_and_says_why(store: Store) -> None:
    queue(store, planned(2))
    answer(store, claim(store), Outcome.HALT, code=20003)

    (stop,) = list_stops(store, ROOM)
    assert (stop.channel, stop.name, "20003" in stop.reason) == ("sms", "", True)
    assert claim(store) is None


def test_a_refused_wording_is_held_and_a_later_plan_may_queue_it_again(store: Store) -> None:
    queue(store, planned(2))
    answer(store, claim(store), Outcome.REJECTED, code=21617)
    held = [message.state for message in list_messages(store)]
    resume_channel(store, ROOM, channel=Channel.SMS, by="Ann", now=NOW, name="reminder")

    assert held == ["suppressed", "suppressed"]
    assert queue(store, planned(2, text="Shorter"), run="run-2").added == 2


def test_a_run_that_would_send_more_than_it_announced_stops_its_channel(store: Store) -> None:
    queue(store, planned(2))
    accept(store)
    accept(store, "SM2")
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE message SET state = 'planned'")

    assert claim(store) is None
    assert "announced" in list_stops(store, ROOM)[0].reason


def test_events_come_in_any_order_and_more_than_once(store: Store) -> None:
    queue(store, planned())
    claimed = accept(store)
    told = [
        event(store, status, attempt=claimed.id) for status in ("delivered", "sent", "delivered", "queued")
    ]

    assert told == [True, True, False, True]
    assert state_of(store) == "delivered"


def test_a_callback_before_the_answer_is_kept_and_the_lost_answer_does_no_harm(store: Store) -> None:
    queue(store, planned())
    claimed = claim(store)
    event(store, "sent", attempt=claimed.id)

    assert answer(store, claimed, Outcome.UNKNOWN) == "accepted"
    assert read_message(store, 1)[1][0].sid == "SM1"


def test_an_event_that_names_only_the_provider_id_waits_for_it(store: Store) -> None:
    queue(store, planned())
    event(store, "delivered")
    accept(store)

    assert state_of(store) == "delivered"


def test_an_unreachable_phone_is_tried_again_hours_later_as_often_as_the_study_says(store: Store) -> None:
    queue(store, planned(), max_attempts={"reminder": 2})
    states, now = [], NOW
    for sid in ("SM1", "SM2"):
        accept(store, sid, now)
        event(store, "undelivered", sid=sid, code=30003, now=now)
        states.append(state_of(store))
        now += timedelta(hours=5)

    assert states == ["planned", "failed"]


def test_a_message_that_arrives_after_all_is_not_tried_again(store: Store) -> None:
    queue(store, planned(), max_attempts={"reminder": 2})
    accept(store)
    event(store, "undelivered", code=30003)
    event(store, "delivered")

    assert state_of(store) == "delivered"
    assert claim(store, NOW + timedelta(hours=5)) is None


def test_a_failure_after_the_delivery_leads_to_no_second_message(store: Store) -> None:
    queue(store, planned(), max_attempts={"reminder": 3})
    accept(store)
    for status in ("delivered", "undelivered"):
        event(store, status, code=30008)

    assert state_of(store) == "failed"


def test_a_claim_of_a_dead_process_is_unknown(store: Store, tmp_path: Path) -> None:
    queue(store, planned())
    process = SPAWN.Process(target=claim_and_die, args=(tmp_path,))
    process.start()
    process.join(60)

    assert sweep_claims(store, ROOM, now=NOW) == 1
    assert state_of(store) == "unknown"


def claim_and_die(folder: Path) -> None:
    with open_store(folder) as store:
        claim(store)


def test_a_claim_of_a_living_process_is_left_alone_within_its_lease(store: Store) -> None:
    queue(store, planned())
    claim(store)

    assert sweep_claims(store, ROOM, now=NOW + timedelta(minutes=9)) == 0
    assert sweep_claims(store, ROOM, now=NOW + timedelta(minutes=11)) == 1


def unknown(store: Store) -> str:
    queue(store, planned())
    answer(store, claim(store), Outcome.UNKNOWN)
    return unknown_tries(store, ROOM)[0].attempt.id


def look(store: Store, attempt: str, found: tuple[str, ...] | None, minutes: float) -> MessageState:
    now = NOW + timedelta(minutes=minutes)
    return settle_unknown(store, attempt, found=found, now=now, patience=NOBODY)


def test_a_lost_answer_whose_message_is_listed_is_accepted(store: Store) -> None:
    attempt = unknown(store)

    assert look(store, attempt, ("SM1",), 0.1) == "accepted"
    assert read_message(store, 1)[1][0].sid == "SM1"


def test_only_two_looks_a_minute_apart_prove_that_nothing_was_sent(store: Store) -> None:
    attempt = unknown(store)
    seen = [look(store, attempt, (), minutes) for minutes in (1, 2.1, 2.5, 3.2)]

    assert seen == ["unknown", "unknown", "unknown", "planned"]
    assert isinstance(claim(store, NOW + timedelta(minutes=4)), Claimed)


def test_what_is_proved_absent_too_late_expires(store: Store) -> None:
    attempt = unknown(store)
    look(store, attempt, (), 3 * 24 * 60)

    assert look(store, attempt, (), 3 * 24 * 60 + 2) == "expired"


@pytest.mark.parametrize("found", [("SM1", "SM2"), None])
def test_what_cannot_be_proved_goes_to_a_person(store: Store, found: tuple[str, ...] | None) -> None:
    attempt = unknown(store)

    assert look(store, attempt, found, 3) == "review"
    assert settle_review(store, 1, to=MessageState.FAILED, now=NOW)


def test_a_listed_text_that_might_be_another_message_is_not_guessed(store: Store) -> None:
    queue(store, planned(text="The same", address="+12065550100"))
    queue(store, planned(text="The same", address="+12065550100", occasion="12 month"))
    answer(store, claim(store), Outcome.UNKNOWN)
    claim(store)

    attempt = unknown_tries(store, ROOM)[0].attempt.id
    assert look(store, attempt, ("SM1",), 1) == "unknown"


def test_a_callback_settles_a_message_that_was_planned_again(store: Store) -> None:
    attempt = unknown(store)
    look(store, attempt, (), 3)
    look(store, attempt, (), 5)
    event(store, "sent", attempt=attempt)

    assert state_of(store) == "accepted"
    assert claim(store, NOW + timedelta(hours=1)) is None


def test_an_answer_takes_its_id_back_from_a_guess(store: Store) -> None:
    queue(store, planned(2))
    guessed = claim(store)
    answer(store, guessed, Outcome.UNKNOWN)
    look(store, guessed.id, ("SM9",), 3)
    accept(store, "SM9", NOW + timedelta(minutes=4))

    assert [str(message.state) for message in list_messages(store)] == ["accepted", "unknown"]


def test_a_claim_that_is_given_back_may_be_taken_again(store: Store) -> None:
    queue(store, planned())
    give_back(store, claim(store), now=NOW)

    assert isinstance(claim(store), Claimed)


def test_a_waiting_message_is_cancelled_and_one_that_left_is_not(store: Store) -> None:
    queue(store, planned(2))
    accept(store)
    cancel_message(store, 2, now=NOW)

    assert state_of(store, 2) == "cancelled"
    with pytest.raises(Refused, match="accepted"):
        cancel_message(store, 1, now=NOW)
    with pytest.raises(UsageError):
        cancel_message(store, 99, now=NOW)


def test_silent_messages_are_asked_for_until_their_status_is_final(store: Store) -> None:
    queue(store, planned(2))
    accept(store)
    accept(store, "SM2")
    event(store, "delivered", sid="SM2")
    known = {"channel": Channel.SMS, "now": NOW + timedelta(hours=2)}

    assert [one.attempt.sid for one in due_for_check(store, ROOM, **known)] == ["SM1"]
    assert due_for_check(store, ROOM, channel=Channel.SMS, now=NOW + timedelta(minutes=5)) == ()


def test_the_older_a_silent_message_is_the_longer_it_is_left_alone(store: Store) -> None:
    queue(store, planned())
    claimed = accept(store)
    asked = []
    for minutes in range(0, 75 * 60, 5):
        now = NOW + timedelta(minutes=minutes)
        if due_for_check(store, ROOM, channel=Channel.SMS, now=now, silent_for=timedelta(0)):
            asked_for(store, claimed.id, now=now)
            asked.append(minutes / 60)
    waits = [later - earlier for earlier, later in pairwise(asked)]

    assert len([hour for hour in asked if hour <= 1]) == 13
    assert waits[12:-1] == sorted(waits[12:-1])
    assert waits[-2] > 10
    assert asked[-1] == 72
    assert len(asked) < 35


@pytest.mark.parametrize(("status", "state"), [("sent", "accepted"), ("queued", "review")])
def test_a_message_without_a_receipt_is_closed_after_a_last_question(
    status: str, state: str, store: Store
) -> None:
    queue(store, planned())
    claimed = accept(store)
    event(store, status)
    late = NOW + timedelta(hours=72)
    unasked = close_silent(store, ROOM, channel=Channel.SMS, now=late)
    asked_for(store, claimed.id, now=late)

    closed = close_silent(store, ROOM, channel=Channel.SMS, now=late)

    assert (unasked, closed) == (0, 1)
    (due,) = due_for_writing(store, ROOM)
    assert due.attempt.status == "unconfirmed"
    assert state_of(store) == state
    assert due_for_check(store, ROOM, channel=Channel.SMS, now=late + timedelta(days=9)) == ()


@pytest.mark.parametrize(("said", "state"), [("delivered", "delivered"), ("undelivered", "failed")])
def test_a_receipt_after_the_wait_was_ended_still_counts(said: str, state: str, store: Store) -> None:
    queue(store, planned())
    claimed = accept(store)
    event(store, "sent")
    late = NOW + timedelta(hours=80)
    asked_for(store, claimed.id, now=late)
    close_silent(store, ROOM, channel=Channel.SMS, now=late)

    record_event(store, attempt="", sid="SM1", status=said, code=30005, at=late, now=late)

    assert state_of(store) == state


def test_each_new_status_is_due_for_writing_once(store: Store) -> None:
    queue(store, planned())
    claimed = accept(store)
    first = [one.attempt.status for one in due_for_writing(store, ROOM)]
    written_back(store, claimed.id, status="queued", to="3")
    nothing = due_for_writing(store, ROOM)
    event(store, "delivered")

    assert (first, nothing) == (["queued"], ())
    (due,) = due_for_writing(store, ROOM)
    assert (due.attempt.status, due.attempt.written_to) == ("delivered", "3")


def test_the_next_plan_reads_the_history(store: Store) -> None:
    queue(store, planned(record="7"))
    block_address(store, Channel.SMS, address="+1999", reason="opted_out", by="", now=NOW)

    history = read_history(store, ROOM)
    assert history.messages[["record", "occasion", "state"]].to_numpy().tolist() == [
        ["7", "6 month", "planned"]
    ]
    assert history.blocks.to_numpy().tolist() == [["sms", "+1999", "opted_out"]]


def ring(*keys: str) -> KeyRing:
    return load_keys(SecretStr(",".join(keys)), home=Path("/nowhere"))


def test_a_contact_is_known_again_after_the_keys_were_rotated_and_the_old_one_dropped(tmp_path: Path) -> None:
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    with open_store(tmp_path, ring(old)) as store:
        queue(store, planned())
    open_store(tmp_path, ring(new, old)).close()

    with open_store(tmp_path, ring(new)) as store:
        assert queue(store, planned()).known == 1


def test_two_stores_name_the_same_text_differently(tmp_path: Path) -> None:
    with open_store(tmp_path) as one, open_store(tmp_path / "other") as other:
        names = {one.keys.fingerprint("a"), other.keys.fingerprint("a"), one.keys.fingerprint("b")}

    assert len(names) == 3
    with pytest.raises(StoreError):
        load_keys(None, home=tmp_path).fingerprint("a")


def test_caps_hold_for_all_workers_together(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        queue(store, planned(40))
    answers = SPAWN.Queue()
    workers = [SPAWN.Process(target=claim_all, args=(tmp_path, answers)) for _ in range(2)]
    for worker in workers:
        worker.start()
    found = [answers.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join(60)

    assert sum(len(numbers) for numbers in found) == 40
    assert len(set().union(*found)) == 40


def claim_all(folder: Path, answers) -> None:
    taken = []
    with open_store(folder) as store:
        while (claimed := claim(store, caps=FREE)) is not None:
            if isinstance(claimed, Claimed):
                taken.append(claimed.message.id)
    answers.put(set(taken))


def test_retention_deletes_whom_and_what_but_not_that_it_was_sent(store: Store) -> None:
    queue(store, planned(2))
    accept(store)
    purge(store, before=NOW + timedelta(days=1), now=NOW + timedelta(days=1))

    contents = [message.content is None for message in list_messages(store)]
    assert contents == [False, True]
    assert queue(store, planned(2), run="run-2").known == 2


def test_a_claim_for_some_records_leaves_the_messages_of_others(store: Store) -> None:
    queue(store, planned(3))

    claimed = claim(store, records=["002"])
    again = claim(store, records=["002"])

    assert isinstance(claimed, Claimed)
    assert claimed.content.record == "002"
    assert again is None
    assert [state_of(store, number) for number in (1, 2, 3)] == ["planned", "planned", "claimed"]
