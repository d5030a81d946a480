"""Coverage: each save and each trigger belong together once, where their times let them."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from capstan.triggers.coverage import Arrival, Fate, Save, count_fates, fates

START = datetime(2026, 11, 22, 10, tzinfo=UTC)


def minutes(number: float) -> datetime:
    return START + timedelta(minutes=number)


def save(at: int, *, record: str = "1", form: str = "exam", is_new: bool = True) -> Save:
    return Save(record, form, minutes(at), minutes(at + 1), is_new)


def came(at: float, *, record: str = "1", form: str = "exam", is_made: bool = False) -> Arrival:
    return Arrival(record, form, minutes(at), is_made)


def count(saves: list[Save], arrivals: list[Arrival]) -> dict[str, int]:
    return dict(Counter(one.fate.value for one in fates(saves, arrivals)))


def test_a_trigger_that_comes_at_once_is_received() -> None:
    assert count([save(0), save(9)], [came(0.5), came(9.1)]) == {"received": 2}


def test_a_save_without_a_trigger_is_missed() -> None:
    assert count([save(0), save(0, record="2")], [came(0.1, record="2")]) == {"received": 1, "missed": 1}


def test_a_trigger_of_another_form_or_record_does_not_count() -> None:
    assert count([save(0)], [came(0.1, form="call"), came(0.1, record="2")]) == {"missed": 1}


def test_a_trigger_that_comes_minutes_later_is_late() -> None:
    assert count([save(0)], [came(9)]) == {"late": 1}


def test_a_late_trigger_does_not_take_the_place_of_the_next_saves_own() -> None:
    found = fates([save(0), save(30)], [came(30.2)])

    assert sorted((one.fate, one.save.begins) for one in found if one.save) == [
        (Fate.MISSED, minutes(0)),
        (Fate.RECEIVED, minutes(30)),
    ]


def test_a_trigger_that_comes_after_its_item_was_made_is_late() -> None:
    assert count([save(0)], [came(0.4, is_made=True), came(0.8)]) == {"late": 1}


def test_a_item_that_was_made_is_no_trigger() -> None:
    assert count([save(0)], [came(0.4, is_made=True)]) == {"missed": 1}


def test_a_trigger_that_comes_twice_is_a_duplicate() -> None:
    assert count([save(0)], [came(0.1), came(0.2), came(5)]) == {"received": 1, "duplicate": 2}


def test_a_trigger_of_a_save_that_changed_nothing_counts_as_nothing() -> None:
    assert count([], [came(0.1)]) == {}


def test_a_trigger_of_an_hour_later_is_of_something_else() -> None:
    assert count([save(0)], [came(90)]) == {"missed": 1}


def test_clocks_may_differ_by_a_minute() -> None:
    assert count([save(1)], [came(0.2)]) == {"received": 1}
    assert count([save(0)], [came(1.9)]) == {"received": 1}


def test_an_interval_counts_what_was_saved_in_it() -> None:
    saves = [save(0, is_new=False), save(10), save(20), save(21, record="2")]
    arrivals = [came(0.1), came(20.1), came(20.9)]

    counts = count_fates(fates(saves, arrivals), since=minutes(5))

    assert counts == (1, 0, 2, 1, 0)
    assert counts.saves == 3


def test_a_trigger_of_an_earlier_save_that_comes_now_was_late() -> None:
    counts = count_fates(fates([save(0, is_new=False)], [came(9)]), since=minutes(5))

    assert (counts.saves, counts.late_before) == (0, 1)


def test_a_trigger_that_was_late_before_is_not_counted_again() -> None:
    counts = count_fates(fates([save(0, is_new=False)], [came(9)]), since=minutes(10))

    assert counts.late_before == 0


SAVES = st.lists(st.builds(save, st.integers(0, 120), record=st.sampled_from("12"), form=st.just("exam")))
ARRIVALS = st.lists(st.builds(came, st.integers(0, 200), record=st.sampled_from("12"), is_made=st.booleans()))


@given(SAVES, ARRIVALS)
def test_every_save_has_one_fate_and_no_trigger_counts_twice(
    saves: list[Save], arrivals: list[Arrival]
) -> None:
    found = count(saves, arrivals)

    assert sum(number for fate, number in found.items() if fate != "duplicate") == len(saves)
    triggers = sum(not one.is_made for one in arrivals)
    assert sum(number for fate, number in found.items() if fate != "missed") <= triggers


@given(SAVES)
def test_saves_whose_triggers_all_come_at_once_are_all_received(saves: list[Save]) -> None:
    arrivals = [Arrival(one.record, one.form, one.begins + timedelta(seconds=30)) for one in saves]

    assert {one.fate for one in fates(saves, arrivals)} <= {Fate.RECEIVED}
