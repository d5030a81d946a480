"""Records that are gone: renamed ones are told from deleted ones."""

from __future__ import annotations

from capstan.triggers.gone import Content, find_renamed


def held(*marks: str) -> Content:
    return frozenset(("baseline_arm_1", "scan", "", mark) for mark in marks)


def test_a_name_that_the_log_gives_is_followed_whatever_the_record_holds_now() -> None:
    renamed = find_renamed({"5": held("a")}, fresh={"7": held("b")}, formers={"7": ["5"]})

    assert renamed == {"5": "7"}


def test_a_record_is_known_by_what_it_holds_where_the_log_gives_no_name() -> None:
    gone = {"5": held("a", "b"), "6": held("c")}

    renamed = find_renamed(gone, fresh={"7": held("b", "a"), "8": held("x")}, formers={})

    assert renamed == {"5": "7"}


def test_two_records_that_hold_the_same_are_not_guessed() -> None:
    fresh = {"7": held("a"), "8": held("a")}

    assert find_renamed({"5": held("a")}, fresh=fresh, formers={}) == {}
    assert find_renamed({"5": held("a"), "6": held("a")}, fresh={"7": held("a")}, formers={}) == {}


def test_a_name_that_the_log_gives_leaves_one_record_less_to_guess() -> None:
    gone = {"5": held("a"), "6": held("a")}

    renamed = find_renamed(gone, fresh={"7": held("a"), "8": held("a")}, formers={"8": ["6"]})

    assert renamed == {"5": "7", "6": "8"}


def test_records_of_which_nothing_is_known_are_not_taken_for_each_other() -> None:
    assert find_renamed({"5": held()}, fresh={"7": held()}, formers={}) == {}


def test_a_name_that_is_not_gone_is_not_followed() -> None:
    assert find_renamed({}, fresh={"7": held("a")}, formers={"7": ["5"]}) == {}
