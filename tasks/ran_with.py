"""What a run ran with: versions, digests of what it rests on, and who started it; told on its page."""

from __future__ import annotations

import hashlib
import platform
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from capstan.errors import CapstanError
from checks.catalogue import CATALOGUE
from tasks.flow_runs import flow_run_context
from tasks.step_times import steps_taken

if TYPE_CHECKING:
    from capstan.store import Run
    from tasks.connections import LiveProject

_PACKAGES = {"Capstan": "capstan", "Prefect": "prefect", "pandas": "pandas", "pandera": "pandera"}


def ran_with(live: LiveProject) -> dict[str, Any]:
    """What there is to tell about a run as JSON: `versions`, `digests`, `started`, `flow_run`."""
    return {"versions": _versions(), "digests": _digests(live), **_start()}


def told_at_end(run: Run) -> dict[str, Any]:
    """How long the steps took, of a run of which something was told before."""
    return {"steps": steps_taken()} if run.about else {}


@cache
def _versions() -> dict[str, str]:
    return {name: version(package) for name, package in _PACKAGES.items()} | {
        "Python": platform.python_version()
    }


def _digests(live: LiveProject) -> dict[str, str]:
    checks = [(name, entry.severity.value) for name, entry in sorted(CATALOGUE.items())]
    return {
        "study file": _study_file(live),
        "data dictionary": live.dictionary.digest,
        "events": live.grid.digest,
        f"{len(checks)} checks, and the study's own": _digest(repr((checks, live.study.checks))),
    }


def _study_file(live: LiveProject) -> str:
    from tasks.connections import folder_of

    with suppress(CapstanError, OSError):  # a run does not fail for what only its page tells
        return hashlib.sha256((folder_of(live.study) / "study.yaml").read_bytes()).hexdigest()
    return ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _start() -> dict[str, str]:
    """Who started the run, as far as Prefect knows, and the id of its flow run."""
    context = flow_run_context()
    if context is None or context.flow_run is None:
        return {"started": "in a terminal, without Prefect"}
    flow_run = context.flow_run
    how = "by its schedule" if flow_run.auto_scheduled else "on demand"
    return {"started": f"by Prefect, {how}", "flow_run": str(flow_run.id)}
