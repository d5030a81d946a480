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
from typing import Any

import yaml
from cryptography.fernet import Fernet

from capstan.redcap import Redcap
from capstan.study import Study
from tasks.copying import Export, export_project, load_copy

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

    `on` stops the copy's clock at noon of a day. The live project is read through a connection that lets
    exports alone pass. When it ends, sandbox, store and files are gone.
    """
    from sandbox.server import Running

    found = export_project(study, folder=folder, de_identified=de_identified)
    memory = _memory_for(found)
    with (
        TemporaryDirectory(prefix="capstan-rehearsal-", dir=memory) as home,
        Running(
            # Without a folder of its own the sandbox takes one that it sweeps after a crash.
            state_dir=Path(home) / "sandbox" if memory else None,
            version=found.version,
        ) as sandbox,
    ):
        project, users = load_copy(sandbox, found, on=on)
        _write_study(Path(home), folder, study=study, url=sandbox.redcap_url, project=project)
        with _environment(_surroundings(Path(home), study=study)):
            redcap = Redcap(sandbox.redcap_url, str(project["token"]))
            yield Stage(records=_count_records(redcap), users=users)


def _memory_for(found: Export) -> Path | None:
    """A folder that is memory and not disk, where there is one with room: a copy is not encrypted."""
    has_room = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM * len(found.xml)
    return _MEMORY if has_room and os.access(_MEMORY, os.W_OK) else None


def _write_study(home: Path, folder: Path, *, study: Study, url: str, project: Mapping[str, Any]) -> None:
    """Write the study as it is, but for its project and token; and nothing is at stake in a copy."""
    place = home / "studies" / study.study
    place.mkdir(parents=True)
    token = place / "token"
    token.touch(mode=0o600)
    token.write_text(project["token"], encoding="utf-8")
    identity = study.redcap.project.model_dump() | {"id": project["project_id"]}
    redcap = {
        "url": url,
        "timezone": study.redcap.timezone,
        "batch_rows": study.redcap.batch_rows,
        "token": {"file": token.name},
        "project": identity,
    }
    raw = yaml.safe_load((folder / "study.yaml").read_text(encoding="utf-8")) | {"redcap": redcap}
    if study.redcap.project.status == "production":
        raw["writes"] = {**(raw.get("writes") or {}), "production": True}
    (place / "study.yaml").write_text(yaml.safe_dump(raw, allow_unicode=True), encoding="utf-8")


def _surroundings(home: Path, *, study: Study) -> dict[str, str]:
    """The environment within: our own files are in `home`, and the live project's tokens are nowhere."""
    sources = (study.redcap.token, study.redcap.write_token)
    return {source.env: "" for source in sources if source and source.env} | {
        "CAPSTAN_HOME": str(home),
        "CAPSTAN_STORE": "",
        "CAPSTAN_KEY": Fernet.generate_key().decode(),
        "CAPSTAN_STUDIES": str(home / "studies"),
    }


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
