"""A release is switched to whole or not at all, and the store goes with it; also when a step kills it all."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from capstan.errors import CapstanError, Refused, UsageError
from capstan.settings import load_settings
from capstan.store import Store, load_keys
from capstan.store.migrate import HEAD, known_versions, migrate_to
from tasks.releasing.changing import Way, change_to, recover
from tasks.releasing.place import Change, Place

ROOT = Path(__file__).resolve().parents[2]
OLD, NEW = "20261101-100000", "20261122-100000"
FORMER = known_versions()[-2]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """Two releases of this very code, of which the older one, the present, knows one migration less.

    There is no Prefect server.
    """
    for name in ("PREFECT_API_URL", "CAPSTAN_KEY", "CAPSTAN_STORE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CAPSTAN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    found = Place(tmp_path / "site")
    for name in (OLD, NEW):
        python = found.python(name)
        python.parent.mkdir(parents=True)
        (python.parent.parent / ".ready").touch()
        # An older release answers the question for its version with an older one.
        answer = f'case "$*" in *import\\ HEAD*) echo {FORMER}; exit;; esac\n' if name == OLD else ""
        python.write_text(f'#!/bin/sh\n{answer}cd {ROOT} && exec {sys.executable} "$@"\n')
        python.chmod(0o755)
    found.switch(OLD)
    with Store.open(load_settings().store_url, load_keys(None, home=tmp_path / "home")) as store:
        migrate_to(store.engine, FORMER)
    with temporary_settings({PREFECT_API_URL: None}):
        yield found


def version() -> str:
    """The version of the store's tables, which nobody brings up to date meanwhile."""
    with sqlite3.connect(load_settings().home / "store.sqlite") as connection:
        (found,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    connection.close()
    return str(found)


def release(place: Place, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command of releases to its end, however that is."""
    code = "from cli.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, "release", *words, "--root", str(place.root)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_store_goes_forward_and_back_with_the_releases(place: Place) -> None:
    change_to(place, NEW, way=Way())
    new = (place.current(), version())
    back = release(place, "rollback", "--json")

    assert new == (NEW, HEAD)
    assert json.loads(back.stdout) == {"before": NEW, "release": OLD}
    assert (place.current(), version()) == (OLD, FORMER)
    assert len(list((load_settings().home / "backups").iterdir())) == 2


def test_a_step_that_fails_leads_back_to_the_former_release(place: Place) -> None:
    with pytest.raises(CapstanError, match="false failed"):
        change_to(place, NEW, way=Way(restart="false"))

    assert (place.current(), version(), place.read_change()) == (OLD, FORMER, None)


def test_a_release_that_is_killed_leads_back_by_itself(place: Place) -> None:
    # The command that shall restart services kills the process that called it, and works on the way back.
    once = place.root / "killed"
    script = place.root / "restart"
    script.write_text(f"#!/bin/sh\ntest -e {once} || {{ touch {once}; kill -9 $PPID; }}\n")
    script.chmod(0o755)

    done = release(place, "rollback", "--to", NEW, "--restart", str(script))
    was_begun = once.exists()
    until = time.monotonic() + 60
    while place.read_change() and time.monotonic() < until:
        pass

    assert was_begun
    assert done.returncode == -9
    assert (place.current(), version(), place.read_change()) == (OLD, FORMER, None)


def test_a_change_that_was_cut_off_with_its_watcher_is_undone_by_the_next_command(place: Place) -> None:
    place.note(Change(OLD, NEW, begun=("pause", "migrate", "switch")))
    place.switch(NEW)

    is_done = recover(place, way=Way())

    assert is_done
    assert (place.current(), version(), place.read_change()) == (OLD, FORMER, None)
    assert not recover(place, way=Way())


def test_two_changes_to_one_release_are_told_apart(place: Place) -> None:
    """Or the second would not start what became due, because the first did under the same name."""
    notes = place.root / "notes"
    way = Way(restart=f"sh -c 'cat {place.root}/change.json >> {notes}; echo >> {notes}'")

    for name in (NEW, OLD, NEW):
        change_to(place, name, way=way)

    told = [json.loads(line) for line in notes.read_text().splitlines()]
    assert [one["after"] for one in told] == [NEW, OLD, NEW]
    assert len({one["mark"] for one in told}) == 3


def test_a_note_of_an_older_release_is_read(place: Place) -> None:
    (place.root / "change.json").write_text(
        json.dumps({"before": OLD, "after": NEW, "begun": ["pause"], "pools": [], "late": []})
    )

    assert place.read_change() == Change(OLD, NEW, begun=("pause",))


def test_two_changes_at_once_are_refused(tmp_path: Path) -> None:
    place = Place(tmp_path)

    with place.held(), pytest.raises(Refused, match="goes on"), place.held():
        pass


def test_unfinished_and_old_releases_are_cleared_away_but_never_the_present_one(tmp_path: Path) -> None:
    place = Place(tmp_path)
    names = [f"2026110{day}-100000" for day in range(1, 6)]
    for name in names[:-1]:
        (place.folder(name) / ".venv").mkdir(parents=True)
        (place.folder(name) / ".venv" / ".ready").touch()
    place.folder(names[-1]).mkdir()
    place.switch(names[0])

    place.clear(keep=2)

    assert place.names() == (names[0], names[2], names[3])
    assert not place.folder(names[-1]).exists()
    assert place.current() == names[0]
    with pytest.raises(UsageError, match="no older release"):
        place.former()
