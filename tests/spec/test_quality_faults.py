"""A clean project raises nothing; each fault is found by the expectation meant for it."""

from __future__ import annotations

import pytest

from tests.spec.history_faults import FAULTS
from tests.spec.history_trial import Nights, judge_measures, raised_on
from tests.spec.project_history import FAULT_NIGHT, FIRST_NIGHT, Shape, make_history

# So that it takes seconds; the benchmark looks every night, and at all faults.
_EACH = 4
_BY_NAME = {fault.name: fault for fault in FAULTS}


@pytest.fixture(scope="module")
def nights() -> Nights:
    """A small project of three sites, seen on some nights."""
    return Nights(make_history(11, Shape(sites=3, events=2, codes=2)), step=_EACH)


def test_a_clean_project_raises_nothing(nights: Nights) -> None:
    raised = raised_on(nights, [FIRST_NIGHT, FIRST_NIGHT + 4, FAULT_NIGHT])

    assert raised == {}


@pytest.mark.parametrize(
    ("name", "after"),
    [
        ("records are lost", 0),
        ("imports are repeated", 0),
        ("mean drifts", 20),
        ("form is not completed", 24),
        ("enrolments are skipped", 12),
        ("dates shift", 12),
        ("phones are missing", 24),
        ("messages fail", 12),
    ],
)
def test_a_fault_is_found_by_its_own_kind(nights: Nights, name: str, after: int) -> None:
    fault = _BY_NAME[name]
    befallen, night = nights.befallen(fault), FAULT_NIGHT + after

    failed = judge_measures(befallen.asked(night))

    assert {one.kind for one in failed} & fault.kinds
