"""The gate's judgement of cells and places against what Arrow takes to read the same CSV as text.

    python benchmarks/gate_frames.py [rows] [columns]

Judged is everything that can be wrong with a row's place or with a cell: keys, events, repeats, values,
protected fields and overwritten values. Times are of the processor, on all cores together, in one run.
"""

from __future__ import annotations

import io
import sys
import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from statistics import median

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
from pyarrow import csv  # type: ignore[import-untyped]

from capstan.dictionary import Dictionary, Field, FieldType
from capstan.events import Event, EventGrid
from capstan.plan import keyed
from capstan.study import Limits, Study
from checks.gate import Case, Present, Rules, judge_places_and_cells, read_wanted

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


def dictionary(columns: int) -> Dictionary:
    """A form of choices, dates and ranged numbers, after a first one with the record id."""
    kinds = [
        {"type": FieldType.RADIO, "choices": {str(code): f"Label {code}" for code in range(5)}},
        {"type": FieldType.TEXT, "validation": "date_ymd"},
        {"type": FieldType.TEXT, "validation": "integer", "minimum": "0", "maximum": "120"},
    ]
    fields = [Field(f"f{n}", "form", **kinds[n % 3]) for n in range(columns)]  # type: ignore[arg-type]
    first = Field("record_id", "first", FieldType.TEXT)
    return Dictionary((first, *fields), {"first": "First", "form": "Form"})


def table(rows: int, *, columns: int, bad_share: float) -> pd.DataFrame:
    """Rows of one event of which a share of all cells is bad."""
    chance = np.random.default_rng(1)
    days = pd.date_range("2020-01-01", periods=900).strftime("%Y-%m-%d").to_numpy(dtype=object)
    makers: list[Callable[[], np.ndarray]] = [
        lambda: chance.integers(0, 5, rows).astype(str).astype(object),
        lambda: chance.choice(days, rows),
        lambda: chance.integers(0, 121, rows).astype(str).astype(object),
    ]
    frame = {"record_id": np.arange(1, rows + 1).astype(str).astype(object)}
    frame["redcap_event_name"] = np.full(rows, "visit_arm_1", dtype=object)
    for number in range(columns):
        values = makers[number % 3]()
        values[chance.random(rows) < bad_share] = "bad"
        frame[f"f{number}"] = values
    return pd.DataFrame(frame, dtype="str")


def seconds(work: Callable[[], object], *, rounds: int = 5) -> float:
    """The median of some rounds, in seconds of the processor."""
    spent = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return median(spent)


def judging(wanted: pd.DataFrame, *, columns: int) -> Callable[[], object]:
    """Judge a table whose records exist and have no data on the event."""
    fields = dictionary(columns)
    rules = Rules(Study.from_text(STUDY, source="study.yaml", environment={}), fields, GRID, NOW.date())
    frame = keyed(wanted.iloc[:0], record_field="record_id")
    present = Present(frame, frozenset(wanted["record_id"]))
    limits = Limits(records=len(wanted), share=1)

    def judge() -> object:
        read = read_wanted(
            wanted, present=frame, records=present.records, dictionary=fields, blanks_erase=False
        )
        return judge_places_and_cells(Case(read, present, rules, limits, NOW, frozenset())).verdicts()

    return judge


def reading(wanted: pd.DataFrame) -> Callable[[], object]:
    """Read the same table as CSV text with Arrow."""
    text = wanted.to_csv(index=False).encode()
    options = csv.ConvertOptions(column_types={name: pa.string() for name in wanted.columns})
    return lambda: csv.read_csv(io.BytesIO(text), convert_options=options)


def memory(work: Callable[[], object]) -> float:
    """The most that the work holds beside what was there, in megabytes: Python's and Arrow's."""
    pool = pa.default_memory_pool()
    before = pool.bytes_allocated()
    tracemalloc.start()
    kept = work()
    held = tracemalloc.get_traced_memory()[1] + pool.bytes_allocated() - before
    tracemalloc.stop()
    del kept
    return held / 1e6


def main(rows: int, columns: int) -> None:
    """Print the ratios that the gate must keep."""
    clean = table(rows, columns=columns, bad_share=0)
    judge, read = seconds(judging(clean, columns=columns)), seconds(reading(clean))
    told = [f"{rows} rows x {columns} columns: judged in {judge:.2f} s, read by Arrow in {read:.2f} s"]
    told.append(f"judging to reading: {judge / read:.2f} (at most 2)")
    bad = seconds(judging(table(rows, columns=columns, bad_share=0.01), columns=columns))
    told.append(f"1 % of cells bad to none: {bad / judge:.2f}")
    half = seconds(judging(clean.iloc[: rows // 2], columns=columns))
    told.append(f"all rows to half of them: {judge / half:.2f} (linear: 2)")
    frame = clean.memory_usage(deep=True).sum() / 1e6
    told.append(
        f"memory added to the frame's: {memory(judging(clean, columns=columns)) / frame:.2f} (below 1)"
    )
    print("\n".join(told))  # noqa: T201


if __name__ == "__main__":
    sizes = [int(argument) for argument in sys.argv[1:]] or [100_000, 122]
    main(*sizes)
