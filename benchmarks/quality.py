"""A thousand expectations of a project, from the dictionary to written pages, in a process of its own.

    python -m benchmarks.quality [rows] [columns] [expectations]

The parent writes an export of codes and numbers as CSV; a new process, as a run of a flow is one, imports
all that it needs, reads the export, and judges expectations of each sort: shares of blanks, means, spreads
and shares of codes, of the whole project, then of events and sites. Prints seconds of the clock and of the
processor, memory, and all of it beside reading alone. Ends with 1 where a limit is broken.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmarks.figures import Measure, kilobytes
from capstan.dictionary import Dictionary
from capstan.expectations import Project, validate
from capstan.quality.expected import Expected
from capstan.quality.outcome import Outcome

EVENTS = [f"visit_{number}_arm_1" for number in range(6)]
SITES = [f"site_{number}" for number in range(5)]
NOW = datetime(2026, 1, 1, tzinfo=UTC)
_VALIDATION = "text_validation_type_or_show_slider_number"
_UNSAID = (
    *("field_label", "field_annotation", "text_validation_min", "text_validation_max"),
    *("branching_logic", "identifier", "required_field"),
)
_CODES = {"1": 0.5, "2": 0.3, "3": 0.2}
_TARGETS = {"seconds of the clock": 60.0, "seconds of the processor": 60.0, "megabytes": 1500.0}


class Size(NamedTuple):
    """How much is judged."""

    rows: int
    columns: int
    expectations: int


def dictionary(size: Size) -> Dictionary:
    """Half of the fields have codes, half numbers."""
    blank = dict.fromkeys(_UNSAID, "")
    kinds = [
        {"field_type": "text", "select_choices_or_calculations": "", _VALIDATION: "number"},
        {
            "field_type": "radio",
            "select_choices_or_calculations": "1, One | 2, Two | 3, Three",
            _VALIDATION: "",
        },
    ]
    names = ["record_id", *(f"field_{number}" for number in range(size.columns))]
    rows = [
        {"field_name": name, "form_name": f"form_{number // 20}", **kinds[number % 2], **blank}
        for number, name in enumerate(names)
    ]
    forms = sorted({row["form_name"] for row in rows})
    instruments = pd.DataFrame({"instrument_name": forms, "instrument_label": forms})
    return Dictionary.from_frames(pd.DataFrame(rows), instruments=instruments)


def export(size: Size, fields: Dictionary) -> pd.DataFrame:
    """A table of which three of ten cells are blank."""
    random = np.random.default_rng(1)
    count = len(EVENTS)
    table = {
        "record_id": [str(row // count + 1) for row in range(size.rows)],
        "redcap_event_name": [EVENTS[row % count] for row in range(size.rows)],
        "redcap_data_access_group": [SITES[row // count % len(SITES)] for row in range(size.rows)],
    }
    for field in fields.fields[1 : size.columns + 1]:
        if field.choices:
            cells = random.choice(list(_CODES), size.rows, p=list(_CODES.values()))
        else:
            cells = random.normal(50, 10, size.rows).round(1).astype("str")
        table[field.name] = np.where(random.random(size.rows) < 0.3, "", cells)
    return pd.DataFrame(table, dtype="str")


def expectations(size: Size, fields: Dictionary) -> list[Expected]:
    """As many as wanted, of all fields in turn: of the whole project, then of each event and each site."""
    places = [("", ""), *((event, "") for event in EVENTS), *(("", site) for site in SITES)]
    asked = product(places, ("filled", "centre", "spread"), fields.fields[1 : size.columns + 1])
    made = [
        _expected(field.name, question, event=event, site=site, is_coded=bool(field.choices))
        for (event, site), question, field in asked
        if not (field.choices and question == "spread")
    ]
    return made[: size.expectations]


def _expected(column: str, question: str, *, event: str, site: str, is_coded: bool) -> Expected:
    asked: dict[str, object] = {"expects": question, "lower": 0.65}
    if question == "centre":
        asked = {"expects": "mean", "lower": 45.0, "upper": 55.0}
    if question == "centre" and is_coded:
        asked = {"expects": "shares", "upper": 0.05, "reference": tuple(_CODES.items())}
    if question == "spread":
        asked = {"expects": "spread", "lower": 9.0, "upper": 11.0}
    name = f"{asked['expects']}/{column}/{event}/{site}"
    told = f"{column} is as before ({asked['expects']}) {event} {site}"
    return Expected(
        name, "drift", "warning", told, event=event, site=site, asset="data", column=column, **asked
    )  # type: ignore[arg-type]


def judge_here(size: Size, *, folder: Path) -> list[Outcome]:
    """Judge all of it in this process, and tell what it took."""
    fields = dictionary(size)
    begun = time.process_time()
    frame = pd.read_csv(folder / "export.csv", dtype="str", keep_default_na=False)
    read = time.process_time() - begun
    measures = pd.DataFrame(columns=["measure", "form", "field", "event", "site", "value", "count"])
    asked = expectations(size, fields)
    project = Project("bench", measures, frame, fields)
    outcomes = validate(project, asked, home=folder, at=NOW)
    print(time.process_time(), read, kilobytes("VmHWM") / 1024)  # noqa: T201
    return outcomes


def measure(size: Size) -> Iterator[Measure]:
    """Start such a process and take its time."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        export(size, dictionary(size)).to_csv(folder / "export.csv", index=False)
        command = [sys.executable, __file__, "judge", *map(str, size), name]
        begun = time.perf_counter()
        told = subprocess.run(command, check=True, capture_output=True, text=True)
        clock = time.perf_counter() - begun
        processor, read, peak = (float(figure) for figure in told.stdout.split())
        pages = list((folder / "quality").rglob("*.html"))
        weight = sum(page.stat().st_size for page in pages) / 2**20
    for figure, (target, limit) in zip((clock, processor, peak), _TARGETS.items(), strict=True):
        yield Measure(target, figure, limit)
    yield Measure("all of it to reading the export, processor", processor / read, 60)
    yield Measure(f"megabytes of {len(pages)} pages", weight, 5)


def main(size: Size) -> int:
    """Print every figure beside its limit; says whether one is broken."""
    print(f"{size.expectations} expectations of {size.rows} rows x {size.columns} columns")  # noqa: T201
    broken = 0
    for figure in measure(size):
        print(figure, flush=True)  # noqa: T201
        broken += figure.is_broken
    return int(bool(broken))


if __name__ == "__main__":
    if sys.argv[1:2] == ["judge"]:
        judge_here(Size(*map(int, sys.argv[2:5])), folder=Path(sys.argv[5]))
    else:
        given = [int(argument) for argument in sys.argv[1:]]
        sys.exit(main(Size(*(given or [100_000, 100, 1000]))))
