"""The rules of quality of a study file: what is wrong with them is said before they run."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from capstan.errors import CapstanError
from capstan.study.check import check_study
from checks.quality.names import misspelt_checks
from tests.projects import STUDY, dictionary, grid, study

GOOD = """
quality:
  outliers: {deviations: 3, at_least: 10, around: median}
  rules:
    - {id: no-teeth, finds: "[teeth] = 0 and [brushes] = '1'", text: Brushes no teeth., event: month_6}
    - {id: late, finds: "[baseline_arm_1][consented] > [month_6_arm_2][called][last-instance]", text: Late.}
  exceptions:
    - {check: custom_late, reason: Known., until: 2026-12-31}
    - {check: out_of_range, field: teeth, reason: Known., until: 2026-12-31}
"""


def problems(part: str) -> list[str]:
    found = check_study(study(STUDY + part), dictionary(), grid=grid())
    return [str(problem) for problem in found]


def rule(**parts: str) -> str:
    told = {"id": "one", "finds": "[teeth] = 0", "text": "x"} | parts
    return f"quality: {{rules: [{told}]}}"


def test_a_study_with_rules_that_can_be_computed_has_no_problem() -> None:
    assert problems(GOOD) == []


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (rule(finds="[tooth] = 0"), "There is no field 'tooth'"),
        (rule(finds="[month_7_arm_2][teeth] = 0"), "There is no event 'month_7_arm_2'"),
        (rule(finds="[teeth] = "), "quality.rules[0].finds"),
        (rule(finds="[likes] = '1'"), "is a checkbox"),
        (rule(finds="[new-thing] = '1'"), "There is no smart variable"),
        (rule(finds="[baseline_arm_1][teeth] = 0"), "not designated for baseline_arm_1"),
        (rule(finds="[teeth] = 0", event="baseline_arm_1"), "not designated for baseline_arm_1"),
        (rule(event="month_7"), "there is no event 'month_7'"),
        (rule(field="tooth"), "there is no field 'tooth'; did you mean 'teeth'"),
        ("quality: {exceptions: [{check: x, field: tooth, reason: x, until: 2026-01-01}]}", "'tooth'"),
        ("quality: {exceptions: [{check: custom_x, reason: x, until: 2026-01-01}]}", "there is no rule 'x'"),
    ],
)
def test_a_name_that_the_project_lacks_is_said_with_its_place(part: str, said: str) -> None:
    found = problems(part)

    assert len(found) == 1
    assert said in found[0]
    assert "quality." in found[0]


def test_two_rules_of_one_id_are_refused() -> None:
    one = "{id: one, finds: '[teeth] = 0', text: x}"

    assert "another rule has the id 'one'" in problems(f"quality: {{rules: [{one}, {one}]}}")[0]


@pytest.mark.parametrize(
    "part",
    [
        rule(finds=" "),
        rule(id="One"),
        rule(severity="fatal"),
        "quality: {outliers: {deviations: 0}}",
        "quality: {outliers: {deviations: .inf}}",
        "quality: {outliers: {at_least: 2}}",
        "quality: {exceptions: [{check: x, reason: x}]}",
        "quality: {exceptions: [{check: x, until: 2026-01-01}]}",
    ],
)
def test_a_part_that_cannot_be_meant_is_refused(part: str) -> None:
    with pytest.raises((CapstanError, ValidationError), match="quality"):
        study(STUDY + part)


def test_checks_that_a_study_misspells_are_named_with_what_they_are_like() -> None:
    listed = "{queries: {checks: [outlier, out_of_rage]}, exceptions: [{check: missing_valu, reason: x, until: 2026-01-01}]}"
    found = misspelt_checks(study(f"{STUDY}\nquality: {listed}"))

    assert [str(one) for one in found] == [
        "quality.queries.checks: there is no check 'out_of_rage'; did you mean 'out_of_range'.",
        "quality.exceptions[0].check: there is no check 'missing_valu'; did you mean 'missing_value'.",
    ]


def test_expectations_may_become_queries_by_their_kind_their_rule_or_their_id() -> None:
    listed = "{queries: {checks: [freshness, recent_mean, kept/base//north, outlier, keptt]}}"
    found = misspelt_checks(study(f"{STUDY}\nquality: {listed}"))

    assert [str(one).partition(";")[0] for one in found] == [
        "quality.queries.checks: there is no check 'keptt'"
    ]


def test_all_checks_that_a_good_study_names_are_known() -> None:
    assert misspelt_checks(study(STUDY + GOOD)) == []
