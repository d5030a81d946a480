"""The shelf: a study's folder of Data Docs, in which a reader finds whole pages only."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from capstan.errors import StoreError
from capstan.expectations.site import COUNTED, RunNote

RUNS_KEPT = 60
_NOTE = "run.json"
_DRAFT = ".draft-"
_ABANDONED_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Shelf:
    """A folder for its owner alone: `data_docs` with the pages, `gx` with the suites of the last run."""

    folder: Path

    @property
    def docs(self) -> Path:
        """Where the pages are."""
        return self.folder / "data_docs"

    @contextmanager
    def draft(self) -> Iterator[Path]:
        """A folder to write in, which is gone afterwards; those of runs that were killed go after a day.

        Raises StoreError where the disk does not take what is written.
        """
        try:
            _make_private(self.folder)
            for left in self.folder.glob(f"{_DRAFT}*"):
                if time.time() - left.stat().st_mtime > _ABANDONED_SECONDS:
                    shutil.rmtree(left, ignore_errors=True)
            # mkdtemp makes it for its owner alone.
            with tempfile.TemporaryDirectory(prefix=_DRAFT, dir=self.folder) as made:
                yield Path(made)
        except OSError as error:
            raise StoreError(f"{self.folder}: pages cannot be written ({error.strerror}).") from None

    def keep_suites(self, context: Path) -> None:
        """Keep the files of a context but its results and raw pages, instead of the last one's."""
        for name in ("pages", "validations"):
            shutil.rmtree(context / name, ignore_errors=True)
        _tighten(context)
        shutil.rmtree(self.folder / "gx", ignore_errors=True)
        with suppress(FileExistsError):  # another run of the study was quicker: its suites are as new
            context.rename(self.folder / "gx")

    def publish(
        self, draft: Path, *, pages: Mapping[str, str], note: RunNote, index: Callable[[list[RunNote]], str]
    ) -> Path:
        """Put the pages of a run on the shelf, then the page of all runs; returns the latter.

        The run's folder appears whole, and the page that leads to it afterwards, so that whoever is killed
        in between leaves what was there. Runs beyond the last ones go last.
        """
        new = draft / "run"
        _make_private(new)
        for name, text in {**pages, _NOTE: json.dumps(asdict(note))}.items():
            _write(new / name, text)
        _make_private(self.docs)
        _make_private(self.docs / "runs")
        new.rename(self.docs / "runs" / note.name)
        notes = self._notes()
        _write(draft / "index.html", index(notes[:RUNS_KEPT]))
        (draft / "index.html").replace(self.docs / "index.html")
        for old in notes[RUNS_KEPT:]:
            shutil.rmtree(self.docs / "runs" / old.name, ignore_errors=True)
        return self.docs / "index.html"

    def free_name(self, at: datetime) -> str:
        """A name for the folder of a run, which sorts by time."""
        stamp = f"{at:%Y%m%dT%H%M%S}"
        taken = [one.name for one in self.docs.glob(f"runs/{stamp}*")]
        return f"{stamp}-{len(taken) + 1}" if taken else stamp

    def _notes(self) -> list[RunNote]:
        """What is known of the runs on the shelf, the newest first."""
        found = [_read_note(path) for path in self.docs.glob(f"runs/*/{_NOTE}")]
        return sorted((note for note in found if note), key=lambda note: note.name, reverse=True)


def _read_note(path: Path) -> RunNote | None:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return RunNote(
            path.parent.name, str(told["at"]), {name: int(told["counts"][name]) for name in COUNTED}
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None  # of another version, or gone meanwhile


def _make_private(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)


def _tighten(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)


def _write(path: Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())
