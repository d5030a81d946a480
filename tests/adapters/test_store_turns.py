"""Turns: runs of a study go in the order in which they came, and those of the dead are passed over."""

from __future__ import annotations

from datetime import timedelta

from store_cases import NOW

from capstan.store import LEASE, Store, Turn, ask_for_turn, beat_turn, is_first, leave_turn
from capstan.store.breaker_tables import TURN
from capstan.store.owners import current_owner


def ask(store: Store, study: str = "demo", call: str = "") -> Turn:
    turn = ask_for_turn(store, study, call=call, now=NOW)
    assert turn is not None
    return turn


def test_who_came_first_goes_first_and_then_the_next(store: Store) -> None:
    turns = [ask(store) for _ in range(3)]
    before = [is_first(store, turn, now=NOW) for turn in turns]
    leave_turn(store, turns[0], now=NOW)

    assert before == [True, False, False]
    assert [is_first(store, turn, now=NOW) for turn in turns[1:]] == [True, False]


def test_who_leaves_from_the_middle_lets_nobody_pass_another(store: Store) -> None:
    first, second, third = (ask(store) for _ in range(3))
    leave_turn(store, second, now=NOW)
    fourth = ask(store)

    assert [is_first(store, turn, now=NOW) for turn in (first, third, fourth)] == [True, False, False]


def test_the_last_to_leave_gives_its_number_to_nobody(store: Store) -> None:
    gone = ask(store)
    leave_turn(store, gone, now=NOW)

    assert ask(store).id > gone.id


def test_studies_do_not_wait_for_each_other(store: Store) -> None:
    ask(store, "one")

    assert is_first(store, ask(store, "other"), now=NOW)


def test_a_second_run_of_the_same_call_gives_way_and_a_blank_one_never(store: Store) -> None:
    ask(store, call="visits")
    ask(store)

    assert ask_for_turn(store, "demo", call="visits", now=NOW) is None
    assert ask_for_turn(store, "other", call="visits", now=NOW) is not None
    assert ask_for_turn(store, "demo", call="", now=NOW) is not None


def test_a_dead_process_holds_nobody_up_and_is_struck_off(store: Store) -> None:
    ask(store, call="visits")
    with store.write() as connection:
        connection.execute(TURN.update().values(owner=f"{current_owner()}x"))
    turn = ask(store, call="visits")

    assert is_first(store, turn, now=NOW)
    leave_turn(store, turn, now=NOW)
    with store.read() as connection:
        assert connection.execute(TURN.select()).all() == []


def test_another_machine_is_waited_for_as_long_as_it_says_that_it_lives(store: Store) -> None:
    far, later = ask(store), NOW + LEASE + timedelta(seconds=1)
    with store.write() as connection:
        connection.execute(TURN.update().values(owner="elsewhere:7:boot-1"))
    turn = ask(store)
    before = is_first(store, turn, now=NOW + LEASE)
    silent = is_first(store, turn, now=later)
    beat_turn(store, far, now=later)

    assert (before, silent) == (False, True)
    assert not is_first(store, turn, now=later)
