"""The folder of a store: one that is kept, or one that goes when the store closes."""

from __future__ import annotations

import shutil
import sqlite3
import time
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

# A folder that somebody named is never swept, so its claim has another name.
KEPT, SCRATCH = "claim.lock", "scratch.lock"
PREFIX = "sandbox-"
# A sandbox that is just starting may not have claimed its folder yet.
GRACE_SECONDS = 60


class Folder:
    """A folder for one store alone, as long as it lives: two would not see each other's projects."""

    def __init__(self, kept: Path | None = None) -> None:
        self._scratch = _new_scratch() if kept is None else None
        self.path = kept or Path() if self._scratch is None else Path(self._scratch.name)
        self.path.mkdir(parents=True, exist_ok=True)
        self._claim = _claim(self.path / (KEPT if self._scratch is None else SCRATCH))

    def close(self) -> None:
        self._claim.close()
        if self._scratch is not None:
            self._scratch.cleanup()


def sweep(parent: Path, before: float) -> None:
    """Delete what killed sandboxes left: scratch folders without a claim, unchanged since an epoch second."""
    for claim in parent.glob(f"{PREFIX}*/{SCRATCH}"):
        if _changed(claim.parent) < before:
            _delete_unclaimed(claim)


def _new_scratch() -> TemporaryDirectory[str]:
    sweep(Path(gettempdir()), time.time() - GRACE_SECONDS)
    return TemporaryDirectory(prefix=PREFIX)


def _changed(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        # Another sandbox that starts just now has swept it.
        return float("inf")


def _delete_unclaimed(path: Path) -> None:
    try:
        claim = _claim(path)
    except sqlite3.Error:
        return
    shutil.rmtree(path.parent, ignore_errors=True)
    claim.close()


def _claim(path: Path) -> sqlite3.Connection:
    claim = sqlite3.connect(path, timeout=0, check_same_thread=False, isolation_level=None)
    try:
        claim.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        claim.close()
        if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            raise sqlite3.OperationalError("another sandbox uses it") from error
        raise
    return claim
