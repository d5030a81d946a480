"""Measures how many rows an import, and how many records an export, should send at once.

Run it as `python -m benchmarks.batch_sizes`, against a sandbox in a process of its own. Look at the ratios:
a real server is slower by some factor, but the work for a request and for a row is shared out alike. For
each size: requests, seconds in all and beside the default size, the slowest request, and by how many MB
the peaks of this process and of the sandbox rose. Needs Linux.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pandas as pd

from capstan.redcap import Redcap, create_project
from studies.demo.generate import project_xml

SIZES = (50, 200, 500, 1000, 2000, 5000)
DEFAULT = 1000


class Cost(NamedTuple):
    """What the whole work took with one size of batch."""

    requests: int
    seconds: float
    slowest: float
    megabytes: float
    server_megabytes: float


class _Pace:
    """Counts requests, and notes when each began; nothing waits."""

    def __init__(self) -> None:
        self.starts: list[float] = []

    def wait(self) -> None:
        self.starts.append(time.perf_counter())


def measure(work: Callable[[], object], pace: _Pace, *, server: int) -> Cost:
    """Do some work once; `server` is the process that answers it."""
    before = [_reset_peak(process) for process in ("self", server)]
    pace.starts.clear()
    begun = time.perf_counter()
    work()
    ended = time.perf_counter()
    gaps = [end - start for start, end in zip(pace.starts, [*pace.starts[1:], ended], strict=True)]
    rose = [(_peak(process) - was) / 1024 for process, was in zip(("self", server), before, strict=True)]
    return Cost(len(gaps), ended - begun, max(gaps), *rose)


def figures(costs: dict[int, list[Cost]]) -> dict[str, dict[str, float]]:
    """The medians of each size, with the ratio of its seconds to those of the default."""
    middles = {size: Cost(*map(median, zip(*each, strict=True))) for size, each in costs.items()}
    default = middles[DEFAULT].seconds
    return {
        str(size): {name: round(value, 2) for name, value in cost._asdict().items()}
        | {"ratio": round(cost.seconds / default, 2)}
        for size, cost in middles.items()
    }


@contextmanager
def served() -> Iterator[tuple[int, dict[str, str]]]:
    """A sandbox in a process of its own; gives its process id and its addresses."""
    with TemporaryDirectory() as folder:
        command = [str(Path(sys.executable).with_name("capstan")), "sandbox", "serve", "--port", "0"]
        process = subprocess.Popen([*command, "--state", folder], stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout
            yield process.pid, json.loads(process.stdout.readline())
        finally:
            process.terminate()
            process.wait(timeout=30)


def _reset_peak(process: int | str) -> int:
    Path(f"/proc/{process}/clear_refs").write_text("5")
    return _peak(process)


def _peak(process: int | str) -> int:
    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process}/status").read_text())
    return int(found[1]) if found else 0


def _trial(participants: int, rounds: int) -> dict[str, object]:
    with served() as (server, addresses):
        url, odm = addresses["redcap_url"], project_xml(date(2026, 6, 1), participants=participants)
        token = create_project(url, addresses["super_token"], title="Batches", odm=odm)
        pace = _Pace()
        sized = {size: Redcap(url, token, max_rows=size, throttle=pace) for size in SIZES}
        rows = sized[DEFAULT].records()
        ids = rows.iloc[:, 0].unique().tolist()
        exports: dict[int, list[Cost]] = {size: [] for size in SIZES}
        imports: dict[int, list[Cost]] = {size: [] for size in SIZES}
        for _ in range(rounds):
            for size, redcap in sized.items():
                exports[size].append(measure(lambda r=redcap: r.records(records=ids), pace, server=server))
                imports[size].append(measure(lambda r=redcap: _write(r, rows), pace, server=server))
    return {
        "rows": len(rows),
        "columns": rows.shape[1],
        "records": len(ids),
        "records per export": figures(exports),
        "rows per import": figures(imports),
    }


def _write(redcap: Redcap, rows: pd.DataFrame) -> None:
    redcap.import_records(rows)


def main() -> None:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--participants", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    sys.stdout.write(f"{json.dumps(_trial(given.participants, given.rounds))}\n")


if __name__ == "__main__":
    main()
