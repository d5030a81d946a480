"""A clean project raises nothing; each fault is found by the expectation meant for it."""

from __future__ import annotations

import pytest

from tests.spec.history_faults import FAULTS, Fault
from tests.spec.history_trial import Nights, judge_measures, raised_on
from tests.spec.project_history import FAULT_NIGHT, FIRST_NIGHT, Shape, make_history

# So that it takes seconds; the benchmark looks every night.
_EACH = 4


@pytest.fixture(scope="module")
def nights() -> Nights:
    """A small project of three sites, seen on some nights."""
    return Nights(make_history(11, Shape(sites=3, events=2, pace=5.0)), step=_EACH)


def test_a_clean_project_raises_nothing(nights: Nights) -> None:
    raised = raised_on(nights, [FIRST_NIGHT, FIRST_NIGHT + 4, FIRST_NIGHT + 20, FAULT_NIGHT])

    assert raised == {}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_found_by_its_own_kind(nights: Nights, fault: Fault) -> None:
    befallen = nights.befallen(fault)
    looks = [FAULT_NIGHT, FAULT_NIGHT + 12, FAULT_NIGHT + 24]

    found = [judge_measures(night, befallen.asked(night)) for night in looks]

    assert any(one.kind in fault.kinds for failed in found for one in failed)
