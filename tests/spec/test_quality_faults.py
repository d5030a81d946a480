"""A clean project raises nothing; each fault is found by the expectation meant for it."""

from __future__ import annotations

import pytest

from tests.spec.history_faults import FAULTS
from tests.spec.history_trial import Nights, judge_measures, raised_on
from tests.spec.project_history import FAULT_NIGHT, FIRST_NIGHT, Shape, make_history

_ENDED = 80
"""The night after which nobody enters anything, in a project that stands."""

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


def test_a_project_that_began_with_an_import_raises_nothing() -> None:
    nights = Nights(make_history(3, Shape(sites=3, events=3, codes=2, at_once=True)), step=_EACH)

    raised = raised_on(nights, range(FIRST_NIGHT, FAULT_NIGHT + _EACH, 2 * _EACH))

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
        ("dates are overwritten", 0),
        ("statuses are reset", 0),
        ("phones are missing", 24),
        ("messages fail", 12),
    ],
)
def test_a_fault_is_found_by_its_own_kind(nights: Nights, name: str, after: int) -> None:
    fault = _BY_NAME[name]
    befallen, night = nights.befallen(fault), FAULT_NIGHT + after

    failed = judge_measures(befallen.asked(night))

    assert {one.kind for one in failed} & fault.kinds


@pytest.mark.parametrize("name", ["dates are overwritten", "statuses are reset", "records are lost"])
def test_what_stands_is_not_to_change_though_nothing_new_comes(nights: Nights, name: str) -> None:
    rows = nights.history.rows
    ended = Nights(nights.history.changed(rows[rows["_entered"] <= _ENDED]), step=_EACH)

    before = {one.kind for one in judge_measures(ended.asked(FAULT_NIGHT - _EACH))}
    after = {one.kind for one in judge_measures(ended.befallen(_BY_NAME[name]).asked(FAULT_NIGHT))}

    assert before <= {"freshness"}
    assert after & _BY_NAME[name].kinds
