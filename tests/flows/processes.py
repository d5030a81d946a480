"""Flows in processes of their own, so that they can be killed; kept apart for spawned processes to import."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Mapping
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any

# A server that has the flows imported and no threads, from which each process is forked in no time.
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["flows.import_records", "flows.revert_run", "flows.compute_visit_dates"])


class Ended:
    """How a process ended: the flow's summary or error, and the exit code (-9 after SIGKILL)."""

    def __init__(self, exit_code: int | None, told: Any) -> None:
        self.exit_code, self.told = exit_code, told

    @property
    def summary(self) -> dict[str, Any]:
        assert isinstance(self.told, dict), self.told
        return self.told


def run_flow(
    flow: str, parameters: Mapping[str, Any], *, environment: Mapping[str, str], crash_at: str = ""
) -> Ended:
    """Run a flow without Prefect's engine in a new process, which may be told where to die."""
    ours, theirs = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(
        target=_run, args=(flow, dict(parameters), {**environment, "CAPSTAN_CRASH_AT": crash_at}, theirs)
    )
    process.start()
    theirs.close()
    try:
        told = ours.recv()
    except EOFError:
        told = None
    process.join(120)
    return Ended(process.exitcode, told)


def _run(flow: str, parameters: dict[str, Any], environment: dict[str, str], answer: Connection) -> None:
    os.environ.update(environment)
    function = getattr(import_module(f"flows.{flow}"), flow).fn
    try:
        answer.send(function(**parameters))
    except Exception as error:
        answer.send(error)
