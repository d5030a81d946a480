"""Tables of panels: as rows of text on the page, and whole as CSV."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import accumulate
from typing import Any, NamedTuple

import pandas as pd
from pandas.api.types import is_numeric_dtype

from capstan.spreadsheet import harmless

_LINK = "link"
# Names may be long: rows end where a table has this many letters.
_SHOWN, _LETTERS = 200, 40_000


class Table(NamedTuple):
    """A table as text: which columns are numbers, rows with the address of each, and how many there are."""

    columns: list[tuple[str, bool]]
    rows: list[tuple[str, list[str]]]
    total: int


def table_of(frame: pd.DataFrame) -> Table:
    """The first rows of a table; a page with all rows of a large one would be slow, and nobody reads them."""
    columns = [(str(name), is_numeric_dtype(frame[name])) for name in frame.columns if name != _LINK]
    rows = list(_rows(frame.head(_SHOWN), columns=[name for name, _ in columns]))
    letters = accumulate(sum(map(len, cells)) for _, cells in rows)
    fit = sum(so_far <= _LETTERS for so_far in letters)
    return Table(columns, rows[: max(fit, 1)], len(frame))


def csv_of(frame: pd.DataFrame) -> bytes:
    """All rows as CSV, in UTF-8 with a mark by which Excel knows that; no cell is a formula."""
    safe = frame.drop(columns=[_LINK], errors="ignore").rename(columns=_harmless)
    for place, kind in enumerate(safe.dtypes):
        if not is_numeric_dtype(kind):
            safe.isetitem(place, safe.iloc[:, place].map(_harmless).array)
    text: str = safe.to_csv(index=False)
    return text.encode("utf-8-sig", "replace")


def is_plain(address: str) -> bool:
    """Whether an address leads to the web or to a page beside this one, and runs nothing."""
    return address.startswith(("https://", "http://")) or ":" not in address


def text_of(value: Any) -> str:
    """A value as people read it; nothing for one that is missing."""
    if value is None or value is pd.NaT:
        return ""
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:,.4g}" if abs(value) < 1 else f"{value:,.10g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _rows(frame: pd.DataFrame, *, columns: list[str]) -> Iterator[tuple[str, list[str]]]:
    for row in frame.to_dict("records"):
        address = str(row.get(_LINK, ""))
        yield address if is_plain(address) else "", [text_of(row[name]) for name in columns]


def _harmless(value: Any) -> str:
    return harmless(text_of(value) if value is None or isinstance(value, float) else str(value))
