"""Runs begin, move and end; only one is open for a study and project."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from store_cases import NOW, begin, make_cells, make_outcomes, make_verdicts, open_store

from capstan.errors import Refused, StoreError, UsageError
from capstan.store import (
    BatchState,
    RunKind,
    RunState,
    Store,
    end_run,
    find_run,
    finish_batch,
    hold_run,
    journal,
    list_batches,
    list_runs,
    mark_reverted,
    mark_sent,
    read_held_plan,
    read_verdicts,
    record_gate,
    reject_held,
)

CELLS = make_cells("71", "82")
BASIS = {"dictionary": "d", "limits": {"records": 5}}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


def hold(store: Store, *, digest: str, now: datetime = NOW, plan=CELLS[["record", "after"]]):
    run = begin(store, now=now)
    gate = {"decision": "HOLD", "plan_digest": digest, "counts": {"cells_planned": 2}}
    record_gate(store, run, verdicts=make_verdicts(), now=now, **gate)
    week = now + timedelta(days=7)
    return hold_run(store, run, plan=plan, basis=BASIS, expires_at=week, note="above a limit", now=now)


def test_a_run_comes_back_as_it_was_begun(store: Store) -> None:
    run = begin(store, now=NOW.astimezone(timezone(timedelta(hours=5))))

    assert find_run(store, run.id) == run
    assert run.id.startswith("20261122-101530-")
    assert (run.study, run.flow, run.kind, run.project_id) == ("demo", "import_file", RunKind.WRITE, 14)
    assert (run.state, run.started_at, run.started_at.tzinfo) == (RunState.OPEN, NOW, UTC)


def test_a_time_without_a_zone_is_an_error(store: Store) -> None:
    with pytest.raises(StoreError, match="aware"):
        begin(store, now=NOW.replace(tzinfo=None))

    assert list_runs(store) == ()


def test_a_second_open_run_is_refused_with_the_first_named(store: Store) -> None:
    run = begin(store)

    with pytest.raises(
        Refused, match=rf"{run.id} \(import_file\) of study demo .* since 2026-11-22 10:15 UTC"
    ):
        begin(store, now=NOW + timedelta(minutes=1))
    assert list_runs(store) == (run,)


def test_a_run_that_is_writing_refuses_others_too(store: Store) -> None:
    journal(store, begin(store), cells=CELLS, overwrite=False, now=NOW)

    with pytest.raises(Refused, match="Wait until it has ended"):
        begin(store)


@pytest.mark.parametrize("change", [{"study": "other"}, {"project_id": 15}, {"host": "elsewhere.test"}])
def test_runs_of_other_studies_projects_and_servers_are_in_nobodys_way(store: Store, change: dict) -> None:
    first = begin(store)

    assert begin(store, **change).id != first.id


def test_a_run_may_begin_when_the_one_before_has_ended(store: Store) -> None:
    end_run(store, begin(store), state=RunState.IDLE, now=NOW)

    assert begin(store).state is RunState.OPEN


def test_dry_runs_neither_refuse_nor_are_refused(store: Store) -> None:
    dry = begin(store, dry_run=True)
    wet = begin(store)

    assert begin(store, dry_run=True).id not in {dry.id, wet.id}


def test_a_dry_run_cannot_journal(store: Store) -> None:
    dry = begin(store, dry_run=True)

    with pytest.raises(StoreError, match="dry run"):
        journal(store, dry, cells=CELLS, overwrite=False, now=NOW)


def test_a_run_to_revert_must_name_a_run_of_this_store(store: Store) -> None:
    with pytest.raises(StoreError, match="`reverts` names no run"):
        begin(store, kind=RunKind.REVERT, reverts="20200101-000000-abcdef")

    assert list_runs(store) == ()


def test_the_gate_and_the_end_add_up_to_one_account(store: Store) -> None:
    run = begin(store)
    counts = {"cells_planned": 3, "range": 1}
    record_gate(
        store,
        run,
        decision="APPLY",
        plan_digest="d1",
        counts=counts,
        verdicts=make_verdicts("no\nway"),
        now=NOW,
    )
    ended = end_run(
        store, run, state=RunState.PARTLY, counts={"cells_written": 2}, note="1 cell moved on", now=NOW
    )

    assert ended == find_run(store, run.id)
    assert ended.counts == {"cells_planned": 3, "range": 1, "cells_written": 2}
    assert (ended.decision, ended.plan_digest, ended.note) == ("APPLY", "d1", "1 cell moved on")
    assert (ended.ended_at, ended.is_open) == (NOW, False)
    assert read_verdicts(store, run).equals(make_verdicts("no\nway").assign(link="").astype("str"))


def test_a_run_without_a_gate_has_no_verdicts(store: Store) -> None:
    run = begin(store)

    assert read_verdicts(store, run).shape == (0, 9)


def test_an_ended_run_takes_no_more_batches(store: Store) -> None:
    run = begin(store)
    end_run(store, run, state=RunState.REFUSED, now=NOW)

    with pytest.raises(StoreError, match=f"{run.id} is refused, so it cannot become writing"):
        journal(store, run, cells=CELLS, overwrite=False, now=NOW)


@pytest.mark.parametrize("state", [RunState.IDLE, RunState.REFUSED])
def test_a_run_that_journaled_cannot_end_as_if_it_had_not(store: Store, state: RunState) -> None:
    run = begin(store)
    journal(store, run, cells=CELLS, overwrite=False, now=NOW)

    with pytest.raises(StoreError, match=f"cannot become {state}"):
        end_run(store, run, state=state, now=NOW)


@pytest.mark.parametrize("state", [RunState.OPEN, RunState.HELD, RunState.REVERTED])
def test_states_with_a_verb_of_their_own_are_no_way_to_end(store: Store, state: RunState) -> None:
    run = begin(store)

    with pytest.raises(StoreError, match=f"does not end as {state}"):
        end_run(store, run, state=state, now=NOW)


def test_a_run_is_not_done_before_each_batch_is_verified(store: Store) -> None:
    run = begin(store)
    batch = journal(store, run, cells=CELLS, overwrite=False, now=NOW)
    mark_sent(store, run, batch=batch, now=NOW)

    with pytest.raises(StoreError, match="without an outcome"):
        end_run(store, run, state=RunState.DONE, now=NOW)
    assert find_run(store, run.id).state is RunState.WRITING


def test_a_run_that_fails_leaves_its_open_batches_unresolved(store: Store) -> None:
    run = begin(store)
    first = journal(store, run, cells=CELLS, overwrite=False, now=NOW)
    finish_batch(store, run, batch=first, outcomes=make_outcomes(CELLS, "written", "written"), now=NOW)
    journal(store, run, cells=CELLS, overwrite=False, now=NOW)
    end_run(store, run, state=RunState.FAILED, now=NOW)

    states = [batch.state for batch in list_batches(store, run)]
    assert states == [BatchState.VERIFIED, BatchState.UNRESOLVED]


def test_a_run_is_marked_reverted_by_the_run_that_undid_it_only(store: Store) -> None:
    written = end_run(store, begin(store), state=RunState.DONE, now=NOW)
    stranger = end_run(store, begin(store), state=RunState.DONE, now=NOW)
    revert = begin(store, kind=RunKind.REVERT, reverts=written.id)

    assert mark_reverted(store, written, by=revert, now=NOW).state is RunState.REVERTED
    with pytest.raises(StoreError, match="not begun to revert"):
        mark_reverted(store, stranger, by=revert, now=NOW)
    with pytest.raises(StoreError, match="is reverted, so it cannot become reverted"):
        mark_reverted(store, written, by=revert, now=NOW)


def test_a_refused_run_cannot_be_reverted(store: Store) -> None:
    refused = end_run(store, begin(store), state=RunState.REFUSED, now=NOW)
    revert = begin(store, kind=RunKind.REVERT, reverts=refused.id)

    with pytest.raises(StoreError, match="is refused, so it cannot become reverted"):
        mark_reverted(store, refused, by=revert, now=NOW)


def test_a_held_plan_is_found_by_the_beginning_of_its_digest(store: Store) -> None:
    held = hold(store, digest="abc123")

    run, plan = read_held_plan(store, "abc")
    assert run == held
    assert plan.equals(CELLS[["record", "after"]])
    assert (run.state, run.decision, run.counts) == (RunState.HELD, "HOLD", {"cells_planned": 2})


def test_a_plan_held_night_after_night_is_one_plan(store: Store) -> None:
    hold(store, digest="abc123")
    newest = hold(store, digest="abc123", now=NOW + timedelta(days=1))

    assert read_held_plan(store, "abc123")[0] == newest
    reject_held(store, newest, note="rejected by Ann: wrong file", now=NOW)
    assert {run.state for run in list_runs(store)} == {RunState.REFUSED}


def test_two_plans_with_one_beginning_are_not_guessed_between(store: Store) -> None:
    hold(store, digest="abc123")
    hold(store, digest="abc456")

    with pytest.raises(UsageError, match="Several held plans begin with 'abc'"):
        read_held_plan(store, "abc")


@pytest.mark.parametrize("prefix", ["", " ", "zzz", "%"])
def test_a_digest_that_fits_no_held_plan_is_an_error(store: Store, prefix: str) -> None:
    hold(store, digest="abc123")

    with pytest.raises(UsageError, match="No held plan begins with"):
        read_held_plan(store, prefix)


def test_a_run_without_a_digest_cannot_be_held(store: Store) -> None:
    with pytest.raises(StoreError, match="record the gate"):
        hold_run(store, begin(store), plan=CELLS[["record"]], basis=BASIS, expires_at=NOW, note="", now=NOW)

    assert list_runs(store, state=RunState.HELD) == ()


def test_a_run_is_found_by_a_unique_beginning(store: Store) -> None:
    run = begin(store, now=NOW)
    begin(store, study="other", now=NOW + timedelta(seconds=1))

    assert find_run(store, "20261122-101530") == run


def test_a_beginning_that_fits_two_runs_lists_them(store: Store) -> None:
    ids = {begin(store).id, begin(store, study="other").id}

    with pytest.raises(UsageError, match="More than one run begins with '20261122'") as caught:
        find_run(store, "20261122")
    assert all(run_id in str(caught.value) for run_id in ids)


@pytest.mark.parametrize("name", ["", "2025", "_", "20261122-101530-zzzzzz"])
def test_an_unknown_run_id_is_a_usage_error(store: Store, name: str) -> None:
    begin(store)

    with pytest.raises(UsageError, match="There is no run"):
        find_run(store, name)


def test_runs_are_listed_newest_first_and_by_study(store: Store) -> None:
    first, second = (begin(store, study=s, now=NOW + timedelta(hours=h)) for h, s in enumerate("ab"))

    assert list_runs(store) == (second, first)
    assert list_runs(store, limit=1) == (second,)
    assert list_runs(store, "a") == (first,)
