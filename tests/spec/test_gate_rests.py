"""What rests on other rows: a row falls with the one that it rests on, and stored data blame nobody."""

from __future__ import annotations

import pandas as pd
import pytest
from gate_operators import STUDY, Spoilt, at, with_held

from capstan.study import Limits

COLLIDING = "+1 415 555 0101"
CLOSED = (
    STUDY
    + """
    - {id: closed, forms: [exam], reason: The consent was withdrawn., when: "[baseline_arm_1][initials] = 'ZZ'",
       expect: "0"}
"""
)


def table(*rows: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), dtype="str").fillna("")


def stopped(spoilt: Spoilt) -> set[tuple[str, str, str]]:
    errors = spoilt.judged().errors
    return {tuple(row) for row in errors[["record", "event", "check"]].to_numpy()}


def test_data_in_an_arm_fall_with_the_row_that_assigns_it() -> None:
    rows = table(
        at("3", "baseline_arm_1", colour="2", mobile=COLLIDING),
        at("3", "month_6_arm_2", weight="20", must="x"),
    )

    assert stopped(Spoilt(rows)) == {
        ("3", "baseline_arm_1", "identifier_collision"),
        ("3", "month_6_arm_2", "wrong_arm"),
    }


def test_data_fall_with_the_row_that_brings_the_consent() -> None:
    rows = table(
        at("4", "baseline_arm_1", consented="2026-01-01", mobile=COLLIDING),
        at("4", "month_6_arm_2", weight="20"),
    )

    assert stopped(Spoilt(rows)) == {
        ("4", "baseline_arm_1", "identifier_collision"),
        ("4", "month_6_arm_2", "consent_missing"),
    }


def test_both_stand_where_nothing_speaks_against_the_first() -> None:
    rows = table(at("3", "baseline_arm_1", colour="2"), at("3", "month_6_arm_2", weight="20", must="x"))

    assert Spoilt(rows).judged().rows_accepted == 2


def test_a_warning_is_said_once_however_often_rows_are_judged() -> None:
    rows = table(
        at("3", "baseline_arm_1", colour="2", mobile=COLLIDING),
        at("3", "month_6_arm_2", weight="20", must="x"),
        at("1", "month_6_arm_2", seen="2026-03-01"),
    )

    verdicts = Spoilt(rows).judged().verdicts

    assert (verdicts["check"] == "visit_window").sum() == 1
    assert not verdicts.duplicated().any()


@pytest.mark.parametrize("day", ["2026-05-21", "2026-05-31"])
def test_a_date_that_puts_a_stored_one_out_of_order_is_stopped_where_it_is_written(day: str) -> None:
    rows = table(at("2", "baseline_arm_1", consented=day))

    assert stopped(Spoilt(rows, present=with_held(4, "seen", "2026-05-20"))) == {
        ("2", "baseline_arm_1", "date_order")
    }


def test_a_date_on_the_border_passes() -> None:
    rows = table(at("2", "baseline_arm_1", consented="2026-05-20"))

    assert not stopped(Spoilt(rows, present=with_held(4, "seen", "2026-05-20")))


def test_dates_that_are_out_of_order_already_stop_no_other_value() -> None:
    rows = table(at("1", "month_6_arm_2", weight="20"))

    assert not stopped(Spoilt(rows, present=with_held(1, "seen", "2025-05-20")))


def test_a_rule_on_who_may_have_data_does_not_stop_the_fact_that_it_reads() -> None:
    rows = table(at("1", "baseline_arm_1", initials="ZZ"))
    late = table(at("1", "month_6_arm_2", weight="20"))
    limits = Limits(share=1, records=100)

    assert not stopped(Spoilt(rows, text=CLOSED, limits=limits))
    assert stopped(Spoilt(late, text=CLOSED, present=with_held(0, "initials", "ZZ"))) == {
        ("1", "month_6_arm_2", "study_rule")
    }


@pytest.mark.parametrize("cell", ["", "0"])
def test_a_row_without_a_value_must_not_name_a_place_that_there_is_not(cell: str) -> None:
    rows = table(at("1", "month_9_arm_2", exam_complete=cell))

    judgement = Spoilt(rows).judged()

    assert judgement.errors["check"].tolist() == ["event_unknown"]
    assert judgement.rows_rejected == 1


def test_rows_without_a_value_at_places_that_there_are_say_nothing() -> None:
    rows = table(at("1", "month_6_arm_2", weight=""), at("2", "month_6_arm_2", weight=""))

    judgement = Spoilt(rows).judged()

    assert judgement.errors.empty
    assert judgement.counts()["rows_unchanged"] == 2
