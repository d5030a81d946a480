"""What the tests of the store share: a store in a folder, a fixed clock, runs and cells."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from capstan.store import CELL_KEYS, KeyRing, Run, RunKind, Store, begin_run, load_keys

NOW = datetime(2026, 11, 22, 10, 15, 30, tzinfo=UTC)
NASTY = ("", "NA", "nan", "None", "007", "1.0", ' "quoted", ', "two\nlines\r\n", "Zoë 😀\u2028", "\x00", "-")


def store_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'store.sqlite'}"


def open_store(folder: Path, keys: KeyRing | None = None) -> Store:
    return Store.open(store_url(folder), keys or load_keys(None, home=folder))


def begin(store: Store, study: str = "demo", **changes: object) -> Run:
    values = {
        "flow": "import_file",
        "kind": RunKind.WRITE,
        "project_id": 14,
        "host": "redcap.test",
        "now": NOW,
    }
    return begin_run(store, study, **{**values, **changes})


def make_cells(*befores: str) -> pd.DataFrame:
    """One cell for each value that REDCap holds, each in a record of its own."""
    count = len(befores)
    return pd.DataFrame(
        {
            "record": [f"{number:03}" for number in range(count)],
            "event": ["baseline_arm_1"] * count,
            "instrument": [""] * count,
            "instance": [""] * count,
            "field": ["weight"] * count,
            "before": list(befores),
            "after": [f"new {before}" for before in befores],
            "row_existed": [number % 2 == 0 for number in range(count)],
            "form_saved": [number % 3 == 0 for number in range(count)],
        }
    )


def make_outcomes(cells: pd.DataFrame, *outcomes: str) -> pd.DataFrame:
    return cells[list(CELL_KEYS)].assign(outcome=list(outcomes))


def make_verdicts(reason: str = "is above the range") -> pd.DataFrame:
    columns = ("record", "event", "instrument", "instance", "field", "check", "severity", "reason")
    values = ("001", "baseline_arm_1", "", "", "weight", "range", "error", reason)
    return pd.DataFrame({name: [value] for name, value in zip(columns, values, strict=True)})


def bytes_on_disk(folder: Path) -> bytes:
    """The database, its write-ahead log and everything else in the folder."""
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()))
