"""Measures the budget of requests: many processes ask as fast as they may, and one of them is killed.

`--machines N` gives every process a home of its own, so that only the Prefect server's limit is common to
them: that of `PREFECT_API_URL`, else one that is started. Without it they share a machine's ledger, and
there is no server. Fails above the budget.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from bisect import bisect_right
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from studies.demo.servers import prefect_server

PER_MINUTE = 500
HOST = "https://redcap.example.org/api/"
# What a request takes at a quick server, in seconds.
_ASKING_SECONDS = 0.02


def ask(seconds: float) -> None:
    """Ask as often as the budget lets a process, and print when."""
    from tasks.budget import budget_for

    budget = budget_for(HOST)
    end = time.time() + seconds
    while time.time() < end:
        budget.wait()
        sys.stdout.write(f"{time.time()}\n")
        sys.stdout.flush()
        time.sleep(_ASKING_SECONDS)


def busiest_minute(starts: list[float]) -> int:
    """The most requests that began within any 60 seconds."""
    return max(bisect_right(starts, start + 60) - place for place, start in enumerate(starts))


def measure(folder: Path, *, processes: int, machines: bool, seconds: float) -> dict[str, object]:
    """Let processes ask, kill one of them in the middle, and count what all of them asked."""
    running = [_start(folder, number if machines else 0, seconds=seconds) for number in range(processes)]
    time.sleep(seconds / 2)
    running[0].kill()
    lines = [line for one in running for line in one.communicate()[0].splitlines()]
    starts = sorted(float(line) for line in lines if line.count(".") == 1)
    minutes = max(1, int((starts[-1] - starts[0]) // 60))
    per_minute = bisect_right(starts, starts[0] + 60 * minutes) / minutes
    return {
        "processes": processes,
        "machines": processes if machines else 1,
        "requests": len(starts),
        "busiest_minute": busiest_minute(starts),
        "per_minute": round(per_minute),
        "utilisation": round(per_minute / PER_MINUTE, 2),
    }


def _start(folder: Path, home: int, *, seconds: float) -> subprocess.Popen[str]:
    environment = os.environ | {
        "CAPSTAN_HOME": str(folder / f"home{home}"),
        "CAPSTAN_REQUESTS_PER_MINUTE": str(PER_MINUTE),
    }
    command = [sys.executable, "-m", "benchmarks.budget", "--ask", str(seconds)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def main() -> int:
    """Measure one way of counting and print it; 1 where a minute saw too many requests."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=6)
    parser.add_argument("--machines", action="store_true", help="a home for each process, and a server")
    parser.add_argument("--seconds", type=float, default=150)
    parser.add_argument("--ask", type=float, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.ask:
        ask(given.ask)
        return 0
    with TemporaryDirectory() as folder, ExitStack() as stack:
        if not given.machines:
            os.environ.pop("PREFECT_API_URL", None)
        elif "PREFECT_API_URL" not in os.environ:
            stack.enter_context(prefect_server(Path(folder)))
        found = measure(
            Path(folder), processes=given.processes, machines=given.machines, seconds=given.seconds
        )
    sys.stdout.write(f"{json.dumps(found)}\n")
    return int(int(str(found["busiest_minute"])) > PER_MINUTE)


if __name__ == "__main__":
    sys.exit(main())
