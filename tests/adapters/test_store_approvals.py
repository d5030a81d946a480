"""Held plans are approved or rejected once, by name, and for a time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from store_cases import NOW, begin, make_cells, make_verdicts, open_store

from capstan.errors import Refused
from capstan.store import (
    Run,
    RunState,
    Store,
    approve_held,
    find_approval,
    find_run,
    hold_run,
    list_runs,
    record_gate,
    reject_held,
    use_approval,
)

LATER = NOW + timedelta(hours=1)
PLAN = make_cells("71").drop(columns=["row_existed", "form_saved"])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


def hold(store: Store, digest: str = "abc", **changes: object) -> Run:
    run = begin(store, **changes)
    record_gate(store, run, decision="HOLD", plan_digest=digest, counts={}, verdicts=make_verdicts(), now=NOW)
    return hold_run(store, run, plan=PLAN, basis={"limits": {}}, expires_at=LATER, note="", now=NOW)


def approve(store: Store, run: Run, by: str = "Ann") -> object:
    return approve_held(store, run, by=by, reason="as planned", now=NOW, expires_at=LATER)


def test_a_held_run_keeps_what_it_was_judged_by_and_until_when(store: Store) -> None:
    run = hold(store)

    assert (find_run(store, run.id).basis, run.expires_at) == ({"limits": {}}, LATER)


def test_an_approval_comes_back_with_name_reason_and_times(store: Store) -> None:
    run = hold(store)
    given = approve(store, run)

    assert find_approval(store, run) == given
    assert find_run(store, run.id).state is RunState.HELD


def test_a_second_approval_replaces_the_first(store: Store) -> None:
    run = hold(store)
    approve(store, run)
    again = approve(store, run, by="Ben")

    assert find_approval(store, run) == again


def test_an_equal_plan_that_is_held_again_is_approved_too(store: Store) -> None:
    given = approve(store, hold(store))
    again = hold(store, now=NOW + timedelta(minutes=5))

    assert find_approval(store, again) == given


@pytest.mark.parametrize("change", [{"study": "other"}, {"project_id": 15}, {"host": "elsewhere.test"}])
def test_a_plan_of_another_study_project_or_server_is_not(store: Store, change: dict) -> None:
    approve(store, hold(store))
    other = hold(store, **change)

    assert find_approval(store, other) is None


def test_an_approval_is_used_once_and_says_by_which_run(store: Store) -> None:
    run = hold(store)
    approval = approve(store, run)
    applying = begin(store)
    use_approval(store, run, approval=approval, by=applying, note="applied", now=NOW)

    assert find_run(store, run.id).state is RunState.APPROVED
    with pytest.raises(Refused, match="is held no more: the run is approved"):
        use_approval(store, run, approval=approval, by=applying, note="again", now=NOW)


def test_using_an_approval_closes_all_runs_that_hold_the_same_plan(store: Store) -> None:
    first = hold(store)
    second = hold(store)
    approval = approve(store, first)
    use_approval(store, second, approval=approval, by=begin(store), note="applied", now=NOW)

    assert list_runs(store, state=RunState.HELD) == ()


def test_a_rejected_plan_can_no_longer_be_approved(store: Store) -> None:
    run = hold(store)
    reject_held(store, run, note="rejected by Ann: wrong file", now=NOW)

    assert find_run(store, run.id).note == "rejected by Ann: wrong file"
    with pytest.raises(Refused, match="is held no more: the run is refused"):
        approve(store, run)
