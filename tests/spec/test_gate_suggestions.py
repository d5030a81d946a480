"""Suggestions: what was evidently meant is put into a corrected file, which then passes; nothing else changes."""

from __future__ import annotations

import pandas as pd
import pytest
from gate_operators import STUDY, Spoilt, at, cell, good, row

from checks.suggestions import suggested


def corrected(spoilt: Spoilt) -> pd.DataFrame:
    return suggested(spoilt.table, spoilt.judged())


@pytest.mark.parametrize(
    ("column", "wrong", "right", "place"),
    [
        ("colour", "Green", "3", 2),
        ("colour", " green ", "3", 2),
        ("colour", "3.0", "3", 2),
        ("colour", "03", "3", 2),
        ("brushes", "Yes", "1", 0),
        ("brushes", "FALSE", "0", 0),
        ("likes___1", "checked", "1", 0),
        ("exam_complete", "Complete", "2", 0),
        ("pain", "50.0", "50", 0),
        ("teeth", "21.0", "21", 0),
        ("weight", "21,5", "21.5", 0),
        ("seen", "2026-5-9", "2026-05-09", 0),
        ("seen", "2026/05/09", "2026-05-09", 0),
        ("seen", "19/05/2026", "2026-05-19", 0),
        ("seen", "05/19/2026", "2026-05-19", 0),
        ("seen", "19 May 2026", "2026-05-19", 0),
        ("seen", "2026-05-19 00:00:00", "2026-05-19", 0),
        ("seen", "2026-05-19T00:00:00", "2026-05-19", 0),
        ("mobile", "+14155550177", "+14155550177", 2),
        ("mobile", "415/555/0177", "(415) 555-0177", 2),
        ("mail", "a@example.org.", "a@example.org", 2),
    ],
)
def test_what_was_evidently_meant_is_suggested(column: str, wrong: str, right: str, place: int) -> None:
    spoilt = cell(column, wrong, row=place)

    table = corrected(spoilt)

    assert table.loc[place, column] == right
    assert table.drop(columns=column).equals(spoilt.table.drop(columns=column))
    assert Spoilt(table).judged().errors.empty


@pytest.mark.parametrize(
    ("column", "wrong", "place"),
    [
        ("seen", "03/04/2026", 0),
        ("seen", "2026-02-30", 0),
        ("seen", "2026-05-19 10:30:00", 0),
        ("weight", "1,234", 0),
        ("teeth", "2.5", 0),
        ("teeth", "33", 0),
        ("colour", "Blue", 2),
        ("mobile", "555-0101", 2),
        ("exam_complete", "maybe", 0),
    ],
)
def test_what_is_not_evident_is_left_to_a_person(column: str, wrong: str, place: int) -> None:
    spoilt = cell(column, wrong, row=place)

    table = corrected(spoilt)

    assert table.equals(spoilt.table)


def test_the_study_says_how_dates_with_slashes_are_meant() -> None:
    text = STUDY.replace("  not_future: [seen]", "  not_future: [seen]\n  slash_dates: dmy")

    table = corrected(cell("seen", "03/05/2026", text=text))

    assert table.loc[0, "seen"] == "2026-05-03"


@pytest.mark.parametrize(
    ("event", "right"),
    [
        ("month_6_arm_3", "month_6_arm_2"),
        ("month_6", "month_6_arm_2"),
        ("Month 6", "month_6_arm_2"),
        ("month_9_arm_2", "month_9_arm_2"),
    ],
)
def test_the_event_of_the_participants_own_arm_is_suggested(event: str, right: str) -> None:
    spoilt = row(at("1", event, teeth="3"))

    table = corrected(spoilt)

    assert table["redcap_event_name"].tolist() == [*spoilt.table["redcap_event_name"][:-1], right]


def test_an_id_that_differs_by_lost_zeros_is_suggested() -> None:
    spoilt = row(at("001", "baseline_arm_1", initials="X"))

    assert corrected(spoilt)["record_id"].tolist()[-1] == "1"


def test_rows_that_nothing_speaks_against_are_only_tidied() -> None:
    table = good().assign(weight=[" 21.5 ", "19", ""])

    assert corrected(Spoilt(table)).equals(good())


def test_a_suggestion_is_in_no_verdict_and_in_no_repr() -> None:
    judgement = cell("mobile", "415/555/0177", row=2).judged()

    assert "(415) 555-0177" in judgement.suggestions["text"].tolist()
    assert "0177" not in judgement.verdicts.to_csv()
    assert "0177" not in repr(judgement)
    assert "0177" not in str(judgement.counts())
