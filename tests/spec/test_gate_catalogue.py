"""Every check of the catalogue: a good table passes, and one thing wrong is said at its place, and there only."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pandas as pd
import pytest
from gate_operators import ELSEWHERE, OPERATORS, UNSEEN, Spoilt, good, held, project

from capstan.dictionary import Dictionary
from capstan.plan import KEYS
from capstan.redcap import batches
from capstan.verdict import Decision, Severity, of_severity
from checks.catalogue import CATALOGUE
from checks.changes import judge_stale
from checks.drift import judge_drift
from checks.judgement import Judgement
from checks.refusals import refusal_check
from tests.projects import dictionary

TESTS = Path(__file__).resolve().parents[1]
# What one wrong row makes another row wrong, by the nature of the check.
TOGETHER = {
    "new_record_incomplete",
    "rests_on_stopped",
    "all_or_nothing",
    "identifier_collision",
    "probable_duplicate_person",
}


@cache
def spoilt(check: str) -> tuple[Spoilt, Judgement]:
    """The table that is spoilt for a check, and what the gate says of it."""
    case = OPERATORS[check]()
    return case, case.judged()


@cache
def good_judgement() -> Judgement:
    """What the gate says of the good table."""
    return Spoilt(good()).judged()


def said(table: pd.DataFrame) -> set[tuple[str, ...]]:
    return {tuple(place) for place in table[[*KEYS, "field", "check"]].to_numpy()}


def test_the_good_table_passes_without_a_word() -> None:
    judgement = good_judgement()

    worth_a_look = judgement.verdicts[judgement.verdicts["severity"] != "note"]
    assert worth_a_look[["check", "field"]].to_numpy().tolist() == [["overwrite_value", "initials"]]
    assert judgement.rows_accepted == 3


def test_every_check_has_an_operator_that_spoils_a_table_for_it() -> None:
    assert set(OPERATORS) | set(ELSEWHERE) | UNSEEN == set(CATALOGUE)
    assert not set(OPERATORS) & set(ELSEWHERE)
    for check, file in ELSEWHERE.items():
        assert check in (TESTS / file).read_text(encoding="utf-8"), check


def test_every_check_of_the_catalogue_is_said_somewhere() -> None:
    rooms = [TESTS.parent / room for room in ("capstan", "checks", "tasks", "flows")]
    files = [file for room in rooms for file in room.rglob("*.py") if file.parent.name != "catalogue"]
    code = "".join(file.read_text(encoding="utf-8") for file in files)

    said_of_rules = {
        "date_order",
        "age_vs_dob",
        "sex_specific",
        "consent_missing",
        "study_rule",
        "eligibility",
    }
    assert not {check for check in CATALOGUE if f'"{check}"' not in code} - said_of_rules


@pytest.mark.parametrize("check", sorted(OPERATORS))
def test_one_thing_wrong_is_said_at_its_place_with_its_severity_and_a_reason(check: str) -> None:
    case, judgement = spoilt(check)

    found = judgement.verdicts

    mine = found[found["check"] == check]
    assert said(mine) >= {(*case.at, case.field, check)}, said(found)
    assert set(mine["severity"]) == {CATALOGUE[check].severity.value}
    assert all(reason.strip().endswith((".", "?", ")")) and len(reason) > 20 for reason in mine["reason"])


# Many values cannot become one unless values are replaced.
ALONG = ("value_collapse", "overwrite_value")


@pytest.mark.parametrize("check", sorted(set(OPERATORS) - TOGETHER))
def test_one_thing_wrong_stops_no_other_row_and_warns_of_none(check: str) -> None:
    before = said(good_judgement().verdicts)

    case, judgement = spoilt(check)

    fresh = {place for place in said(judgement.verdicts) - before if (check, place[5]) != ALONG}
    assert {place[:4] for place in fresh} <= {case.at, ("", "", "", ""), (*case.at[:2], "", "")}
    if CATALOGUE[check].severity is Severity.ERROR:
        assert set(map(tuple, judgement.rejected[list(KEYS)].to_numpy())) == {case.at}


@pytest.mark.parametrize("check", sorted(OPERATORS))
def test_what_a_check_says_decides_as_far_as_its_severity_reaches(check: str) -> None:
    severity = CATALOGUE[check].severity

    decision = spoilt(check)[1].decision

    expected = {Severity.FATAL: Decision.REFUSE, Severity.HOLD: Decision.HOLD}.get(severity, Decision.APPLY)
    assert decision is expected


@pytest.mark.parametrize("check", sorted(OPERATORS))
def test_no_reason_tells_a_value(check: str) -> None:
    case, judgement = spoilt(check)
    values = {value for name in case.table.columns[4:] for value in case.table[name].to_numpy().ravel()}
    telling = {value for value in map(str, values) if len(value) > 4} - {"2026-06-02"}

    reasons = " ".join(judgement.verdicts["reason"])

    assert not [value for value in telling if value in reasons]


def test_every_entry_says_what_it_means_and_what_to_do() -> None:
    for check, entry in CATALOGUE.items():
        assert entry.meaning, check
        assert entry.remedy.endswith("."), check


def test_a_cell_that_changed_since_the_plan_is_stale_base() -> None:
    cells = Spoilt(good()).judged().plan.cells
    now_held = cells["before"].where(cells["field"] != "weight", "7")

    found = judge_stale(cells, now_held=now_held, dictionary=project())

    assert set(found["field"]) == {"weight"}
    assert set(found["check"]) == {"stale_base"}


def test_redcaps_own_words_on_a_lock_are_the_check_locked() -> None:
    text = "This record has been locked at the record level. No value within this record can be modified."

    assert refusal_check(text) == "locked"
    assert refusal_check("The value is not a valid category for teeth") == "row_refused"


@pytest.mark.parametrize(
    ("change", "said_of"),
    [
        ({"colour": {"select_choices_or_calculations": "2, Rot | 3, Green | 4, Blue"}}, set()),
        ({"teeth": {"field_label": "How many teeth"}}, set()),
        ({"colour": {"select_choices_or_calculations": "2, Red"}}, {"colour"}),
        ({"teeth": {"text_validation_type_or_show_slider_number": "number"}}, {"teeth"}),
        ({"teeth": {"form_name": "call"}}, {"teeth"}),
        ({"teeth": {"field_name": "tooth"}}, {"teeth"}),
    ],
)
def test_only_a_change_that_matters_to_a_planned_field_is_dictionary_drift(
    change: dict[str, dict[str, str]], said_of: set[str]
) -> None:
    then: Dictionary = dictionary()

    found = judge_drift(["teeth", "colour"], then=then, now=dictionary(**change))

    assert set(found["field"]) == said_of
    assert set(found["check"]) <= {"dictionary_drift"}


def test_an_unchanged_row_is_counted_and_not_planned() -> None:
    judgement = Spoilt(held()).judged()

    assert judgement.plan.is_empty
    assert judgement.counts()["rows_unchanged"] == len(held())


def test_a_batch_never_parts_a_record() -> None:
    table = pd.DataFrame({"record_id": list("1112223"), "teeth": list("1234567")})

    parts = [
        set(batch["record_id"])
        for batch in batches(table, record_field="record_id", max_rows=4, max_bytes=10**6)
    ]

    assert sum(map(len, parts)) == len(set().union(*parts)) == 3


def test_rows_that_agree_word_for_word_are_a_warning_and_one_of_them_is_written() -> None:
    table = pd.concat([good(), good().iloc[[0]]], ignore_index=True)

    judgement = Spoilt(table).judged()

    found = judgement.verdicts[judgement.verdicts["check"] == "duplicate_row"]
    assert set(found["severity"]) == {"warning"}
    assert judgement.rows_accepted == 3
    assert of_severity(judgement.verdicts, Severity.ERROR).empty
