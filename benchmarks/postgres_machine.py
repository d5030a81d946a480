"""A PostgreSQL for trials of Prefect, which needs the extension pg_trgm that the tests' package lacks."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg

_DEBIAN = Path("/usr/lib/postgresql")
_START_SECONDS = 60
# What is written may be lost with the power, because it is thrown away anyway.
_OPTIONS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=300")


@contextmanager
def serving_trial_postgres() -> Iterator[str]:
    """Start a server in a new folder; gives its URL, at which anybody on this machine may connect."""
    programs = _find_programs()
    folder = Path(tempfile.mkdtemp(prefix="capstan-postgres-", dir="/tmp"))
    # It refuses to run as root.
    user = "nobody" if os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    port = _free_port()
    try:
        start = ["-D", f"{folder}/data", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync"]
        subprocess.run(
            [programs / "initdb", *start], check=True, capture_output=True, user=user, cwd=folder, timeout=120
        )
        given = [part for option in _OPTIONS for part in ("-c", option)]
        options = ["-D", f"{folder}/data", "-h", "127.0.0.1", "-p", str(port), "-k", str(folder), *given]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [programs / "postgres", *options], user=user, cwd=folder, stdout=log, stderr=log
            )
        try:
            url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
            _wait(url)
            yield url
        finally:
            server.terminate()
            server.wait(60)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def trial_database(url: str) -> Iterator[str]:
    """An empty database of the server, as a URL for psycopg; it is dropped in the end."""
    name = f"t{uuid4().hex}"
    _execute(url, f"CREATE DATABASE {name}")
    try:
        yield url.removesuffix("postgres") + name
    finally:
        _execute(url, f"DROP DATABASE {name} WITH (FORCE)")


def _execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def _find_programs() -> Path:
    """The folder of initdb and postgres; as root on Debian they are installed if they are missing."""
    if found := _installed():
        return found
    if os.geteuid() == 0 and shutil.which("apt-get"):
        command = ["apt-get", "install", "-y", "--no-install-recommends", "postgresql"]
        subprocess.run(command, check=False, capture_output=True, timeout=300)
    if found := _installed():
        return found
    raise RuntimeError("There is no PostgreSQL with its extension pg_trgm here. Install it.")


def _installed() -> Path | None:
    places = sorted(_DEBIAN.glob("*/bin"), reverse=True)
    if on_path := shutil.which("postgres"):
        places.append(Path(on_path).resolve().parent)
    return next((place for place in places if _is_whole(place)), None)


def _is_whole(programs: Path) -> bool:
    config = programs / "pg_config"
    shared = [programs.parent / "share", Path("/usr/share/postgresql") / programs.parent.name]
    if config.exists():
        told = subprocess.run([config, "--sharedir"], capture_output=True, text=True, timeout=30, check=False)
        shared.append(Path(told.stdout.strip()))
    has_extension = any((place / "extension" / "pg_trgm.control").exists() for place in shared)
    return has_extension and (programs / "initdb").exists()


def _wait(url: str) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        try:
            psycopg.connect(url, connect_timeout=5).close()
        except psycopg.OperationalError:
            time.sleep(0.2)
        else:
            return
    raise RuntimeError("PostgreSQL did not start.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
