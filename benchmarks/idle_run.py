"""Measures a run that finds nothing to do, beside a plain script that asks REDCap the same question.

Each is a process of its own, as cron would start it; with `--worker` also as a Prefect server's worker does.
Figures: seconds of processor and clock (medians), requests to REDCap, peak MB; of a worker's run also the
requests to Prefect's API, and the processor of all processes that it takes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks.idle_worker import WorkerCost, desk
from sandbox.server import Running
from studies.demo.servers import sandbox_with_trial

FLOWS = ("poll_participants", "ingest_triggers", "check_deliveries", "check_replies")
# What a careful person writes for cron: read the fields, export what changed in a minute, stop if nothing.
PLAIN = """
import io, os
import pandas as pd, requests
session = requests.Session()
def ask(**call):
    call |= {"token": os.environ["REDCAP_API_DEMO"], "format": "csv"}
    answer = session.post(os.environ["REDCAP_URL"], data=call, timeout=60)
    answer.raise_for_status()
    return answer.text.strip()
fields = pd.read_csv(io.StringIO(ask(content="metadata")), dtype=str)
text = ask(content="record", type="flat", dateRangeBegin="2999-01-01 00:00:00")
changed = pd.read_csv(io.StringIO(text), dtype=str) if text else pd.DataFrame()
assert len(fields) and not len(changed)
"""

# A small process starts the one that is measured: Linux counts a parent's peak as its child's.
_WATCH = """
import json, os, subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, used = os.wait4(child.pid, 0)
print(json.dumps([status, used.ru_utime + used.ru_stime, used.ru_maxrss]))
"""


class Cost(NamedTuple):
    """What one process took."""

    processor: float
    clock: float
    requests: int
    megabytes: float


def run(command: list[str], sandbox: Running) -> Cost:
    """Run a process to its end and measure it; raises RuntimeError where it fails."""
    before, begun = len(sandbox.state.requests), time.perf_counter()
    said = subprocess.run([sys.executable, "-c", _WATCH, *command], stdout=subprocess.PIPE, check=True)
    clock = time.perf_counter() - begun
    status, processor, kilobytes = json.loads(said.stdout)
    if status:
        raise RuntimeError(f"It ended with {status}: {' '.join(command[-4:])}")
    return Cost(processor, clock, len(sandbox.state.requests) - before, kilobytes / 1024)


def measure(sandbox: Running, *, rounds: int) -> dict[str, dict[str, float]]:
    """Measure each way some times, in turns, after a first round in which the flows find work."""
    prefix = [str(Path(sys.executable).with_name("capstan")), "run"]
    works = {"plain script": [sys.executable, "-c", PLAIN]}
    works |= {flow: [*prefix, flow, "--study", "demo"] for flow in FLOWS}
    for command in works.values():
        run(command, sandbox)
    _let_time_pass()
    costs = [{name: run(command, sandbox) for name, command in works.items()} for _ in range(rounds)]
    return {name: _medians([one[name] for one in costs]) for name in works}


def _let_time_pass() -> None:
    """Let the last poll begin long after everything was saved: what is newer is looked at again."""
    # Imported when the addresses are known.
    from tasks.connections import open_project
    from tasks.polling import remember_poll

    live = open_project("demo")
    remember_poll(live, started=datetime.now(UTC) + timedelta(days=2))
    live.close()


def measure_worker(sandbox: Running, folder: Path, *, rounds: int) -> dict[str, dict[str, float]]:
    """Measure the flows as a worker of a process pool starts them, after `measure` has done their work."""
    with desk(folder) as worker:
        costs = [{flow: worker.run(flow, sandbox) for flow in FLOWS} for _ in range(rounds)]
    return {f"{flow}, by a worker": _medians([one[flow] for one in costs]) for flow in FLOWS}


def _medians(costs: Sequence[Cost | WorkerCost]) -> dict[str, float]:
    sides = zip(*costs, strict=True)
    return {name: round(median(side), 2) for name, side in zip(costs[0]._fields, sides, strict=True)}


def main() -> None:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--worker", action="store_true", help="as a Prefect worker starts them, too")
    given = parser.parse_args()
    with TemporaryDirectory() as folder, sandbox_with_trial(datetime.now(UTC).date()) as sandbox:
        os.environ["CAPSTAN_HOME"] = str(Path(folder) / "home")
        found = measure(sandbox, rounds=given.rounds)
        if given.worker:
            found |= measure_worker(sandbox, Path(folder), rounds=given.rounds)
    sys.stdout.write(f"{json.dumps(found)}\n")


if __name__ == "__main__":
    main()
