"""Breakers: a host that fails is left alone, one run at a time tries again, and each person hears once."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

from store_cases import NOW

from capstan.delivery import Channel
from capstan.notice import Cause, Happening
from capstan.store import (
    Breaker,
    BreakerState,
    Mailroom,
    Store,
    close_breaker,
    drop_trial,
    list_breakers,
    note_answer,
    note_failure,
    note_success,
    pass_breaker,
    read_breaker,
    tell_of_closed,
    tell_of_opened,
)
from capstan.store.breaker_tables import BREAKER
from capstan.store.breakers import MOST_FAILURES
from capstan.store.owners import current_owner
from capstan.store.reply_tables import NOTICE
from capstan.study.notices import Notify

HOST = "redcap.test"
MINUTE = timedelta(minutes=1)
# A process of this machine with our number, which began at another time.
DEAD = f"{current_owner()}x"
DAY = timedelta(days=1)
ANN, BOB = (Channel.EMAIL, "ann@example.org"), (Channel.EMAIL, "bob@example.org")


def opened(store: Store, *, now: datetime = NOW) -> Breaker:
    for _ in range(MOST_FAILURES):
        found = note_failure(store, HOST, now=now)
    return found


def test_a_host_that_never_failed_is_in_nobodys_way(store: Store) -> None:
    assert pass_breaker(store, HOST, now=NOW) is None
    assert note_success(store, HOST, now=NOW) is None
    assert list_breakers(store) == ()


def test_it_opens_after_some_failures_in_a_row_and_not_before(store: Store) -> None:
    counted = [note_failure(store, HOST, now=NOW) for _ in range(MOST_FAILURES)]

    assert [one.is_open for one in counted] == [False] * (MOST_FAILURES - 1) + [True]
    assert pass_breaker(store, "other.test", now=NOW) is None


def test_a_success_between_failures_begins_the_count_anew(store: Store) -> None:
    for _ in range(3 * MOST_FAILURES):
        found = note_failure(store, HOST, now=NOW)
        note_success(store, HOST, now=NOW)

    assert not found.is_open


def test_a_ban_opens_at_once_and_nobody_tries_until_a_person_closes_it(store: Store) -> None:
    found = note_failure(store, HOST, is_ban=True, now=NOW)
    in_the_way = pass_breaker(store, HOST, now=NOW + 30 * DAY)
    is_closed = close_breaker(store, HOST, now=NOW + 31 * DAY)

    assert found.is_open
    assert found.try_at is None
    assert in_the_way is not None
    assert in_the_way.is_ban
    assert is_closed
    assert pass_breaker(store, HOST, now=NOW + 31 * DAY) is None


def test_an_outage_after_a_ban_was_closed_is_no_ban(store: Store) -> None:
    note_failure(store, HOST, is_ban=True, now=NOW)
    close_breaker(store, HOST, now=NOW)

    assert not note_failure(store, HOST, now=NOW).is_open


def test_runs_are_put_off_and_counted_until_the_pause_is_over(store: Store) -> None:
    opened(store)
    found = [pass_breaker(store, HOST, now=NOW) for _ in range(5)]

    assert [one.put_off for one in found if one] == [1, 2, 3, 4, 5]
    assert pass_breaker(store, HOST, now=NOW + 2 * MINUTE) is None


def test_one_run_at_a_time_tries_again(store: Store) -> None:
    opened(store)
    first = pass_breaker(store, HOST, now=NOW + 2 * MINUTE)
    others = [pass_breaker(store, HOST, now=NOW + 2 * MINUTE) for _ in range(3)]

    assert first is None
    assert None not in others


def test_each_failed_trial_makes_the_pause_longer_up_to_an_end(store: Store) -> None:
    now, pauses = NOW, []
    opened(store)
    for _ in range(10):
        now += timedelta(hours=1)
        pass_breaker(store, HOST, now=now)
        found = note_failure(store, HOST, now=now)
        assert found.try_at is not None
        pauses.append((found.try_at - now) / MINUTE)

    assert 1.6 <= pauses[0] <= 2.4
    assert all(later > 1.2 * earlier for earlier, later in pairwise(pauses[:4]))
    assert max(pauses) <= 36


def test_a_run_that_was_on_its_way_when_it_opened_does_not_prolong_the_pause(store: Store) -> None:
    before = opened(store)

    assert note_failure(store, HOST, now=NOW + MINUTE / 2).try_at == before.try_at


def test_a_trial_whose_process_was_killed_keeps_nobody_from_trying(store: Store) -> None:
    opened(store)
    with store.write() as connection:
        connection.execute(BREAKER.update().values(trier=DEAD, tried_at=NOW + 2 * MINUTE))

    assert pass_breaker(store, HOST, now=NOW + 2 * MINUTE) is None


def test_a_trial_that_was_given_up_is_free_for_the_next(store: Store) -> None:
    opened(store)
    pass_breaker(store, HOST, now=NOW + 2 * MINUTE)
    drop_trial(store, HOST)

    assert pass_breaker(store, HOST, now=NOW + 2 * MINUTE) is None


def test_an_answer_lets_all_go_and_a_run_that_ends_well_closes_it(store: Store) -> None:
    opened(store)
    pass_breaker(store, HOST, now=NOW + 2 * MINUTE)
    note_answer(store, HOST)
    answered, others = read_breaker(store, HOST), [pass_breaker(store, HOST, now=NOW) for _ in range(3)]
    closed = note_success(store, HOST, now=NOW + 3 * MINUTE)

    assert answered is not None
    assert answered.state is BreakerState.ANSWERED
    assert others == [None] * 3
    assert closed is not None
    assert (closed.state, closed.failures, closed.closed_at) == (BreakerState.CLOSED, 0, NOW + 3 * MINUTE)


def test_a_host_that_answers_and_fails_again_is_left_alone_for_longer(store: Store) -> None:
    opened(store)
    pass_breaker(store, HOST, now=NOW + 2 * MINUTE)
    note_answer(store, HOST)
    found = note_failure(store, HOST, now=NOW + 3 * MINUTE)

    assert found.is_open
    assert found.opened_at == NOW
    assert found.try_at is not None
    assert found.try_at > NOW + 4 * MINUTE


def test_a_persons_word_closes_what_is_open_and_nothing_else(store: Store) -> None:
    opened(store)

    assert close_breaker(store, HOST, now=NOW)
    assert not close_breaker(store, HOST, now=NOW)
    assert not close_breaker(store, "other.test", now=NOW)


def raised(store: Store) -> int:
    with store.read() as connection:
        return len(connection.execute(NOTICE.select()).all())


def happening(text: str = "down") -> Happening:
    return Happening(Cause.OUTAGE, text, NOW)


def test_each_person_hears_once_of_an_outage_whichever_study_tells(store: Store) -> None:
    rooms = [Mailroom(f"s{number}", HOST, number) for number in range(20)]
    for room in rooms * 2:
        tell_of_opened(store, room, host=HOST, people=[ANN], happening=happening())
    tell_of_opened(store, rooms[3], host=HOST, people=[ANN, BOB], happening=happening())

    assert raised(store) == 2


def test_who_was_told_of_an_outage_hears_once_that_it_is_over(store: Store) -> None:
    teller, other = Mailroom("teller", HOST, 1), Mailroom("other", HOST, 2)
    tell_of_opened(store, teller, host=HOST, people=[ANN], happening=happening())
    told = [
        tell_of_closed(store, room, host=HOST, people=[ANN], say=lambda _: happening("up"))
        for room in (other, teller, teller)
    ]

    assert told == [False, True, False]
    assert raised(store) == 2


def test_an_outage_is_for_all_who_want_to_know_of_failures_and_the_named_among_them() -> None:
    from capstan.notice import listeners

    notify = Notify.model_validate({"staff": {"email": [ANN[1], BOB[1]], "on": ["failure"]}})
    silent = Notify.model_validate({"staff": {"email": [ANN[1]], "on": ["hold"]}})
    named = Happening(Cause.OUTAGE, "down", NOW, people=(BOB[1],))

    assert listeners(happening(), notify) == [ANN, BOB]
    assert listeners(named, notify) == [BOB]
    assert listeners(happening(), silent) == []
