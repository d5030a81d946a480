"""Flows in processes of their own, so that they can be killed; kept apart for spawned processes to import."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Mapping
from datetime import timedelta
from importlib import import_module
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

import tasks.journal

# A server that has the flows imported and no threads, from which each process is forked in no time.
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        "flows.import_records",
        "flows.revert_run",
        "flows.compute_visit_dates",
        "flows.apply_plan",
        "flows.rejudge_quarantine",
        "flows.change_records",
        "flows.send_messages",
        "flows.check_deliveries",
        "flows.ingest_triggers",
        "imported_first",
    ]
)
# A killed process's request is in the sandbox at once; the real wait would be most of a test's time.
AT_ONCE = timedelta(seconds=4)


class Ended:
    """How a process ended: the flow's summary or error, and the exit code (-9 after SIGKILL)."""

    def __init__(self, exit_code: int | None, told: Any) -> None:
        self.exit_code, self.told = exit_code, told

    @property
    def summary(self) -> dict[str, Any]:
        assert isinstance(self.told, dict), self.told
        return self.told


def run_flow(
    flow: str,
    parameters: Mapping[str, Any],
    *,
    environment: Mapping[str, str],
    crash_at: str = "",
    in_flight: timedelta = AT_ONCE,
) -> Ended:
    """Run a flow without Prefect's engine in a new process, which may be told where to die.

    `flow` is a flow's name, or `module:function`; it waits `in_flight` for what a killed one may have sent.
    """
    started = start_flow(flow, parameters, environment=environment, crash_at=crash_at, in_flight=in_flight)
    return started.end()


class Started:
    """A flow that runs in a process of its own."""

    def __init__(self, process: BaseProcess, answer: Connection) -> None:
        self.process, self._answer = process, answer

    def end(self) -> Ended:
        """Wait for its end."""
        try:
            told = self._answer.recv()
        except EOFError:
            told = None
        self.process.join(120)
        return Ended(self.process.exitcode, told)


def start_flow(
    flow: str,
    parameters: Mapping[str, Any],
    *,
    environment: Mapping[str, str],
    crash_at: str = "",
    in_flight: timedelta = AT_ONCE,
) -> Started:
    """Start a flow in a new process and do not wait for it."""
    ours, theirs = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(
        target=_run,
        args=(flow, dict(parameters), {**environment, "CAPSTAN_CRASH_AT": crash_at}, theirs, in_flight),
    )
    process.start()
    theirs.close()
    return Started(process, ours)


def _run(
    flow: str,
    parameters: dict[str, Any],
    environment: dict[str, str],
    answer: Connection,
    in_flight: timedelta,
) -> None:
    os.environ.update(environment)
    tasks.journal.IN_FLIGHT = in_flight
    module, _, name = flow.partition(":")
    found = getattr(import_module(f"flows.{module}"), name or flow)
    function = getattr(found, "fn", found)
    try:
        answer.send(function(**parameters))
    except Exception as error:
        answer.send(error)
