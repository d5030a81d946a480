"""A backup holds the store as it was at one moment; restored, on either database, it is all there again."""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path

import pytest
from outbox_cases import ROOM, planned, queue
from sqlalchemy import text
from store_cases import NASTY, NOW, begin, bytes_on_disk, make_cells, make_outcomes, store_url

from capstan.errors import CapstanError, Refused, StoreError, UsageError
from capstan.message import MessageState
from capstan.store import (
    KeyRing,
    RunKind,
    RunState,
    Store,
    end_run,
    finish_batch,
    journal,
    list_messages,
    list_runs,
    list_stops,
    load_keys,
    read_images,
    write_watermark,
)
from capstan.store.backup import back_up, key_name, opened_backup, read_label
from capstan.store.migrate import known_versions, migrate_to, version_of
from capstan.store.restoring import restore
from capstan.store.row_copies import count_rows
from capstan.store.rows import Run

VALUES = tuple(value.replace("\x00", "") for value in NASTY)
CELLS = make_cells(*VALUES)


def fill(store: Store) -> Run:
    """A store with a run that was undone, its before-images, and a message that waits."""
    run = begin(store)
    number = journal(store, run, cells=CELLS, overwrite=False, now=NOW)
    outcomes = make_outcomes(CELLS, *["written"] * len(CELLS))
    finish_batch(store, run, batch=number, outcomes=outcomes, now=NOW)
    run = end_run(store, run, state=RunState.DONE, now=NOW)
    undo = begin(store, kind=RunKind.REVERT, reverts=run.id)
    end_run(store, undo, state=RunState.DONE, now=NOW)
    write_watermark(store, "demo", name="seen", value="Zoë 😀", now=NOW)
    queue(store, planned())
    return run


def rows_of(url: str, keys: KeyRing) -> dict[str, int]:
    with Store.open(url, keys) as store, store.read() as connection:
        return count_rows(connection)


def test_what_was_backed_up_comes_back_and_what_came_later_is_gone(url: str, tmp_path: Path) -> None:
    keys, file = load_keys(None, home=tmp_path), tmp_path / "backup"
    with Store.open(url, keys) as store:
        run = fill(store)
        before = list_runs(store)
        made = back_up(url, file, keys=store.keys, now=NOW)
        end_run(store, begin(store), state=RunState.IDLE, now=NOW)

    restore(url, file, keys=keys, now=NOW)

    with Store.open(url, keys) as store:
        assert list_runs(store) == before
        assert read_images(store, run)["before"].tolist() == list(VALUES)
        assert end_run(store, begin(store), state=RunState.IDLE, now=NOW).state == "idle"
        assert queue(store, planned(2)).added == 1
    assert made.rows["run"] == 2


def test_a_store_moves_from_one_database_to_the_other_and_back(postgres_url: str, tmp_path: Path) -> None:
    keys, here = load_keys(None, home=tmp_path), store_url(tmp_path)
    with Store.open(here, keys) as store:
        run, runs = fill(store), list_runs(store)
    counts = rows_of(here, keys)

    back_up(here, tmp_path / "one", keys=keys, now=NOW)
    restore(postgres_url, tmp_path / "one", keys=keys, now=NOW)
    back_up(postgres_url, tmp_path / "two", keys=keys, now=NOW)
    restore(here, tmp_path / "two", keys=keys, now=NOW)

    # A restore stops messages, which is a row of its own.
    assert rows_of(here, keys) | {"channel_state": 0} == counts | {"channel_state": 0}
    for url in (postgres_url, here):
        with Store.open(url, keys) as store:
            assert list_runs(store) == runs
            assert list_runs(store)[0].started_at == NOW
            assert read_images(store, run)["before"].tolist() == list(VALUES)


def test_a_backup_is_one_private_file_in_which_no_value_can_be_read(tmp_path: Path) -> None:
    planted, folder = "Planted-Participant-4711", tmp_path / "backups"
    folder.mkdir()
    keys = load_keys(None, home=tmp_path)
    with Store.open(store_url(tmp_path), keys) as store:
        journal(store, begin(store), cells=make_cells(planted), overwrite=False, now=NOW)
        back_up(store_url(tmp_path), folder / "b", keys=keys, now=NOW)

    assert [path.name for path in folder.iterdir()] == ["b"]
    assert stat.S_IMODE((folder / "b").stat().st_mode) == 0o600
    assert planted.encode() not in bytes_on_disk(folder)
    assert all(key not in bytes_on_disk(folder) for key in keys.raw)
    with opened_backup(folder / "b") as connection:
        assert read_label(connection).key == key_name(keys)


def test_a_backup_made_while_others_write_holds_whole_transactions(url: str, tmp_path: Path) -> None:
    keys = load_keys(None, home=tmp_path)
    with Store.open(url, keys) as store:
        fill(store)
        with store.write() as connection:
            connection.execute(text("UPDATE watermark SET value = 'not committed'"))
            back_up(url, tmp_path / "b", keys=keys, now=NOW)

    with opened_backup(tmp_path / "b") as connection:
        assert connection.execute(text("SELECT value FROM watermark")).scalar() == "Zoë 😀"


def test_messages_wait_for_a_person_after_a_restore(url: str, tmp_path: Path) -> None:
    keys = load_keys(None, home=tmp_path)
    with Store.open(url, keys) as store:
        fill(store)
        (message,) = list_messages(store)
        back_up(url, tmp_path / "b", keys=keys, now=NOW)

    restore(url, tmp_path / "b", keys=keys, now=NOW)

    with Store.open(url, keys) as store:
        (stop,) = list_stops(store, ROOM)
    assert message.state is MessageState.PLANNED
    assert stop.reason == "restored from a backup of 2026-11-22 10:15 UTC; what was sent since is not known"


def test_nothing_is_restored_while_a_run_goes_on(url: str, tmp_path: Path) -> None:
    keys = load_keys(None, home=tmp_path)
    with Store.open(url, keys) as store:
        fill(store)
        back_up(url, tmp_path / "b", keys=keys, now=NOW)
        run = begin(store)

    with pytest.raises(Refused, match=f"run {run.id} "):
        restore(url, tmp_path / "b", keys=keys, now=NOW)

    with Store.open(url, keys) as store:
        assert run in list_runs(store)


def test_a_backup_of_another_key_changes_nothing(tmp_path: Path) -> None:
    others, keys = load_keys(None, home=tmp_path / "other"), load_keys(None, home=tmp_path)
    other, here = store_url(tmp_path / "other"), store_url(tmp_path)
    with Store.open(other, others), Store.open(here, keys) as store:
        run = fill(store)
    back_up(other, tmp_path / "b", keys=others, now=NOW)

    with pytest.raises(StoreError, match="No key opens"):
        restore(here, tmp_path / "b", keys=keys, now=NOW)

    with Store.open(here, keys) as store:
        assert run.id in {one.id for one in list_runs(store)}


def test_a_backup_of_an_older_version_is_brought_up_to_date(url: str, tmp_path: Path) -> None:
    keys, old = load_keys(None, home=tmp_path), known_versions()[2]
    with Store.open(url, keys) as store:
        run = fill(store)
        migrate_to(store.engine, old)
        made = back_up(url, tmp_path / "b", keys=keys, now=NOW)

    restore(url, tmp_path / "b", keys=keys, now=NOW)

    assert made.version == old
    with Store.open(url, keys) as store, store.read() as connection:
        assert version_of(connection) == known_versions()[-1]
        assert run.id in {one.id for one in list_runs(store)}


@pytest.mark.parametrize("spoil", ["newer", "cut", "text", "another"])
def test_what_is_no_backup_of_this_version_is_refused(spoil: str, tmp_path: Path) -> None:
    keys, file = load_keys(None, home=tmp_path), tmp_path / "b"
    with Store.open(store_url(tmp_path), keys) as store:
        fill(store)
    back_up(store_url(tmp_path), file, keys=keys, now=NOW)
    if spoil == "cut":
        os.truncate(file, 5000)
    elif spoil == "text":
        file.write_text("nothing")
    else:
        change = (
            "UPDATE capstan_backup SET version = '9999'" if spoil == "newer" else "DROP TABLE capstan_backup"
        )
        with sqlite3.connect(file) as connection:
            connection.execute(change)
        connection.close()

    with pytest.raises(StoreError, match=r"newer Capstan|no backup"):
        restore(store_url(tmp_path), file, keys=keys, now=NOW)

    assert rows_of(store_url(tmp_path), keys)["run"] == 2


def test_no_file_is_written_over_and_none_is_left_half_done(tmp_path: Path) -> None:
    keys, file = load_keys(None, home=tmp_path), tmp_path / "b"
    file.write_text("precious")
    Store.open(store_url(tmp_path), keys).close()

    with pytest.raises(UsageError, match="is there already"):
        back_up(store_url(tmp_path), file, keys=keys, now=NOW)
    with pytest.raises(CapstanError, match="cannot be"):
        back_up(store_url(tmp_path), Path("/proc/nowhere/b"), keys=keys, now=NOW)

    assert file.read_text() == "precious"
    assert not [path for path in tmp_path.iterdir() if "draft" in path.name]
