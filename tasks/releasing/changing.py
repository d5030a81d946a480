"""Changing: from one release to another while nothing runs, and back by itself when it is cut off."""

from __future__ import annotations

import logging
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import uuid4

from capstan.errors import CapstanError
from capstan.settings import load_settings
from tasks.releasing.lull import late_runs, pause, pools_of_ours, start_late, wait_for_runs
from tasks.releasing.place import Change, Place
from tasks.releasing.preparing import CAPSTAN, call

_VERSION = "from capstan.store.migrate import HEAD; print(HEAD)"
_DEPLOYED = "deployed.yaml"
_log = logging.getLogger("capstan")


@dataclass(frozen=True)
class Way:
    """How to change: which studies are deployed (all if none), what restarts services, how long runs take."""

    studies: tuple[str, ...] = ()
    pool: str = "capstan"
    restart: str = ""
    wait: timedelta = timedelta(minutes=30)


def change_to(place: Place, name: str, *, way: Way) -> None:
    """Make a release the present one; whatever stops this, the former one goes on.

    Due runs wait at Prefect, none is lost. The store is backed up, and brought to the release's version.
    """
    change = place.note(Change(place.current(), name, mark=uuid4().hex))
    with _watched(place, way=way) as token:
        try:
            _change(place, change, way=way, token=token)
        except BaseException:
            recover(place, way=way, token=token)
            raise
        # Before the watcher is let go, or it would go back.
        place.forget_change()


def recover(place: Place, *, way: Way, token: int | None = None) -> bool:
    """Go back from a change that has not ended, step by step; False where there is none."""
    change = place.read_change()
    if change is None:
        return False
    told = set(change.begun)
    # To deploy once more forgets also what became due since.
    late = (*change.late, *late_runs()) if "deploy" in told else change.late
    if change.before:
        if "migrate" in told:
            _migrate(place, change.before, other=change.after, token=token)
        if "switch" in told:
            place.switch(change.before)
        if "deploy" in told:
            _deploy(place, change.before, way=way, token=token)
        if "restart" in told:
            _restart_anyway(place, way=way, token=token)
    elif "switch" in told:
        place.switch("")
    if "pause" in told:
        start_late(late, reason=f"{change.after} undone {change.mark}")
        pause(change.pools, is_paused=False)
    place.forget_change()
    _log.warning("went back from release %s, which was not reached", change.after)
    return True


def _change(place: Place, change: Change, *, way: Way, token: int) -> None:
    change = place.begin(replace(change, pools=pools_of_ours()), "pause")
    pause(change.pools)
    _log.info("paused %d work pools; waiting for runs to end", len(change.pools))
    wait_for_runs(way.wait)
    change = place.begin(change, "migrate")
    _migrate(place, change.after, other=change.before, token=token)
    change = place.begin(change, "switch")
    place.switch(change.after)
    change = place.begin(replace(change, late=late_runs()), "deploy")
    _deploy(place, change.after, way=way, token=token)
    change = place.begin(change, "restart")
    _restart(place, way=way, token=token)
    start_late(change.late, reason=f"{change.after} {change.mark}")
    pause(change.pools, is_paused=False)
    _log.info("release %s is the present one", change.after)


def _migrate(place: Place, name: str, *, other: str, token: int | None) -> None:
    """Back the store up and bring it to a release's version, by the code that knows the newer tables."""
    wanted = _version(place, name)
    knows_more = other if other and _version(place, other) > wanted else name
    store = [str(place.python(knows_more)), *CAPSTAN, "store"]
    told = call(
        [*store, "migrate", "--to", wanted, "--json"], folder=place.folder(knows_more), keep_open=token
    )
    if '"backup": "not needed"' in told:
        call([*store, "backup", "--json"], folder=place.folder(knows_more), keep_open=token)


def _version(place: Place, name: str) -> str:
    return call([str(place.python(name)), "-c", _VERSION], folder=place.folder(name)).strip()


def _deploy(place: Place, name: str, *, way: Way, token: int | None) -> None:
    """Deploy the studies from a release's folder, at the times that their study files say."""
    from tasks.deployed import server_address

    if not server_address():
        return
    python, folder = str(place.python(name)), place.folder(name)
    write = ["deployments", *way.studies, "--pool", way.pool, "--out", _DEPLOYED]
    # Else the dead man's switch would hear nothing after a release.
    write += ["--heartbeat"] if load_settings().heartbeat_url else []
    call([python, *CAPSTAN, *write], folder=folder, keep_open=token)
    deploy = ["--no-prompt", "deploy", "--all", "--prefect-file", _DEPLOYED]
    call([python, "-m", "prefect", *deploy], folder=folder, keep_open=token)


def _restart(place: Place, *, way: Way, token: int | None) -> None:
    if way.restart:
        call(shlex.split(way.restart), folder=place.root, keep_open=token)


def _restart_anyway(place: Place, *, way: Way, token: int | None) -> None:
    """Restart on the way back, where runs must be let go on whatever becomes of it."""
    try:
        _restart(place, way=way, token=token)
    except CapstanError as error:
        _log.warning("restart the services by hand: %s", error)


@contextmanager
def _watched(place: Place, *, way: Way) -> Iterator[int]:
    """Have another process recover if this one is killed; gives a file that the steps' processes inherit.

    The watcher reads it to its end, which comes when this process and all of its steps are gone.
    """
    reading, token = os.pipe()
    command = [sys.executable, *CAPSTAN, "release", "recover", "--root", str(place.root), "--watch"]
    given = {"--pool": way.pool, "--restart": way.restart}
    command += [word for name, value in given.items() if value for word in (name, value)]
    command += [word for study in way.studies for word in ("--study", study)]
    with (place.root / "watcher.log").open("a") as log:
        # In a session of its own, so that what kills a terminal does not kill it.
        watcher = subprocess.Popen(command, stdin=reading, stdout=log, stderr=log, start_new_session=True)
    os.close(reading)
    try:
        yield token
    finally:
        os.close(token)
        if place.read_change() is None:
            # It finds nothing to do; else it waits for what this process holds, and goes back after it.
            watcher.wait()
