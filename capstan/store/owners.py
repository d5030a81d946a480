"""Says which process owns a run, and whether that process still lives."""

from __future__ import annotations

import os
import socket
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

LEASE = timedelta(minutes=10)
_PROC = Path("/proc")


def current_owner() -> str:
    """Name this process as `place:pid:start`; `start` is blank where the system does not tell it."""
    return _name_process(os.getpid())


def is_alive(owner: str, *, heartbeat_at: datetime, now: datetime, lease: timedelta = LEASE) -> bool:
    """Say whether an owner lives: here by its process, elsewhere by a heartbeat younger than the lease."""
    place, pid, start = owner.rsplit(":", 2)
    if start and place == _place():
        return _start_of(int(pid)) == start
    return now - heartbeat_at <= lease


def describe_owner(owner: str) -> str:
    """Say for a person where an owner runs."""
    place, pid, _ = owner.rsplit(":", 2)
    return f"process {pid} on {place.split('/')[0]}"


@cache
def _name_process(pid: int) -> str:
    """Ask the system once, for a worker says with each message who it is; a forked one has another `pid`."""
    return f"{_place()}:{pid}:{_start_of(pid)}"


def _place() -> str:
    """Host, process namespace and user: process ids mean the same, and are visible, only within these."""
    host = socket.gethostname()
    try:
        return f"{host}/{os.readlink(_PROC / 'self/ns/pid')[5:-1]}/{(_PROC / 'self').stat().st_uid}"
    except OSError:
        return host


def _start_of(pid: int) -> str:
    """Boot and clock tick at which a process started, blank for one that is gone or a zombie."""
    try:
        # The name, in brackets, may hold anything; after it come the state and, 19 on, the start.
        state, *rest = (_PROC / str(pid) / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        boot = (_PROC / "sys/kernel/random/boot_id").read_text("ascii")[:8]
    except OSError:
        return ""
    return "" if state in "ZX" else f"{boot}-{rest[18]}"
