"""Keys, encryption, file modes, and errors without values."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy import text
from store_cases import (
    NOW,
    begin,
    bytes_on_disk,
    make_cells,
    make_outcomes,
    make_verdicts,
    open_store,
    store_url,
)

from capstan.errors import StoreError
from capstan.store import (
    KeyRing,
    Store,
    find_run,
    finish_batch,
    hold_run,
    journal,
    load_keys,
    read_images,
    record_gate,
)

OLD, NEW, OTHER = (Fernet.generate_key().decode() for _ in range(3))
PLANTED = "Planted-Participant-4711"
CELLS = make_cells(PLANTED)
pytestmark = pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")


def ring(*keys: str) -> KeyRing:
    return load_keys(SecretStr(",".join(keys)), home=Path("/nowhere"))


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def chain_of(error: BaseException | None) -> list[BaseException]:
    """An error with everything that Python would print or keep with it."""
    found: list[BaseException] = []
    while error is not None:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def test_no_value_of_a_participant_is_readable_on_disk(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        run = begin(store)
        batch = journal(store, run, cells=CELLS, overwrite=False, now=NOW)
        finish_batch(store, run, batch=batch, outcomes=make_outcomes(CELLS, "written"), now=NOW)
        held = begin(store, study="other")
        gate = {"decision": "HOLD", "plan_digest": "d1", "counts": {}, "verdicts": make_verdicts(PLANTED)}
        record_gate(store, held, now=NOW, **gate)
        plan = CELLS.drop(columns=["row_existed", "form_saved"])
        hold_run(store, held, plan=plan, basis={}, expires_at=NOW, note="", now=NOW)
        while_open = bytes_on_disk(tmp_path)

    for found in (while_open, bytes_on_disk(tmp_path)):
        assert run.id.encode() in found
        assert PLANTED.encode() not in found
        assert b"baseline_arm_1" not in found


def test_the_key_file_is_made_once_and_for_the_owner_only(tmp_path: Path) -> None:
    home = tmp_path / "home"
    first, second = load_keys(None, home=home), load_keys(None, home=home)

    assert (first.made_file, second.made_file) == (home / "store.key", None)
    assert second.unseal(first.seal(b"word")) == b"word"
    assert (mode_of(home), mode_of(home / "store.key")) == (0o700, 0o600)
    assert [path.name for path in home.iterdir()] == ["store.key"]


def test_a_home_that_others_can_enter_is_closed_to_them(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    load_keys(None, home=tmp_path)

    assert mode_of(tmp_path) == 0o700


def test_the_files_of_the_store_are_for_the_owner_only(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        begin(store)
        modes = {path.name: mode_of(path) for path in tmp_path.glob("store.sqlite*")}

    assert modes == {"store.sqlite": 0o600, "store.sqlite-wal": 0o600, "store.sqlite-shm": 0o600}


def test_threads_that_begin_together_have_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        rings = list(threads.map(lambda _: load_keys(None, home=tmp_path / "home"), range(16)))

    assert len({ring.raw for ring in rings}) == 1
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["store.key"]


def test_a_key_file_that_others_may_read_is_an_error(tmp_path: Path) -> None:
    load_keys(None, home=tmp_path)
    (tmp_path / "store.key").chmod(0o644)

    with pytest.raises(StoreError, match="chmod 600"):
        load_keys(None, home=tmp_path)


@pytest.mark.parametrize("content", ["", "\n", "no key at all", "Zoë"])
def test_a_damaged_key_file_is_an_error_that_does_not_quote_it(tmp_path: Path, content: str) -> None:
    load_keys(None, home=tmp_path)
    (tmp_path / "store.key").write_text(content, encoding="latin-1")

    with pytest.raises(StoreError, match=r"store\.key") as caught:
        load_keys(None, home=tmp_path)
    assert "at all" not in str(caught.value)


def test_a_bad_key_is_named_by_its_place_and_not_quoted() -> None:
    with pytest.raises(StoreError, match="Key 2 in CAPSTAN_KEY is no Fernet key") as caught:
        ring(NEW, "too-short")

    assert "too-short" not in "".join(map(repr, chain_of(caught.value)))


def test_no_key_shows_in_the_repr_of_a_store(tmp_path: Path) -> None:
    with open_store(tmp_path, ring(NEW, OLD)) as store:
        shown = repr(store)

    assert NEW not in shown
    assert OLD not in shown


def test_after_a_rotation_old_images_open_and_new_ones_need_the_new_key_alone(tmp_path: Path) -> None:
    with open_store(tmp_path, ring(OLD)) as store:
        journal(store, begin(store), cells=CELLS, overwrite=False, now=NOW)
    with open_store(tmp_path, ring(NEW, OLD)) as store:
        journal(store, find_run(store, "2026"), cells=CELLS, overwrite=False, now=NOW)
        opened = read_images(store, find_run(store, "2026"))
        with store.read() as connection:
            sealed = connection.execute(text("SELECT image FROM batch ORDER BY number")).scalars().all()

    assert opened["before"].tolist() == [PLANTED, PLANTED]
    assert [ring(NEW).is_newest(token) for token in sealed] == [False, True]


def test_a_former_key_may_be_dropped_but_what_it_sealed_stays_shut(tmp_path: Path) -> None:
    with open_store(tmp_path, ring(OLD)) as store:
        run = begin(store)
        journal(store, run, cells=CELLS, overwrite=False, now=NOW)
    open_store(tmp_path, ring(NEW, OLD)).close()

    with open_store(tmp_path, ring(NEW)) as store, pytest.raises(StoreError, match="sealed with another key"):
        read_images(store, run)


def test_a_wrong_key_is_noticed_before_anything_is_written(tmp_path: Path) -> None:
    open_store(tmp_path, ring(OLD)).close()

    with pytest.raises(StoreError, match="The key does not fit this store"):
        open_store(tmp_path, ring(OTHER))


def test_a_lost_key_file_does_not_go_unnoticed(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    (tmp_path / "store.key").unlink()

    with pytest.raises(StoreError, match="Put the key file back"):
        open_store(tmp_path)


def test_an_error_of_the_database_keeps_no_value_in_its_whole_chain(tmp_path: Path) -> None:
    statement = text("INSERT INTO watermark (study, name, value) VALUES (:value, 'n', 'v')")

    with open_store(tmp_path) as store, pytest.raises(StoreError) as caught, store.write() as connection:
        connection.execute(statement, {"value": PLANTED})
    assert len(chain_of(caught.value)) == 1
    assert str(caught.value).startswith(
        "The store cannot be used (IntegrityError SQLITE_CONSTRAINT_NOTNULL)."
    )


def test_a_file_that_is_no_database_is_named_as_such(tmp_path: Path) -> None:
    (tmp_path / "store.sqlite").write_text("record,weight\n" * 100)

    with pytest.raises(StoreError, match="no SQLite database"):
        open_store(tmp_path)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("sqlite://", "must name a file"),
        ("hunter2", "ArgumentError"),
        ("nosuchdialect://u:hunter2@host/db", "NoSuchModuleError"),
        ("sqlite:////proc/nowhere/store.sqlite", "cannot be made"),
    ],
)
def test_a_store_that_cannot_be_used_says_why_without_its_password(url: str, reason: str) -> None:
    with pytest.raises(StoreError, match=reason) as caught:
        Store.open(url, ring(NEW))

    assert "hunter2" not in "".join(map(repr, chain_of(caught.value)))


def test_the_store_asks_the_disk_to_confirm_each_commit(tmp_path: Path) -> None:
    names = ("journal_mode", "synchronous", "foreign_keys")
    with Store.open(store_url(tmp_path), ring(NEW)) as store, store.read() as connection:
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]

    assert found == ["wal", 2, 1]
