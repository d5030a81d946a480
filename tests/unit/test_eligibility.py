"""Who is eligible, who is not, and who cannot be judged yet."""

from __future__ import annotations

import pandas as pd
import pytest

from capstan.eligibility import EligibilityResult, check_eligibility, wanted_eligibility
from capstan.errors import LogicError, StudyError
from capstan.logic import Layout, Table
from capstan.plan import KEY_NAMES
from tests.unit.visit_cases import LAYOUT, NOW, baseline, follow_up, frame_of, study_of

RULES = {
    "event": "baseline_arm_1",
    "criteria": [
        {"id": "age", "rule": "[age] >= 3 and [age] <= 6", "reason": "child must be 3 to 6"},
        {"id": "consent", "rule": "[consent(1)] = '1'", "reason": "consent is missing"},
        {"id": "allocated", "rule": "[baseline_arm_1][rand_date] <> ''", "reason": "not allocated"},
    ],
    "write": {"status": "verdict", "reasons": "reasons"},
}
CASES = """
4  | 1 | 2026-01-01 | eligible     |
4  | 0 | 2026-01-01 | ineligible   | consent is missing
9  | 1 | 2026-01-01 | ineligible   | child must be 3 to 6
   | 1 | 2026-01-01 | undetermined | child must be 3 to 6
   | 1 |            | undetermined | child must be 3 to 6; not allocated
   | 0 | 2026-01-01 | ineligible   | child must be 3 to 6; consent is missing
9  | 1 |            | ineligible   | child must be 3 to 6; not allocated
"""


def judged(*rows: dict[str, str], layout: Layout = LAYOUT, **changes: object) -> EligibilityResult:
    study = study_of(eligibility=RULES | changes)
    return check_eligibility(study, Table(frame_of(*rows), layout), now=NOW)


def case(record: str, line: str) -> tuple[dict[str, str], list[str]]:
    age, consent, day, status, reasons = (cell.strip() for cell in line.split("|"))
    row = baseline(record, age=age, consent___1=consent, rand_date=day)
    return row, [record, "baseline_arm_1", status, reasons]


def test_every_mix_of_met_failed_and_blank_gives_its_status_and_reasons() -> None:
    cases = [case(str(number), line) for number, line in enumerate(CASES.strip().splitlines())]

    result = judged(*(row for row, _ in cases))

    assert result.participants.to_numpy().tolist() == [expected for _, expected in cases]


def test_the_counts_of_each_criterion_cover_everybody() -> None:
    cases = [case(str(number), line)[0] for number, line in enumerate(CASES.strip().splitlines())]

    counts = judged(*cases).criteria

    assert counts.to_numpy().tolist() == [["age", 2, 2, 3], ["consent", 5, 2, 0], ["allocated", 5, 0, 2]]


def test_only_the_rows_of_the_event_that_do_not_repeat_are_judged() -> None:
    repeated = baseline("2", age="4", redcap_repeat_instrument="info", redcap_repeat_instance="1")

    result = judged(baseline("1", age="4"), repeated, follow_up("3", "6_month_arm_2", age="4"))

    assert result.participants["record"].tolist() == ["1"]


def test_without_criteria_everybody_is_eligible() -> None:
    result = judged(baseline("1"), criteria=[])

    assert result.participants["status"].tolist() == ["eligible"]
    assert result.criteria.empty


def test_nobody_is_judged_in_an_empty_project() -> None:
    result = judged()

    assert result.participants.empty
    assert result.criteria["met"].tolist() == [0, 0, 0]


def test_a_criterion_about_an_unknown_field_raises() -> None:
    with pytest.raises(LogicError, match="aeg"):
        judged(baseline("1"), criteria=[{"id": "age", "rule": "[aeg] > 3", "reason": "x"}])


def test_status_and_reasons_are_wanted_on_the_event() -> None:
    rows = [case(str(number), line)[0] for number, line in enumerate(CASES.strip().splitlines()[:2])]
    result = judged(*rows)

    wanted = wanted_eligibility(study_of(eligibility=RULES), result, layout=LAYOUT)

    expected = pd.DataFrame(
        [
            ["0", "baseline_arm_1", "", "", "eligible", "all criteria met"],
            ["1", "baseline_arm_1", "", "", "ineligible", "consent is missing"],
        ],
        columns=["record_id", *KEY_NAMES, "verdict", "reasons"],
        dtype="str",
    )
    pd.testing.assert_frame_equal(wanted, expected)


def test_a_choice_field_takes_the_code_whose_label_is_the_status() -> None:
    layout = Layout(**(vars(LAYOUT) | {"choices": {"verdict": {"1": "ELIGIBLE", "2": "Ineligible"}}}))
    study = study_of(eligibility=RULES)

    wanted = wanted_eligibility(study, judged(case("1", CASES.strip().splitlines()[0])[0]), layout=layout)

    assert wanted["verdict"].tolist() == ["1"]
    with pytest.raises(StudyError, match='verdict has no choice "undetermined"'):
        wanted_eligibility(study, judged(baseline("1", consent___1="1")), layout=layout)
