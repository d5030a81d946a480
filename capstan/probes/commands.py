"""Runs a command without a shell, with a bounded environment, for a bounded time."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from capstan.monitors import Evidence
from capstan.monitors.parts import filled
from capstan.probes.looks import Look, unknown

PATH = "/usr/local/bin:/usr/bin:/bin"
# As a shell says it.
TIMED_OUT, NOT_STARTED = 124, 127
_FOUND, _NOT_FOUND = 0, 1


class Ran(NamedTuple):
    """How a command ended: its exit code, 124 where it was stopped, 127 where it could not be started."""

    exit_code: int

    @property
    def look(self) -> Look:
        """What the command says as a probe: 0 is found, 1 is not found, anything else is an error."""
        known = {_FOUND: Look(Evidence.THERE), _NOT_FOUND: Look(Evidence.MISSING)}
        return known.get(self.exit_code, unknown(f"the command ended with {self.exit_code}"))


def run_command(
    arguments: Sequence[str],
    *,
    parts: Mapping[str, str],
    environment: Mapping[str, str],
    folder: Path,
    timeout_seconds: int,
) -> Ran:
    """Run a command in a folder and wait for it; what it prints goes nowhere, and nothing outlives it.

    `environment` is all that it gets beside a plain PATH.
    """
    try:
        process = subprocess.Popen(
            [filled(argument, parts) for argument in arguments],
            cwd=folder,
            env={"PATH": PATH, "LANG": "C.UTF-8", **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return Ran(NOT_STARTED)
    try:
        return Ran(process.wait(timeout_seconds))
    except subprocess.TimeoutExpired:
        return Ran(TIMED_OUT)
    finally:
        # What it left running in the background too, which keeps its group.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
