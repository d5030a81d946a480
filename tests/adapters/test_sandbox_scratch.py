"""Folders of sandboxes that keep nothing: what a killed one left is swept, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox.server import Running
from sandbox.storage.folder import Folder, sweep

ROOT = Path(__file__).resolve().parents[2]


def start(temporary: Path) -> subprocess.Popen[str]:
    """Start a sandbox with its own place for temporary files; it has said that it is ready."""
    command = [sys.executable, "-m", "sandbox", "--port", "0"]
    environment = os.environ | {"TMPDIR": str(temporary)}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["redcap_url"]
    return process


def end(process: subprocess.Popen[str], *, how: str) -> None:
    getattr(process, how)()
    process.communicate(timeout=20)


def age(folder: Path) -> None:
    """Let a folder be an hour old."""
    os.utime(folder, (time.time() - 3600,) * 2)


def test_a_sandbox_sweeps_what_a_killed_one_left_and_leaves_nothing_itself(tmp_path: Path) -> None:
    killed = start(tmp_path)
    (left,) = tmp_path.iterdir()
    end(killed, how="kill")
    was_left = left.exists()
    age(left)
    end(start(tmp_path), how="terminate")

    assert was_left
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_a_sandbox_that_runs_is_not_swept() -> None:
    with Running() as running:
        folder = running.state.store.path.parent
        age(folder)
        sweep(folder.parent, time.time() - 60)

        assert running.super_token
        assert running.state.store.path.exists()

    assert not folder.exists()


@pytest.mark.parametrize("name", ["sandbox-mine", "sandbox-"])
def test_a_folder_that_somebody_named_is_never_swept(tmp_path: Path, name: str) -> None:
    with Running(state_dir=tmp_path / name) as running:
        token = running.super_token
    age(tmp_path / name)
    sweep(tmp_path, time.time())

    with Running(state_dir=tmp_path / name) as again:
        assert again.super_token == token


def test_a_sandbox_that_is_just_starting_is_not_swept(tmp_path: Path) -> None:
    killed = start(tmp_path)
    (left,) = tmp_path.iterdir()
    end(killed, how="kill")
    end(start(tmp_path), how="terminate")

    assert list(tmp_path.iterdir()) == [left]


def test_a_folder_without_a_name_is_new_each_time() -> None:
    one, other = Folder(), Folder()
    paths = [one.path, other.path]
    one.close()
    other.close()

    assert paths[0] != paths[1]
    assert not any(path.exists() for path in paths)
