"""Turns the body of an answer into a frame of text, exactly as it was sent: no types, no missing values."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from typing import Any

import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.csv as pa_csv  # type: ignore[import-untyped]

from capstan.errors import RedcapError, RedcapUnavailable
from capstan.redcap.body import Body
from capstan.redcap.failures import TooMuch
from capstan.redcap.sentences import OUT_OF_MEMORY

# One row must fit into a block. A row of several large notes fields fits, and memory stays at a few blocks.
_BLOCK_BYTES = 8 << 20


class UnclearCsv(RedcapError):
    """The CSV is ambiguous at a quotation mark after a backslash; callers ask for JSON instead."""


def csv_frame(body: Body) -> pd.DataFrame:
    """Return the rows of a CSV answer as text, '' where blank; an answer without a header has no columns.

    The cells go from the network into Arrow without a copy in between. Raises `RedcapUnavailable` when the
    answer ends early. Source: section C.10.
    """
    header = body.readline().decode("utf-8-sig", errors="replace")
    names = next(csv.reader([header.rstrip("\r\n")]), [])
    table: pa.Table | None = _empty_table(names)
    if names and body.peek(1):
        table = _table(body, names)
    if table is None or not body.ends_as_csv:
        raise _unreadable(body)
    frame: pd.DataFrame = table.to_pandas(split_blocks=True, self_destruct=True)
    return frame


def json_frame(body: Body, columns: Sequence[str] = ()) -> pd.DataFrame:
    """Return the objects of a JSON array as text, with `columns` first and whatever else the server sent."""
    rows = json_document(body)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise RedcapUnavailable("REDCap answered with JSON that is no list of rows. Try again.")
    names = list(dict.fromkeys([*columns, *(name for row in rows for name in row)]))
    cells = {name: [_text(row.get(name)) for row in rows] for name in names}
    return pd.DataFrame(cells, columns=pd.Index(names, dtype="str"), dtype="str")


def json_document(body: Body) -> Any:
    """Return the whole answer as JSON; one that ends early raises `RedcapUnavailable`."""
    text = body.read().decode("utf-8-sig", errors="replace")
    try:
        return json.loads(text, strict=False)
    except ValueError:
        pass
    raise _cut_short(body)


def joined(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of all frames in their order, as one frame."""
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else frames[0]


def _table(body: Body, names: list[str]) -> pa.Table | None:
    """Return None for what is no table; Arrow's own error is dropped here because it quotes the row."""
    try:
        reader = pa_csv.open_csv(
            body,
            read_options=pa_csv.ReadOptions(column_names=names, block_size=_BLOCK_BYTES),
            # With one column, an empty line is a blank cell.
            parse_options=pa_csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=len(names) > 1),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.large_string()),
                strings_can_be_null=False,
                quoted_strings_can_be_null=False,
            ),
        )
        return reader.read_all()
    except pa.ArrowInvalid as error:
        is_other_encoding = "invalid UTF8" in str(error)
    if is_other_encoding:
        raise RedcapError("REDCap's answer is not UTF-8: its administrator must repair the database's text.")
    return None


def _empty_table(names: list[str]) -> pa.Table:
    return pa.table({name: pa.array([], pa.large_string()) for name in names})


def _unreadable(body: Body) -> RedcapError:
    if body.has_escaped_quote:
        return UnclearCsv("REDCap's CSV is ambiguous around a quotation mark after a backslash.")
    return _cut_short(body)


def _cut_short(body: Body) -> RedcapError:
    if OUT_OF_MEMORY.search(body.tail):
        return TooMuch("REDCap ran out of memory half way: ask for fewer records or fields at once.")
    return RedcapUnavailable("REDCap's answer could not be read to its end: it was cut short. Try again.")


def _text(value: object) -> str:
    return "" if value is None else str(value)
