"""Wrong names in a study file: each is found at its place, with what to do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from capstan.study.check import check_study
from tests.unit.demo_project import demo_dictionary, demo_grid, demo_study

MISTAKES: list[tuple[str, Any, str, str]] = [
    ("arms__shared", [1, 4], "arms.shared[1]", "no arm 4; the project's arms are: 1, 2, 3"),
    ("arms__assigned_by__event", "baseline", "arms.assigned_by.event", "did you mean 'baseline_arm_1'"),
    ("arms__assigned_by__field", "rand_colour", "arms.assigned_by.field", "did you mean 'rand_color'"),
    (
        "arms__assigned_by__field",
        "exam_place",
        "arms.assigned_by.field",
        "exam of the field exam_place is not",
    ),
    ("arms__assigned_by__arms", {"2": 5}, "arms.assigned_by.arms.2", "there is no arm 5"),
    ("arms__assigned_by__arms", {"7": 2}, "arms.assigned_by.arms.7", "has no such code"),
    ("arms__assigned_by__field", "elig_allergy", "arms.assigned_by.arms", "the code 0 means no arm"),
    ("arms__assigned_by", None, "visits[0].event", "'6_month' is in 2 arms; give arms.assigned_by"),
    ("visits__1__name", "6 month", "visits[1].name", "another visit is named '6 month'"),
    ("visits__0__event", "6_months", "visits[0].event", "did you mean '6_month'"),
    ("visits__0__event", "6_month_arm_4", "visits[0].event", "did you mean '6_month_arm_3'"),
    (
        "visits__0__event",
        "12_month",
        "visits[1].write.due",
        "visits[0].write.due writes vt_due on 12_month_arm_2",
    ),
    ("visits__0__anchor", "[rand_date]", "visits[0].anchor", "write [baseline_arm_1][rand_date]"),
    ("visits__0__anchor", "[baseline_arm_1][rand_day]", "visits[0].anchor", "There is no field 'rand_day'"),
    ("visits__0__anchor", "[baseline][rand_date]", "visits[0].anchor", "There is no event 'baseline'"),
    ("visits__0__done_when", "[exam_complete] = ", "visits[0].done_when", "\n  [exam_complete] = \n"),
    ("visits__0__done_when", "[baseline_arm_1][exam_date] <> ''", "visits[0].done_when", "not designated"),
    (
        "visits__0__done_when",
        "[6_month_arm_2][pfu_outcome] = '2'",
        "visits[0].done_when",
        "as in [6_month_arm_2][pfu_outcome][last-instance]",
    ),
    ("visits__0__window", ["+30d", "-14d"], "visits[0].window", "exchange the two periods"),
    ("visits__0__write__due", "vt_du", "visits[0].write.due", "did you mean 'vt_due'"),
    ("visits__0__write__due", "vt_last_timestamp", "visits[0].write.due", "takes no dates"),
    ("visits__0__write__due", "vt_status", "visits[0].write.due", "is of choices; name a text field"),
    ("visits__0__write__due", "exam_caries_ratio", "visits[0].write.due", "cannot be written"),
    ("visits__0__write__due", "pfu_contact_date", "visits[0].write.due", "phone_follow_up repeats there"),
    (
        "visits__0__write__due",
        "rand_date",
        "visits[0].write.due",
        "randomization of the field rand_date is not",
    ),
    ("visits__0__write__status", "exam_place", "visits[0].write.status", 'no choice for "not scheduled"'),
    ("visits__0__write__status", "exam_findings", "visits[0].write.status", "is of choices"),
    ("tracking__event", "basline_arm_1", "tracking.event", "did you mean 'baseline_arm_1'"),
    ("tracking__pending_visit", "elig_status", "tracking.pending_visit", 'no choice for "6 month"'),
    ("tracking__last_timestamp", "part_age", "tracking.last_timestamp", "takes no dates"),
    ("tracking__last_timestamp", "part_consent", "tracking.last_timestamp", "did you mean"),
    ("holidays__country", "ZZ", "holidays.country", "no holidays are known for ZZ CA"),
    ("holidays__days", ["12/24/2026"], "holidays.days[0]", "is not a day"),
    ("eligibility__event", "baseline", "eligibility.event", "did you mean 'baseline_arm_1'"),
    (
        "eligibility__criteria__2__rule",
        "[elig_consent] = '1'",
        "eligibility.criteria[2].rule",
        "is a checkbox",
    ),
    ("eligibility__criteria__2__rule", "[elig_consent(3)]", "eligibility.criteria[2].rule", "no choice (3)"),
    ("eligibility__criteria__0__rule", "[exam_date] = ''", "eligibility.criteria[0].rule", "not designated"),
    ("eligibility__write__status", "vt_status", "eligibility.write.status", 'no choice for "eligible"'),
    ("eligibility__write__reasons", "part_email", "eligibility.write.reasons", "takes no text"),
    ("writes__allow", ["exma"], "writes.allow[0]", "did you mean 'exam'"),
    ("writes__allow", ["visit_tracking"], "visits[0].write.due", "add vt_due to writes.allow"),
    ("writes__protect", ["vt_due"], "visits[0].write.due", "is protected; take it out of writes.protect"),
    ("checks__not_future", ["exam_day"], "checks.not_future[0]", "did you mean 'exam_date'"),
]


@pytest.mark.parametrize(("path", "value", "place", "words"), MISTAKES)
def test_a_wrong_name_is_found_at_its_place(path: str, value: object, place: str, words: str) -> None:
    study = demo_study(**{path: value})

    problems = check_study(study, demo_dictionary(), grid=demo_grid())

    assert any(problem.place == place and words in problem.text for problem in problems), problems


def test_the_demo_study_fits_its_project() -> None:
    assert check_study(demo_study(), demo_dictionary(), grid=demo_grid()) == []


def test_a_problem_reads_as_place_and_sentence() -> None:
    study = demo_study(checks__not_future=["exam_day"])

    (problem,) = check_study(study, demo_dictionary(), grid=demo_grid())

    assert str(problem) == "checks.not_future[0]: there is no field 'exam_day'; did you mean 'exam_date'."


def test_in_a_classic_project_events_are_left_blank() -> None:
    dictionary = demo_dictionary()
    nowhere = {form: ("", form) for form in dictionary.forms}
    grid = replace(
        demo_grid(), events=(), arms={}, designated=frozenset(nowhere.values()), repeating=frozenset()
    )
    study = demo_study(
        arms={},
        visits__0__event="",
        visits__0__anchor="[rand_date]",
        visits__1__event="",
        visits__1__anchor="[rand_date]",
        visits__1__write={},
        tracking__event="",
        eligibility__event="",
        messages=[],
        messaging={},
        inbound={},
        notify={},
        monitors=[],
        triggers=[],
        quality={},
        page={},
    )

    assert check_study(study, dictionary, grid=grid) == []
