"""Preparing: a release in a folder of its own, with packages of its own, which touches nothing that runs."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from capstan.errors import CapstanError
from capstan.settings import load_settings
from tasks.releasing.place import Place

# As arguments of an interpreter: the command's own script would name one folder for ever.
CAPSTAN = ("-c", "from cli.main import main; main()")


def prepare(place: Place, source: str, *, ref: str, setup: str, now: datetime) -> str:
    """Clone a version of the project and set it up; gives the release's name, which is its time.

    Raises CapstanError with the last words of what failed.
    """
    name = f"{now:%Y%m%d-%H%M%S}"
    folder = place.folder(name)
    call(["git", "clone", "--quiet", "--", source, str(folder)], folder=place.root)
    if ref:
        call(["git", "-c", "advice.detachedHead=false", "checkout", "--quiet", ref, "--"], folder=folder)
    call(shlex.split(setup), folder=folder)
    # Whatever set it up, from here on it counts.
    (folder / ".venv" / ".ready").touch()
    call([str(place.python(name)), *CAPSTAN, "--help"], folder=folder)
    return name


def call(command: Sequence[str], *, folder: Path, keep_open: int | None = None) -> str:
    """Run a command to its end and return what it printed; `keep_open` is a file that it inherits."""
    kept = () if keep_open is None else (keep_open,)
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=_environment(),
            capture_output=True,
            text=True,
            check=False,
            pass_fds=kept,
        )
    except OSError as error:
        raise CapstanError(f"{command[0]} cannot be run: {error.strerror}.") from None
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise CapstanError(f"{' '.join(command[:4])} failed: {said[-1] if said else done.returncode}")
    return done.stdout


def _environment() -> dict[str, str]:
    """The environment, without what belongs to the release that this process runs from.

    Folders are whole paths, because each release has a folder of its own.
    """
    settings = load_settings()
    kept = {name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "PYTHONPATH"}}
    kept["CAPSTAN_HOME"] = str(settings.home)
    if settings.studies:
        kept["CAPSTAN_STUDIES"] = ",".join(map(str, settings.studies))
    return kept
