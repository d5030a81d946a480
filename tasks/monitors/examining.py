"""Examines what monitors look with and whom they tell, before a study goes live."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from capstan.monitors import Evidence
from capstan.monitors.parts import PART_NAMES
from capstan.notice import Cause, Happening, listeners
from capstan.probes import PATH
from capstan.study import Study
from capstan.study.monitors import Monitor
from capstan.study.probes import Probe
from tasks.finding import Finding
from tasks.monitors.probing import ask

# A subject that no archive has; an answer is what counts, not which.
_NOBODY = dict.fromkeys(PART_NAMES, "capstan-doctor")


def look_at_monitors(study: Study, *, folder: Path) -> Iterator[Finding]:
    """One finding for each probe, which is asked for nobody, and for each monitor that would tell nobody."""
    for probe in study.probes:
        yield _look_at_probe(probe, folder=folder)
    for monitor in study.monitors:
        yield from _look_at_people(monitor, study=study)


def _look_at_probe(probe: Probe, *, folder: Path) -> Finding:
    what = f"probe {probe.id}"
    if probe.command:
        # It is not run: a command may do more than look.
        program = shutil.which(probe.command[0], path=PATH)
        said = "the program is there" if program else "the program cannot be found; write its whole path"
        return Finding(what, "ok" if program else "warn", said)
    look = ask(probe, folder=folder, parts=_NOBODY)
    if look.evidence is Evidence.UNKNOWN:
        return Finding(what, "warn", f"one cannot look with it: {look.why}")
    return Finding(what, "ok", "answers")


def _look_at_people(monitor: Monitor, *, study: Study) -> Iterator[Finding]:
    for part, roles in (
        ("notify", monitor.notify),
        ("escalate.to", monitor.escalate.to if monitor.escalate else ()),
    ):
        missed = Happening(Cause.MONITOR, "", datetime.now(UTC), roles=roles)
        if roles and not listeners(missed, study.notify):
            said = f"{part} reaches nobody at a site without people of its own; fill notify.staff"
            yield Finding(f"monitor {monitor.id}", "warn", said)
