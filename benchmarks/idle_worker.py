"""Measures runs that find nothing to do as a Prefect worker starts them: its processes, and its requests."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from capstan.timetable.prefect_file import JOB
from sandbox.server import Running
from studies.demo.servers import prefect_server
from tasks.clone import describe_clone

_POOL = "idle"
_HERTZ = os.sysconf("SC_CLK_TCK")
_PATIENCE_SECONDS = 300.0
# One process may begin a while after another has ended.
_QUIET_SECONDS = 3.0
# With which a run is asked for here: the client, the flow, its deployment, its run.
_OWN_REQUESTS = 4


class WorkerCost(NamedTuple):
    """What one run took: of its processes, and as requests to REDCap and to Prefect's API."""

    processor: float
    clock: float
    requests: int
    megabytes: float
    api_requests: int


class Desk:
    """A Prefect server and a worker of a process pool, which run one flow after the other."""

    def __init__(self, worker: int, log: Path) -> None:
        self._worker, self._log = worker, log

    def run(self, flow: str, sandbox: Running) -> WorkerCost:
        """Run a flow once and measure it; raises RuntimeError where it does not end well."""
        before = self._spent(), len(sandbox.state.requests), self._asked()
        run, begun = _start(flow), time.perf_counter()
        megabytes, ended = self._watch(begun)
        after = self._spent(), len(sandbox.state.requests), self._asked()
        spent, requests, asked = (now - then for now, then in zip(after, before, strict=True))
        _refuse_failed(run, flow=flow)
        return WorkerCost(spent, ended - begun, int(requests), megabytes, int(asked) - _OWN_REQUESTS)

    def _watch(self, begun: float) -> tuple[float, float]:
        """Wait until the worker has no processes any more; gives the largest peak of one, and the time."""
        peak, seen_at = 0.0, 0.0
        while not seen_at or time.perf_counter() - seen_at < _QUIET_SECONDS:
            if processes := _children(self._worker):
                peak, seen_at = max([peak, *map(_megabytes, processes)]), time.perf_counter()
            if time.perf_counter() - begun > _PATIENCE_SECONDS:
                raise RuntimeError("A run did not begin or end in time.")
            time.sleep(0.05)
        return peak, seen_at

    def _spent(self) -> float:
        """Seconds of processor of the worker's processes that have ended."""
        fields = Path(f"/proc/{self._worker}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[13]) + int(fields[14])) / _HERTZ

    def _asked(self) -> int:
        """Requests to the API so far, but for the worker's questions for work."""
        lines = self._log.read_text(errors="replace").splitlines()
        return sum(" HTTP/1.1" in line and "/work_pools/" not in line for line in lines)


@contextmanager
def desk(home: Path) -> Iterator[Desk]:
    """Start server and worker, and stop them."""
    with prefect_server(home, log_level="INFO"):
        _make_pool()
        command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", _POOL, "--type", "process"]
        # As the files in `deployments/` set it.
        environment = {**os.environ, "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "false"}
        with (home / "worker.log").open("wb") as log:
            worker = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            yield Desk(worker.pid, home / "prefect-server.log")
        finally:
            worker.terminate()
            worker.wait(timeout=60)


def _make_pool() -> None:
    # Imported when the server's address is known: Prefect reads its settings once.
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate

    with get_client(sync_client=True) as client:
        client.create_work_pool(WorkPoolCreate(name=_POOL, type="process"))


def _start(flow: str) -> UUID:
    """Deploy a flow as `prefect.yaml` does, and ask for a run of it."""
    clone = describe_clone()
    steps = [{"prefect.deployments.steps.set_working_directory": {"directory": clone["directory"]}}]
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        deployment = client.create_deployment(
            flow_id=client.create_flow_from_name(flow.replace("_", "-")),
            name="idle",
            entrypoint=f"flows.{flow}.{flow}",
            parameters={"study": "demo"},
            pull_steps=steps,
            work_pool_name=_POOL,
            job_variables={**JOB, "command": clone["engine"]},
            concurrency_limit=1,
            tags=["capstan", "demo"],
        )
        return client.create_flow_run_from_deployment(deployment).id


def _refuse_failed(run: UUID, *, flow: str) -> None:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        state = client.read_flow_run(run).state
    if state is None or not state.is_completed():
        raise RuntimeError(f"{flow} ended as {state.name if state else 'nothing'}.")


def _children(process: int) -> list[int]:
    """The processes that a process has begun and that have not ended."""
    found: list[int] = []
    for task in Path(f"/proc/{process}/task").iterdir():
        with suppress(OSError):  # a thread that ended meanwhile
            found += map(int, (task / "children").read_text().split())
    return found


def _megabytes(process: int) -> float:
    """The most memory that a process has had; 0 for one that has just ended."""
    with suppress(OSError):
        found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process}/status").read_text())
        return int(found[1]) / 1024 if found else 0.0
    return 0.0
