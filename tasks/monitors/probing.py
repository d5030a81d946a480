"""Probing: a study's probes and commands, with their secrets; in a rehearsal none of them is let out."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from capstan.errors import CapstanError
from capstan.monitors import Evidence
from capstan.monitors.parts import lacking, names_in
from capstan.probes import (
    Look,
    Ran,
    look_at_address,
    look_in_database,
    look_in_folder,
    run_command,
)
from capstan.sessions import SessionId
from capstan.sessions.reading import read_session
from capstan.store import MonitorWait, Session
from capstan.study.probes import Command, Probe
from tasks.hosts import is_rehearsal
from tasks.monitors.watch import Watch
from tasks.token_sources import read_token

_UNUSABLE = 126


def look_for_data(watch: Watch, name: str, *, wait: MonitorWait, session: Session | None) -> Look:
    """Look for a wait's data with the probe of a name; what keeps one from looking is an answer too."""
    if is_rehearsal():
        return Look(Evidence.UNKNOWN, "a rehearsal looks at nothing outside")
    probe = next((one for one in watch.study.probes if one.id == name), None)
    if probe is None:
        return Look(Evidence.UNKNOWN, f"there is no probe {name} in the study file")
    parts = parts_of(watch, wait, session=session)
    if probe.command and watch.dry_run:
        return Look(Evidence.UNKNOWN, "a dry run runs no command")
    return ask(probe, folder=watch.folder, parts=parts)


def ask(probe: Probe, *, folder: Path, parts: Mapping[str, str]) -> Look:
    """Ask a probe of a study folder for a subject of some parts."""
    wanting = lacking(names_in((probe.folder, probe.url, *probe.command)), parts)
    if wanting:
        return Look(Evidence.UNKNOWN, f"the subject has no usable {', '.join(wanting)}")
    try:
        return _ask(probe, folder=folder, parts=parts)
    except CapstanError as error:
        return Look(Evidence.UNKNOWN, str(error))


def run_for(watch: Watch, command: Command, *, wait: MonitorWait) -> Ran | None:
    """Run a command for a wait's subject; None in a rehearsal, where none runs."""
    if is_rehearsal():
        return None
    parts = parts_of(watch, wait, session=watch.sessions.get(wait.session))
    if lacking(names_in(command.command), parts):
        return Ran(_UNUSABLE)
    return run_command(
        command.command,
        parts=parts,
        environment=_environment(command.environment),
        folder=watch.folder,
        timeout_seconds=command.timeout_seconds,
    )


def parts_of(watch: Watch, wait: MonitorWait, *, session: Session | None) -> dict[str, str]:
    """The parts of a wait's subject by their names; those that it does not have are left out."""
    place, rules = wait.place, watch.study.sessions
    parts = {"session": wait.session, "site": wait.site}
    if place:
        parts |= {"record": place.record, "event": place.event, "instance": place.instance}
    if session:
        parts |= {"timepoint": session.key.name, "number": f"{session.key.number:02}", "site": session.site}
    named = read_session(wait.session, rules=rules) if rules and wait.session else None
    if isinstance(named, SessionId):
        parts |= {"study": named.study, "subject": named.subject}
    return {name: part for name, part in parts.items() if part}


def _ask(probe: Probe, *, folder: Path, parts: Mapping[str, str]) -> Look:
    seconds = probe.timeout_seconds
    if probe.folder:
        return look_in_folder(folder / Path(probe.root).expanduser(), probe.folder, parts=parts)
    if probe.url:
        token = read_token(probe.token, folder=folder).strip() if probe.token else ""
        return look_at_address(
            probe.url,
            parts=parts,
            timeout_seconds=seconds,
            status=probe.status,
            path=probe.path,
            token=token,
        )
    if probe.database:
        address = read_token(probe.database, folder=folder).strip()
        return look_in_database(address, probe.sql, parts=parts, timeout_seconds=seconds)
    environment = _environment(probe.environment)
    return run_command(
        probe.command, parts=parts, environment=environment, folder=folder, timeout_seconds=seconds
    ).look


def _environment(names: tuple[str, ...]) -> dict[str, str]:
    return {name: os.environ[name] for name in names if name in os.environ}
