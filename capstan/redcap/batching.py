"""Cuts rows and record ids into parts that REDCap's server can take, never inside a record."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, TypeVar

import pandas as pd

from capstan.errors import UsageError
from capstan.redcap.parameters import encoded_size, natural_order

Format = Literal["csv", "json"]
T = TypeVar("T")

# An id in an array costs its index too: records[1234]= and &, url-encoded.
_INDEX_BYTES = 22
# Ids with commas can only be sent as an array, and PHP reads a thousand form fields at most.
MAX_IDS_WITH_COMMAS = 500


def batches(
    frame: pd.DataFrame, *, record_field: str, max_rows: int, max_bytes: int, as_format: Format = "csv"
) -> Iterator[pd.DataFrame]:
    """Yield the rows of `frame` in parts of at most `max_rows` rows and `max_bytes` url-encoded bytes.

    All rows of a record come in one part, in their order; records come in the order in which they first
    appear. A record that is larger than the limits is a part of its own, because REDCap judges a record
    as a whole. Raises `UsageError` when `record_field` is no column or a limit is below 1.
    """
    if record_field not in frame.columns:
        raise UsageError(f"The rows have no column '{record_field}': each row must name its record.")
    if min(max_rows, max_bytes) < 1:
        raise UsageError("max_rows and max_bytes must be 1 or more.")
    places: dict[str, list[int]] = {}
    for place, record in enumerate(frame[record_field].str.strip().str.casefold()):
        places.setdefault(record, []).append(place)
    sizes = _row_sizes(frame, as_format=as_format)
    units = ((rows, sum(sizes[place] for place in rows)) for rows in places.values())
    room = max_bytes - encoded_size(",".join(frame.columns) + "\n")
    for part in _parts(units, max_rows=max_rows, max_bytes=room):
        yield frame.iloc[part]


def id_batches(ids: Sequence[str], *, max_rows: int, max_bytes: int) -> Iterator[list[str]]:
    """Yield distinct record ids in REDCap's order, in parts of at most `max_rows` ids and `max_bytes`.

    Because parts follow REDCap's order, the answers one after another are in that order too (section C.5).
    """
    ordered = sorted(dict.fromkeys(ids), key=natural_order)
    has_commas = any("," in name for name in ordered)
    limit = min(max_rows, MAX_IDS_WITH_COMMAS) if has_commas else max_rows
    units = (([name], encoded_size(name) + _INDEX_BYTES) for name in ordered)
    yield from _parts(units, max_rows=limit, max_bytes=max_bytes)


def cut_ids(ids: list[str], most: int) -> Iterator[list[str]]:
    """Yield record ids in their order, in parts of at most `most`."""
    return (ids[first : first + most] for first in range(0, len(ids), most))


def payload(frame: pd.DataFrame, *, as_format: Format) -> str:
    """Return the rows as the text that an import sends."""
    if as_format == "csv":
        return str(frame.to_csv(index=False, lineterminator="\n"))
    return json.dumps(frame.to_dict("records"), ensure_ascii=False, separators=(",", ":"))


def _parts(units: Iterable[tuple[list[T], int]], *, max_rows: int, max_bytes: int) -> Iterator[list[T]]:
    """Join units of (items, bytes), which are never cut, as long as both limits hold."""
    part: list[T] = []
    size = 0
    for items, unit_size in units:
        if part and (len(part) + len(items) > max_rows or size + unit_size > max_bytes):
            yield part
            part, size = [], 0
        part.extend(items)
        size += unit_size
    if part:
        yield part


def _row_sizes(frame: pd.DataFrame, *, as_format: Format) -> list[int]:
    if as_format == "json":
        return [encoded_size(f"{json.dumps(row, ensure_ascii=False)},") for row in frame.to_dict("records")]
    sizes = _Sizes()
    csv.writer(sizes, lineterminator="\n").writerows(frame.itertuples(index=False, name=None))
    return sizes


class _Sizes(list[int]):
    """Takes the lines of a CSV writer and keeps their url-encoded sizes only."""

    def write(self, line: str) -> None:
        self.append(encoded_size(line))
