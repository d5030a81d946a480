"""Rehearsal: a copy of the live project in a sandbox, and a home of its own for what runs there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from capstan.redcap import Redcap
from capstan.study import Study
from tasks.copying import Export, export_project, load_copy
from tasks.day import as_if
from tasks.hosts import confined_to
from tasks.rehearsed_study import surroundings, write_study

# Linux has it; a container may give it little.
_MEMORY, _ROOM = Path("/dev/shm"), 20


@dataclass(frozen=True)
class Stage:
    """Where a rehearsal takes place: how much was copied."""

    records: int
    users: int


@contextmanager
def rehearsal(study: Study, folder: Path, *, on: date | None, de_identified: bool) -> Iterator[Stage]:
    """Copy a study's live project; within, this process works on the copy, with a store of its own.

    `on` is the day for which flows compute, and at whose noon the copy's clock stands still. The live project
    is read through a connection that lets exports alone pass, and within no REDCap but the copy can be
    opened; texts and mails stay in the sandbox. When it ends, sandbox, store and files are gone.
    """
    from sandbox.server import Running

    found = export_project(study, folder=folder, de_identified=de_identified)
    memory = _memory_for(found)
    with (
        TemporaryDirectory(prefix="capstan-rehearsal-", dir=memory) as home,
        Running(
            smtp_port=0,
            # Without a folder of its own the sandbox takes one that it sweeps after a crash.
            state_dir=Path(home) / "sandbox" if memory else None,
            version=found.version,
            # Controls and pages ask for no token, and other people may work on this computer.
            has_pages=False,
        ) as sandbox,
    ):
        project, users = load_copy(sandbox, found, on=on)
        write_study(Path(home), folder, study=study, addresses=sandbox.addresses(), project=project)
        with _environment(surroundings(Path(home), study=study)), confined_to(sandbox.redcap_url), as_if(on):
            redcap = Redcap(sandbox.redcap_url, str(project["token"]))
            yield Stage(records=_count_records(redcap), users=users)


def _memory_for(found: Export) -> Path | None:
    """A folder that is memory and not disk, where there is one with room: a copy is not encrypted."""
    has_room = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM * len(found.xml)
    return _MEMORY if has_room and os.access(_MEMORY, os.W_OK) else None


@contextmanager
def _environment(changes: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _count_records(redcap: Redcap) -> int:
    record_field = str(redcap.metadata()["field_name"].iloc[0])
    found = redcap.records(fields=[record_field])
    return int(found[record_field].nunique()) if len(found) else 0
