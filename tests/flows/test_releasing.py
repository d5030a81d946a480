"""A release is switched to whole or not at all, and the store goes with it; also when a step kills it all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from capstan.errors import Refused, UsageError
from capstan.store.migrate import HEAD, known_versions
from tasks.releasing.place import Change, Place

ROOT = Path(__file__).resolve().parents[2]
OLD, NEW = "20261101-100000", "20261122-100000"
FORMER = known_versions()[-2]


@dataclass(frozen=True)
class Site:
    """Two releases of this very code, of which the older one knows one migration less; no Prefect server."""

    place: Place
    environment: dict[str, str]

    def capstan(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, however that is."""
        code = "from cli.main import main; main()"
        return subprocess.run(
            [sys.executable, "-c", code, *words],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def version(self) -> str:
        """The version of the store's tables."""
        return str(json.loads(self.capstan("store", "status", "--json").stdout)["version"])

    def change(self, name: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Go to a release."""
        return self.capstan("release", "rollback", "--root", str(self.place.root), "--to", name, *words)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    place = Place(tmp_path / "site")
    for name in (OLD, NEW):
        python = place.python(name)
        python.parent.mkdir(parents=True)
        (python.parent.parent / ".ready").touch()
        # An older release answers the question for its version with an older one.
        answer = f'case "$*" in *import\\ HEAD*) echo {FORMER}; exit;; esac\n' if name == OLD else ""
        python.write_text(f'#!/bin/sh\n{answer}cd {ROOT} && exec {sys.executable} "$@"\n')
        python.chmod(0o755)
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return Site(
        place, {**kept, "CAPSTAN_HOME": str(tmp_path / "home"), "PREFECT_HOME": str(tmp_path / "prefect")}
    )


def test_the_store_goes_forward_and_back_with_the_releases(site: Site) -> None:
    first = site.change(OLD)
    old = (site.place.current(), site.version())
    site.change(NEW)
    new = (site.place.current(), site.version())
    back = site.capstan("release", "rollback", "--root", str(site.place.root), "--json")

    assert first.returncode == back.returncode == 0, first.stderr + back.stderr
    assert (old, new) == ((OLD, FORMER), (NEW, HEAD))
    assert json.loads(back.stdout) == {"before": NEW, "release": OLD}
    assert (site.place.current(), site.version()) == (OLD, FORMER)
    assert len(list((Path(site.environment["CAPSTAN_HOME"]) / "backups").iterdir())) >= 3


def test_a_step_that_fails_leads_back_to_the_former_release(site: Site) -> None:
    site.change(OLD)

    done = site.change(NEW, "--restart", "false")

    assert done.returncode == 1
    assert "false failed" in done.stderr
    assert (site.place.current(), site.version(), site.place.read_change()) == (OLD, FORMER, None)


def test_a_release_that_is_killed_leads_back_by_itself(site: Site) -> None:
    site.change(OLD)

    # The command that shall restart services kills the process that called it, and works when it goes back.
    once = site.place.root / "killed"
    kill = f'sh -c "test -e {once} || {{ touch {once}; kill -9 $PPID; }}"'
    done = site.change(NEW, "--restart", kill)
    until = time.monotonic() + 60
    while site.place.read_change() and time.monotonic() < until:
        pass

    assert done.returncode == -9
    assert (site.place.current(), site.version(), site.place.read_change()) == (OLD, FORMER, None)


def test_a_release_that_is_cut_off_with_its_watcher_is_undone_by_the_next_command(site: Site) -> None:
    site.change(OLD)
    site.capstan("store", "migrate")
    site.place.note(Change(OLD, NEW, begun=("pause", "migrate", "switch")))
    site.place.switch(NEW)

    done = site.capstan("release", "recover", "--root", str(site.place.root))

    assert done.returncode == 0
    assert f"went back to release {OLD}" in done.stderr
    assert (site.place.current(), site.version(), site.place.read_change()) == (OLD, FORMER, None)


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
