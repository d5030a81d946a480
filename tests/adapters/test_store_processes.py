"""Two processes on one store: races, sudden death, and taking over."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from sqlalchemy import text
from store_cases import NOW, begin, make_cells, make_outcomes, open_store

from capstan.errors import CapstanError, Refused
from capstan.store import (
    BatchState,
    Run,
    RunState,
    Store,
    adopt_run,
    beat,
    end_run,
    find_run,
    finish_batch,
    journal,
    list_batches,
    list_runs,
    mark_sent,
    read_images,
    stale_runs,
)

CELLS = make_cells("71", "82")
SPAWN = multiprocessing.get_context("spawn")
ELSEWHERE = "elsewhere/1/0:17:boot-99"
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


def race(folder: Path, gate, answers) -> None:
    """Wait for the others, then open the store and begin a run."""
    gate.wait(60)
    try:
        with open_store(folder) as store:
            answers.put(begin(store).id)
    except CapstanError as error:
        answers.put(type(error).__name__)
    # Nobody leaves before all have tried, or the loser would find the winner dead.
    gate.wait(60)


def journal_and_hang(folder: Path, pipe: Connection) -> None:
    store = open_store(folder)
    run = begin(store)
    pipe.send((run.id, journal(store, run, cells=CELLS, overwrite=True, now=NOW)))
    pipe.recv()


def kill_after_journal(folder: Path) -> str:
    """Let a process journal a batch and kill it as a power cut would; returns the run's id."""
    here, there = SPAWN.Pipe()
    process = SPAWN.Process(target=journal_and_hang, args=(folder, there))
    process.start()
    assert here.poll(60)
    run_id, _ = here.recv()
    os.kill(process.pid, signal.SIGKILL)
    process.join(60)
    process.close()
    here.close()
    there.close()
    return run_id


def move_to(store: Store, run: Run, owner: str) -> Run:
    """Make a run look as if another process had begun it."""
    with store.write() as connection:
        statement = text("UPDATE run SET owner = :owner WHERE id = :id")
        connection.execute(statement, {"owner": owner, "id": run.id})
    return replace(run, owner=owner)


def dead_owner(run: Run) -> str:
    """This very process id, but of a process that started earlier."""
    place, pid, _ = run.owner.rsplit(":", 2)
    return f"{place}:{pid}:boot-1"


def test_of_processes_that_race_for_a_new_store_exactly_one_begins_a_run(tmp_path: Path) -> None:
    gate, answers = SPAWN.Barrier(3), SPAWN.Queue()
    racers = [SPAWN.Process(target=race, args=(tmp_path, gate, answers)) for _ in range(3)]
    for racer in racers:
        racer.start()
    given = [answers.get(timeout=60) for _ in racers]
    for racer in racers:
        racer.join(60)

    with open_store(tmp_path) as store:
        (winner,) = list_runs(store)
    assert sorted(given) == sorted([winner.id, "Refused", "Refused"])


def test_a_process_killed_after_journaling_leaves_its_images_and_is_found(tmp_path: Path) -> None:
    run_id = kill_after_journal(tmp_path)

    with open_store(tmp_path) as store:
        (run,) = stale_runs(store, "demo", now=NOW)
        assert (run.id, run.state) == (run_id, RunState.WRITING)
        assert read_images(store, run)["before"].tolist() == ["71", "82"]
        with pytest.raises(Refused, match="must be settled first"):
            begin(store)
        mine = adopt_run(store, run, now=NOW)
        outcomes = make_outcomes(CELLS, "not_written", "not_written")
        finish_batch(store, mine, batch=1, outcomes=outcomes, now=NOW)
        end_run(store, mine, state=RunState.INTERRUPTED, now=NOW)
        assert list_batches(store, run)[0].state is BatchState.VERIFIED
        assert begin(store).state is RunState.OPEN


def test_a_run_of_a_living_process_is_not_stale_however_old_its_heartbeat(store: Store) -> None:
    begin(store)

    assert stale_runs(store, "demo", now=NOW + timedelta(days=3)) == ()


def test_a_process_id_that_was_given_to_another_process_does_not_count(store: Store) -> None:
    run = begin(store)
    gone = move_to(store, run, dead_owner(run))

    assert stale_runs(store, "demo", now=NOW) == (gone,)
    assert stale_runs(store, "other", now=NOW) == ()


@pytest.mark.parametrize(("minutes", "is_stale"), [(10, False), (11, True)])
def test_a_run_of_another_host_is_stale_after_its_lease(store: Store, minutes: int, is_stale: bool) -> None:
    move_to(store, begin(store), ELSEWHERE)

    assert bool(stale_runs(store, "demo", now=NOW + timedelta(minutes=minutes))) is is_stale


def test_a_heartbeat_renews_the_lease(store: Store) -> None:
    run = move_to(store, begin(store), ELSEWHERE)
    beat(store, run, now=NOW + timedelta(minutes=8))

    assert stale_runs(store, "demo", now=NOW + timedelta(minutes=17)) == ()


def test_each_step_of_writing_is_a_heartbeat(store: Store) -> None:
    run = begin(store)
    batch = journal(store, run, cells=CELLS, overwrite=False, now=NOW + timedelta(minutes=1))
    after_journal = find_run(store, run.id).heartbeat_at
    mark_sent(store, run, batch=batch, now=NOW + timedelta(minutes=2))
    after_sent = find_run(store, run.id).heartbeat_at
    finish_batch(store, run, batch=batch, outcomes=None, now=NOW + timedelta(minutes=3))
    after_finish = find_run(store, run.id).heartbeat_at

    beats = (after_journal, after_sent, after_finish)
    assert [(time - NOW).seconds // 60 for time in beats] == [1, 2, 3]


def test_a_process_that_was_taken_for_dead_can_write_no_more(store: Store) -> None:
    slow = move_to(store, begin(store), ELSEWHERE)
    batch = journal(store, slow, cells=CELLS, overwrite=False, now=NOW)
    adopt_run(store, find_run(store, slow.id), now=NOW + timedelta(minutes=30))

    with pytest.raises(Refused, match="now belongs to process"):
        mark_sent(store, slow, batch=batch, now=NOW)
    with pytest.raises(Refused, match="now belongs to process"):
        journal(store, slow, cells=CELLS, overwrite=False, now=NOW)
    with pytest.raises(Refused, match="now belongs to process"):
        beat(store, slow, now=NOW)


def test_a_living_run_cannot_be_adopted(store: Store) -> None:
    with pytest.raises(Refused, match="is alive in process"):
        adopt_run(store, begin(store), now=NOW + timedelta(days=3))


def test_of_two_that_adopt_a_dead_run_one_is_refused(store: Store) -> None:
    seen = move_to(store, begin(store), ELSEWHERE)
    later = NOW + timedelta(minutes=30)
    adopt_run(store, seen, now=later)

    with pytest.raises(Refused, match="taken over or ended by another process"):
        adopt_run(store, seen, now=later)


def test_a_process_that_beats_at_the_last_moment_keeps_its_run(store: Store) -> None:
    seen = move_to(store, begin(store), ELSEWHERE)
    later = NOW + timedelta(minutes=30)
    beat(store, seen, now=later)

    with pytest.raises(Refused, match="taken over or ended by another process"):
        adopt_run(store, seen, now=later)
    assert find_run(store, seen.id).owner == ELSEWHERE
