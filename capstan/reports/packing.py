"""Packing: tables as compressed CSV within a page, which stays small whatever a study is like."""

from __future__ import annotations

import base64
import gzip
from typing import NamedTuple

import pandas as pd

from capstan.reports.tables import csv_of

# What all files of a page may weigh, in letters; the rest of a page is far less than another half.
_ROOM = 1_200_000


class Sheet(NamedTuple):
    """A CSV file, compressed by gzip and written in base64, and how many rows it has."""

    packed: str
    rows: int


def pack(tables: list[pd.DataFrame]) -> list[Sheet]:
    """Pack tables within the room: what small ones do not need is left to large ones, which may lose rows."""
    sheets = [Sheet(_packed(table), len(table)) for table in tables]
    left = _ROOM
    for done, place in enumerate(sorted(range(len(sheets)), key=lambda each: len(sheets[each].packed))):
        share = left // (len(sheets) - done)
        sheets[place] = _within(share, tables[place], whole=sheets[place])
        left -= len(sheets[place].packed)
    return sheets


def _within(room: int, table: pd.DataFrame, *, whole: Sheet) -> Sheet:
    """The first rows of a table that fit."""
    sheet = whole
    while len(sheet.packed) > room and sheet.rows > 1:
        rows = int(sheet.rows * min(0.95 * room / len(sheet.packed), 0.9))
        sheet = Sheet(_packed(table.head(rows)), rows)
    return sheet


def _packed(table: pd.DataFrame) -> str:
    # Without a time, so that the same table gives the same page.
    return base64.b64encode(gzip.compress(csv_of(table), mtime=0)).decode()
