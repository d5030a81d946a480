"""Tables as CSV files that people open in a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from io import StringIO
from typing import Any

from capstan.spreadsheet import harmless


def sheet_of(rows: Iterable[Mapping[str, Any]], *, columns: Sequence[str]) -> bytes:
    """Write rows as CSV in UTF-8, with a mark by which Excel knows that; no cell is a formula."""
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([_cell(row[name]) for name in columns] for row in rows)
    return text.getvalue().encode("utf-8-sig", "replace")


def _cell(value: object) -> str:
    return harmless(value.isoformat(timespec="seconds") if isinstance(value, datetime) else str(value))
