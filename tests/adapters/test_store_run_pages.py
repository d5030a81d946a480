"""What runs tell of themselves, and the ways between their pages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from store_cases import NOW, begin, make_verdicts, open_store

from capstan.store import (
    Run,
    RunKind,
    RunState,
    Store,
    approve_held,
    end_run,
    hold_run,
    load_keys,
    read_reference,
    record_gate,
    refer_to,
    refer_to_all,
    use_approval,
)
from capstan.store.run_pages import run_after, run_before, runs_answered, runs_answering
from capstan.triggers import Place

DIGEST = "ab" * 32


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


def judged(store: Store, *, minutes: int = 0, about: Any = None, **changes: Any) -> Run:
    """An open run of some minutes later that the gate has judged, with something to tell."""
    run = begin(store, now=NOW + timedelta(minutes=minutes), **changes)
    told = {"versions": {"Capstan": "0.1.0"}} if about is None else about
    return record_gate(
        store,
        run,
        decision="APPLY",
        plan_digest=DIGEST,
        counts={},
        verdicts=make_verdicts(),
        now=NOW,
        about=told,
    )


def ended(store: Store, **changes: Any) -> Run:
    return end_run(store, judged(store, **changes), state=RunState.DONE, now=NOW)


def test_what_a_run_tells_grows_until_its_end(store: Store) -> None:
    run = end_run(store, judged(store), state=RunState.DONE, now=NOW, about={"steps": [["export", 1, 0.5]]})

    assert run.about == {"versions": {"Capstan": "0.1.0"}, "steps": [["export", 1, 0.5]]}


def test_a_run_with_nothing_to_tell_is_passed_over_on_the_way(store: Store) -> None:
    first, _, third = (
        ended(store, minutes=minutes, about=about) for minutes, about in ((0, None), (1, {}), (2, None))
    )
    ended(store, minutes=1, study="other")

    assert (run_before(store, first), run_after(store, third)) == (None, None)
    assert run_after(store, first) == third
    assert run_before(store, third) == first


def test_runs_that_began_at_once_are_in_one_order(store: Store) -> None:
    runs = sorted((ended(store) for _ in range(3)), key=lambda run: run.id)

    assert [run_after(store, run) for run in runs] == [*runs[1:], None]
    assert [run_before(store, run) for run in runs] == [None, *runs[:-1]]


def test_an_undo_and_its_run_answer_each_other(store: Store) -> None:
    run = ended(store)
    undo = ended(store, minutes=1, kind=RunKind.REVERT, reverts=run.id)
    ended(store, minutes=2, kind=RunKind.REVERT, reverts=run.id, dry_run=True)

    assert [one.id for one in runs_answered(store, undo)] == [run.id]
    assert [one.id for one in runs_answering(store, run)] == [undo.id]
    assert runs_answered(store, run) == runs_answering(store, undo) == ()


def test_postgresql_knows_the_ways_too(postgres_url: str, tmp_path: Path) -> None:
    with Store.open(postgres_url, load_keys(None, home=tmp_path)) as store:
        first, _, third = (
            ended(store, minutes=minutes, about=about) for minutes, about in ((0, None), (1, {}), (2, None))
        )
        place = Place("R-1", "base", "exam", "")
        named = [refer_to_all(store, "demo", project=("a", 1), places=[place], now=NOW) for _ in range(2)]

        assert (run_after(store, first), run_before(store, third)) == (third, first)
        assert runs_answered(store, first) == ()
        assert named[0] == named[1]


def test_a_held_plan_and_the_run_that_applied_it_answer_each_other(store: Store) -> None:
    plan = pd.DataFrame({"record": ["1"]}, dtype="str")
    until = NOW + timedelta(days=1)
    held = hold_run(
        store, judged(store), plan=plan, basis={}, expires_at=until, note="", now=NOW, about={"x": 1}
    )
    approval = approve_held(store, held, by="Ann", reason="fine", now=NOW, expires_at=until)
    applying = judged(store, minutes=1)
    use_approval(store, held, approval=approval, by=applying, note="applied", now=NOW)

    assert held.about == {"versions": {"Capstan": "0.1.0"}, "x": 1}
    assert [one.id for one in runs_answered(store, applying)] == [held.id]
    assert [one.id for one in runs_answering(store, held)] == [applying.id]


def test_forms_are_named_at_once_as_they_are_one_by_one(store: Store) -> None:
    project, places = ("redcap.test", 14), [Place(f"R-{number}", "base", "exam", "") for number in range(3)]
    one_by_one = [refer_to(store, "demo", project=project, place=place, now=NOW) for place in places]
    at_once = refer_to_all(store, "demo", project=project, places=places, now=NOW)

    assert at_once == one_by_one
    found = read_reference(store, at_once[2])
    assert found is not None
    assert found.place == places[2]
