"""The gate against pandera's own lazy report, on the same rules and rows, in one run.

    python benchmarks/gate_frames.py [rows] [columns]

pandera's report says less (no placement, arms, changes or limits) and carries the values.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from statistics import median

import numpy as np
import pandas as pd
import pandera.errors

from capstan.dictionary import Dictionary, Field, FieldType
from capstan.events import EventGrid
from capstan.study import Limits, Study
from checks.gate import Present, Rules, judge
from checks.values import value_schema

STUDY = """
study: bench
title: Bench
redcap: {url: 'http://127.0.0.1/', token: {env: T}, project: {id: 1, title: B, status: development}}
writes: {allow: [form]}
"""


def dictionary(columns: int) -> Dictionary:
    """A form of choices, dates and ranged numbers."""
    kinds = [
        {"type": FieldType.RADIO, "choices": {str(code): f"Label {code}" for code in range(5)}},
        {"type": FieldType.TEXT, "validation": "date_ymd"},
        {"type": FieldType.TEXT, "validation": "integer", "minimum": "0", "maximum": "120"},
    ]
    fields = [Field(f"f{n}", "form", **kinds[n % 3]) for n in range(columns)]  # type: ignore[arg-type]
    return Dictionary((Field("record_id", "form", FieldType.TEXT), *fields), {"form": "Form"})


def table(rows: int, *, columns: int, bad_share: float) -> pd.DataFrame:
    """Rows of which a share of all cells is bad."""
    chance = np.random.default_rng(1)
    days = pd.date_range("2020-01-01", periods=900).strftime("%Y-%m-%d").to_numpy(dtype=object)
    makers: list[Callable[[], np.ndarray]] = [
        lambda: chance.integers(0, 5, rows).astype(str).astype(object),
        lambda: chance.choice(days, rows),
        lambda: chance.integers(0, 121, rows).astype(str).astype(object),
    ]
    frame = {"record_id": np.arange(1, rows + 1).astype(str).astype(object)}
    for number in range(columns):
        values = makers[number % 3]()
        values[chance.random(rows) < bad_share] = "bad"
        frame[f"f{number}"] = values
    return pd.DataFrame(frame, dtype="str")


def timed(work: Callable[[], object], *, rounds: int = 3) -> float:
    """The median of some rounds, in seconds of this process."""
    spent = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return median(spent)


def main(rows: int, columns: int) -> None:
    """Print both times and their ratio, for clean rows and for 1 % of bad cells."""
    fields = dictionary(columns)
    grid = EventGrid((), {}, frozenset({("", "form")}), frozenset())
    study = Study.from_text(STUDY, source="study.yaml", environment={})
    schema = value_schema(fields, today=date(2026, 1, 1))
    limits = Limits(records=rows, share=1, new_records=rows)
    empty = pd.DataFrame({"record_id": pd.Series(dtype="str")})
    for name in ("redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance"):
        empty[name] = pd.Series(dtype="str")
    present = Present(empty, frozenset())
    now = datetime(2026, 1, 1, tzinfo=UTC)
    for share in (0.0, 0.01):
        wanted = table(rows, columns=columns, bad_share=share)

        def gate(wanted: pd.DataFrame = wanted) -> None:
            rules = Rules(study, fields, grid, now.date())
            judge(wanted, present=present, rules=rules, limits=limits, now=now)

        def lazy(wanted: pd.DataFrame = wanted) -> None:
            try:
                schema.validate(wanted, lazy=True)
            except pandera.errors.SchemaErrors:
                return

        ours, theirs = timed(gate), timed(lazy)
        print(  # noqa: T201
            f"{rows} rows x {columns} columns, {share:.0%} bad: whole gate {ours:.2f} s, "
            f"pandera lazy {theirs:.2f} s, ratio {theirs / ours:.1f}"
        )


if __name__ == "__main__":
    sizes = [int(argument) for argument in sys.argv[1:]] or [10_000, 100]
    main(*sizes)
