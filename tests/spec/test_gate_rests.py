"""What rests on other rows: a row falls with the one that it rests on, and stored data blame nobody."""

from __future__ import annotations

import pandas as pd
import pytest
from gate_operators import STUDY, Spoilt, at, call, chain, held, with_held

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


LARGE = Limits(share=1, records=10_000, same_value=10_000)


def number_of(record: int) -> str:
    return f"(415) 555-{record:04}"


def shifted(count: int) -> Spoilt:
    """Records from 1000, each of which takes the number of the next one; the last takes a free one."""
    records = [str(1000 + place) for place in range(count)]
    present = pd.concat([held().iloc[[0]]] * count, ignore_index=True)
    numbers = [number_of(place) for place in range(count)]
    rows = [
        at(record, "baseline_arm_1", sex="2", mobile=number_of(place + 1))
        for place, record in enumerate(records)
    ]
    return Spoilt(
        table(*rows),
        present=present.assign(record_id=records, mobile=numbers, initials=records),
        limits=LARGE,
    )


def test_numbers_that_all_move_on_by_one_record_pass() -> None:
    judgement = shifted(50).judged()

    assert judgement.errors.empty
    assert judgement.rows_accepted == 50


def test_a_number_that_is_not_given_up_stops_who_would_take_it_and_so_on_through_a_whole_file() -> None:
    spoilt = shifted(1_000)
    spoilt.table.loc[499, "sex"] = "9"

    judgement = spoilt.judged()

    assert judgement.errors["check"].value_counts().to_dict() == {
        "identifier_collision": 499,
        "choice_unknown": 1,
    }
    assert set(judgement.errors["record"]) == {str(1000 + place) for place in range(500)}
    assert judgement.rows_accepted == 500


UNIQUE_CALLS = STUDY.replace("unique: [mobile]", "unique: [outcome]")


def test_a_value_on_one_instance_is_not_given_up_by_a_change_of_another() -> None:
    rows = table(
        call("2", outcome="2"),
        {**call("1", outcome="1"), "record_id": "2", "redcap_event_name": "month_6_arm_3"},
    )

    assert stopped(Spoilt(rows, text=UNIQUE_CALLS)) == {("2", "month_6_arm_3", "identifier_collision")}


def test_a_value_that_is_erased_is_free_for_another_record() -> None:
    rows = table(at("1", "baseline_arm_1", mobile=""), at("3", "baseline_arm_1", mobile="(415) 555-0101"))
    limits = Limits(share=1, records=100, blanked=1)

    assert not stopped(Spoilt(rows, limits=limits, blanks_erase=True))


TIED = (
    STUDY.replace("unique: [mobile]", "unique: [mobile, must]").partition("    - {id: order,")[0]
    + """
    - {id: exam, forms: [info], reason: The exam is missing., expect: "[month_6_arm_2][weight] = '20'"}
    - {id: info, forms: [exam], reason: The contact is missing., expect: "[baseline_arm_1][initials] = 'N'"}
"""
)


def zigzag(count: int) -> Spoilt:
    """Records of two rows that fall together; each takes the next one's text, or its number, in turn."""
    records = [str(1000 + place) for place in range(count)]
    rows: list[dict[str, str]] = []
    for place, record in enumerate(records):
        takes_number = bool(place % 2)
        number = number_of(place + 1) if takes_number else f"(212) 555-{place:04}"
        text = f"n{place}" if takes_number else f"m{place + 1}"
        rows.append(at(record, "baseline_arm_1", initials="N", mobile=number))
        rows.append(at(record, "month_6_arm_2", weight="20", must=text))
    numbers, texts = ([one(place) for place in range(count)] for one in (number_of, "m{}".format))
    first, second = (pd.concat([held().iloc[[place]]] * count, ignore_index=True) for place in (0, 1))
    present = [first.assign(record_id=records, mobile=numbers), second.assign(record_id=records, must=texts)]
    return Spoilt(table(*rows), text=TIED, present=pd.concat(present, ignore_index=True), limits=LARGE)


def test_records_that_rest_on_each_other_in_turn_fall_in_a_row() -> None:
    spoilt = zigzag(60)
    assert spoilt.judged().rows_accepted == 120
    spoilt.table.loc[2 * 44, "initials"] = "\x07"

    judgement = spoilt.judged()

    assert set(judgement.errors["record"]) == {str(1000 + place) for place in range(45)}
    assert judgement.rows_accepted == 30


def test_a_short_chain_of_rows_falls_link_by_link() -> None:
    errors = chain(12).judged().errors

    assert errors["check"].tolist() == ["choice_unknown"] + ["study_rule"] * 10


def test_a_long_chain_of_rows_falls_whole_and_no_other_record_with_it() -> None:
    judgement = chain(200).judged()

    assert judgement.rows_rejected == 199 + 1  # the record's other row is cut off with the rest
    assert set(judgement.errors["record"]) == {"1"}
    assert judgement.rows_accepted == 2


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
