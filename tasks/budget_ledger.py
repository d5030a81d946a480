"""The ledger of a machine: when its processes asked a REDCap host within the last minute, in one file."""

from __future__ import annotations

import fcntl
import os
import time
from array import array
from collections.abc import Callable
from pathlib import Path

# A minute, and a second for a process that is held up between its booking and its request.
WINDOW_SECONDS = 61.0


class Ledger:
    """Books requests, so that all processes which share a file begin at most `limit` within any minute.

    The file is read and written under a lock that the kernel frees with its process, so that one which is
    killed neither blocks the others nor leaves a wrong count.
    """

    def __init__(self, path: Path, *, limit: int, clock: Callable[[], float] = time.time) -> None:
        self._path, self._limit, self._clock = path, limit, clock

    def book(self) -> float:
        """Book a request for now and return 0, or the seconds after which to ask again.

        Raises OSError where the file cannot be used.
        """
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            now = self._clock()
            starts = _within_window(_read(handle), now)
            is_full = len(starts) >= self._limit
            pause = starts[-self._limit] + WINDOW_SECONDS - now if is_full else 0.0
            _write(handle, starts if is_full else [*starts, now])
        finally:
            os.close(handle)
        return pause


def _within_window(starts: array[float], now: float) -> list[float]:
    # A clock that was set back makes starts lie ahead; taken as now, they are forgotten in a minute.
    return sorted(min(start, now) for start in starts if start > now - WINDOW_SECONDS)


def _read(handle: int) -> array[float]:
    starts = array("d")
    content = os.pread(handle, os.fstat(handle).st_size, 0)
    # A part of a number is what a full disk leaves behind.
    starts.frombytes(content[: len(content) // starts.itemsize * starts.itemsize])
    return starts


def _write(handle: int, starts: list[float]) -> None:
    content = array("d", starts).tobytes()
    os.pwrite(handle, content, 0)
    os.ftruncate(handle, len(content))
