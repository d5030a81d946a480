"""The gate's judgement against what Arrow takes to read the same CSV as text, and against its limits.

    python -m benchmarks.gate_frames [rows] [columns]

Two tables are judged: one of codes, dates and numbers that stand again and again, and one of which two
thirds are notes, ids, phone numbers, addresses, moments and decimals, each of which stands once.
"Cells and places" is everything that can be wrong with a row's place or with a cell by itself; "whole" is
all that `judge` does, from the wanted frame to plan and verdicts. Times of what is compared are taken in
turns, of the processor (all cores together) and of the clock, and their medians compared; memory is that of
a process of its own. Ends with 1 where a limit is broken by more than noise explains.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
from pyarrow import csv  # type: ignore[import-untyped]

from benchmarks.figures import Measure, Work, kilobytes, seconds
from benchmarks.tables.gate import SAMPLES, Sample
from capstan.events import Event, EventGrid
from capstan.plan import keyed
from capstan.study import Limits, Study
from checks.case import Case, Present, Rules
from checks.gate import judge, judge_places_and_cells
from checks.tables import read_wanted

STUDY = """
study: bench
title: Bench
redcap: {url: 'http://127.0.0.1/', token: {env: T}, project: {id: 1, title: B, status: development}}
writes: {allow: [form]}
"""
NOW = datetime(2026, 1, 1, tzinfo=UTC)
GRID = EventGrid(
    (Event("start_arm_1", "Start", "1"), Event("visit_arm_1", "Visit", "1")),
    {"1": "Everybody"},
    frozenset({("start_arm_1", "first"), ("visit_arm_1", "form")}),
    frozenset(),
)


class Job(NamedTuple):
    """A sort of table in its size, and how many of its cells are bad."""

    sample: Sample
    rows: int
    columns: int
    bad_share: float = 0

    def table(self) -> pd.DataFrame:
        """The table to judge."""
        return self.sample.table(self.rows, columns=self.columns, bad_share=self.bad_share)


def judging(job: Job, *, whole: bool = False) -> Work:
    """Judge a table whose records exist and have no data on the event."""
    wanted, fields = job.table(), job.sample.dictionary(job.columns)
    rules = Rules(Study.from_text(STUDY, source="study.yaml", environment={}), fields, GRID, NOW.date())
    present = Present(keyed(wanted.iloc[:0], record_field="record_id"), frozenset(wanted["record_id"]))
    limits = Limits(records=len(wanted), share=1)

    def judge_cells() -> object:
        read = read_wanted(
            wanted, present=present.frame, records=present.records, dictionary=fields, blanks_erase=False
        )
        return judge_places_and_cells(Case(read, present, rules, limits, NOW, frozenset())).verdicts()

    return (
        (lambda: judge(wanted, present=present, rules=rules, limits=limits, now=NOW))
        if whole
        else judge_cells
    )


def reading(job: Job) -> Work:
    """Read the same table as CSV text with Arrow."""
    wanted = job.table()
    text = wanted.to_csv(index=False).encode()
    options = csv.ConvertOptions(column_types={name: pa.string() for name in wanted.columns})
    return lambda: csv.read_csv(io.BytesIO(text), convert_options=options)


def speed(job: Job) -> Iterator[Measure]:
    """Judging a table against reading it."""
    judged, read = seconds([judging(job), reading(job)], rounds=11)
    yield Measure("cells and places to reading, processor", judged.processor / read.processor, 2)
    yield Measure("cells and places to reading, clock", judged.clock / read.clock, 2)


def growth(job: Job) -> Iterator[Measure]:
    """How the time grows from a quarter of the rows to four times as many: the exponent."""
    sizes = [job.rows // 4, job.rows, job.rows * 4]
    for name, whole, most in (("cells and places", False, sizes), ("whole", True, [s // 10 for s in sizes])):
        works = [judging(job._replace(rows=size), whole=whole) for size in most]
        spent = [times.processor for times in seconds(works, rounds=3)]
        exponent = float(np.polyfit(np.log(most), np.log(spent), 1)[0])
        yield Measure(f"growth of {name} from {most[0]} to {most[-1]} rows, exponent", exponent, 1)


def failures(job: Job, *, shares: list[float]) -> Iterator[Measure]:
    """A whole judgement of tables with bad cells against that of a good one."""
    works = [judging(job._replace(bad_share=share), whole=True) for share in (0, *shares)]
    none, *some = (times.processor for times in seconds(works, rounds=5))
    for share, spent in zip(shares, some, strict=True):
        yield Measure(f"whole, {share:.0%} of cells bad to none", spent / none, 1, noise=0.15)


def memory(job: Job) -> Measure:
    """What judging cells and places adds to a process, as a share of the frame."""
    # The system's allocator gives back what was freed, so that the process's size says what is held.
    environment = {**os.environ, "ARROW_DEFAULT_MEMORY_POOL": "system"}
    size = [str(SAMPLES.index(job.sample)), str(job.rows), str(job.columns)]
    command = [sys.executable, __file__, "memory", *size]
    told = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return Measure("memory added to the frame's", float(told.stdout), 1, noise=0)


def added_memory(job: Job) -> float:
    """The growth of this process over a judgement, as a share of the frame."""
    judging(job._replace(rows=1000))()
    work = judging(job)
    frame = float(job.table().memory_usage(deep=True).sum())
    Path("/proc/self/clear_refs").write_text("5")  # from here on the peak is this work's
    before = kilobytes("VmRSS")
    work()
    return (kilobytes("VmHWM") - before) * 1024 / frame


def measures(rows: int, *, columns: int) -> Iterator[Measure]:
    """Measure all of both tables."""
    for sample in SAMPLES:
        job = Job(sample, rows, columns)
        print(f"{sample.name}: {rows} rows x {columns} columns")  # noqa: T201
        yield from speed(job)
        yield from growth(job)
        yield from failures(job._replace(rows=rows // 5), shares=[0.01, 0.3, 1])
        yield memory(job._replace(bad_share=0.01))


def main(rows: int, columns: int) -> int:
    """Print every figure beside its limit; says whether one is broken."""
    broken = 0
    for measure in measures(rows, columns=columns):
        print(measure, flush=True)  # noqa: T201
        broken += measure.is_broken
    return int(bool(broken))


if __name__ == "__main__":
    if sys.argv[1:2] == ["memory"]:
        chosen, *size = (int(argument) for argument in sys.argv[2:])
        print(added_memory(Job(SAMPLES[chosen], *size, bad_share=0.01)))  # noqa: T201
    else:
        sizes = [int(argument) for argument in sys.argv[1:]] or [100_000, 122]
        sys.exit(main(*sizes))
