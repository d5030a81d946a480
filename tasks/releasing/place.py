"""The place of releases: a folder for each, a link to the present one, a note of a change that goes on."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from capstan.errors import Refused, UsageError


@dataclass(frozen=True)
class Change:
    """A change from one release to another that has begun: which steps of it, and what was held back.

    `mark` tells it from other changes to the same release.
    """

    before: str
    after: str
    begun: tuple[str, ...] = ()
    pools: tuple[str, ...] = ()
    late: tuple[str, ...] = ()
    mark: str = ""


@dataclass(frozen=True)
class Place:
    """Releases under one root: `releases/20261122-101530`, and `current`, which leads to one of them."""

    root: Path

    @property
    def link(self) -> Path:
        """What services and crontabs name."""
        return self.root / "current"

    def folder(self, name: str) -> Path:
        """The folder of a release."""
        return self.root / "releases" / name

    def python(self, name: str) -> Path:
        """The interpreter of a release, with its own packages."""
        return self.folder(name) / ".venv" / "bin" / "python"

    def names(self) -> tuple[str, ...]:
        """The releases that were set up to the end, oldest first."""
        return tuple(sorted(path.parent.parent.name for path in self.root.glob("releases/*/.venv/.ready")))

    def current(self) -> str:
        """The present release; blank before the first."""
        return Path(os.readlink(self.link)).name if self.link.is_symlink() else ""

    def switch(self, name: str) -> None:
        """Let the link lead to a release, or to none; at no moment it leads nowhere."""
        if not name:
            self.link.unlink(missing_ok=True)
            return
        draft = self.root / f"current.{os.getpid()}"
        draft.unlink(missing_ok=True)
        draft.symlink_to(Path("releases") / name)
        draft.replace(self.link)

    def former(self) -> str:
        """The newest release that is older than the present one; UsageError where there is none."""
        older = [name for name in self.names() if name < self.current()]
        if not older:
            raise UsageError(f"There is no older release in {self.root} to go back to.")
        return older[-1]

    def clear(self, *, keep: int) -> None:
        """Remove what was never set up to the end, and all releases but the newest and the present one."""
        ready = self.names()
        kept = {*ready[-keep:], self.current()}
        for folder in (self.root / "releases").glob("*"):
            if folder.name not in kept:
                shutil.rmtree(folder, ignore_errors=True)

    def read_change(self) -> Change | None:
        """The change that has begun and not ended."""
        try:
            found = json.loads(self._note.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        lists = {name: tuple(found[name]) for name in ("begun", "pools", "late")}
        return Change(found["before"], found["after"], **lists, mark=found.get("mark", ""))

    def note(self, change: Change) -> Change:
        """Write down how far a change is, before it goes on."""
        draft = self._note.with_suffix(".draft")
        with draft.open("w", encoding="utf-8") as file:
            json.dump(asdict(change), file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._note)
        return change

    def begin(self, change: Change, step: str) -> Change:
        """Write down that a step begins."""
        return self.note(replace(change, begun=(*change.begun, step)))

    def forget_change(self) -> None:
        """Say that the change has ended."""
        self._note.unlink(missing_ok=True)

    @contextmanager
    def held(self, *, wait: bool = False) -> Iterator[None]:
        """Let nobody else change anything here meanwhile; Refused where somebody does."""
        (self.root / "releases").mkdir(parents=True, exist_ok=True)
        with (self.root / ".lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                raise Refused(f"Another release or rollback goes on in {self.root}; wait for it.") from None
            yield

    @property
    def _note(self) -> Path:
        return self.root / "change.json"
