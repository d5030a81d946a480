"""Files: a table that a person wants to import, read as text."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from capstan.errors import InputFileError
from tasks.shield import effect, run_logger

# The code of a checkbox may be below zero, and is written so by people.
_COLUMN = "[A-Za-z][A-Za-z0-9_]*(?:___-[0-9]+)?"
_FOREIGN = {
    b"\xff\xfe": "UTF-16 (a spreadsheet's Unicode text)",
    b"\xfe\xff": "UTF-16",
    b"PK\x03\x04": "a workbook of a spreadsheet, or another archive",
    b"\xd0\xcf\x11\xe0": "a workbook of a spreadsheet",
}
# The gate says which cells are too long; Python's own limit would not say why.
csv.field_size_limit(2**31 - 1)


class FileTable(NamedTuple):
    """The rows of a file as text, and how many of its lines held nothing, not counting empty ones."""

    frame: pd.DataFrame
    blank_lines: int


@effect("read file")
def read_table(path: str) -> FileTable:
    """Read a CSV file as text, every cell as it stands; the header may name a column twice.

    Spreadsheets end a file with lines of nothing but commas: what holds no sign is no row.

    Raises InputFileError for a file that is absent, empty, not UTF-8, or not rectangular, with the line.
    """
    text = _decoded(Path(path).expanduser())
    (header, *rows), blank_lines = _parsed(text, name=path)
    names = [name.strip() for name in header]
    _check_header(names, name=path)
    frame = pd.DataFrame(rows, columns=range(len(header)), dtype="str")
    frame.columns = pd.Index(names)
    run_logger().info("read %d rows, %d columns", *frame.shape)
    return FileTable(frame, blank_lines)


def _decoded(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputFileError(f"{path}: cannot be read ({error.strerror}); check the name.") from None
    kind = next((kind for mark, kind in _FOREIGN.items() if data.startswith(mark)), "")
    if kind or b"\0" in data[1:4:2]:  # UTF-16 has a zero beside each of the first letters
        raise InputFileError(f"{path}: is {kind or 'UTF-16'}, not CSV in UTF-8; save it as CSV UTF-8.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputFileError(
            f"{path}, line {line}: not UTF-8 (it may be Latin-1 or Windows-1252); save it as CSV UTF-8."
        ) from None


def _parsed(text: str, *, name: str) -> tuple[list[list[str]], int]:
    """The header and the rows that hold anything, and how many lines behind the header do not."""
    # Lines end only where CSV says so: a form feed or a U+2028 is part of a cell.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    rows: list[list[str]] = []
    line, blank_lines = 1, 0
    try:
        for row in reader:
            if any(map(str.strip, row)):
                rows.append(row)
                _check_width(row, header=rows[0], name=name, line=line)
            elif row and rows:
                blank_lines += 1
            line = reader.line_num + 1
    except csv.Error:
        raise InputFileError(
            f"{name}, line {line}: not readable as CSV; a quote is open or misplaced in the row that begins "
            "there; close or double it."
        ) from None
    if len(rows) < 2:
        what = "has a header and no rows" if rows else "is empty"
        raise InputFileError(f"{name}: {what}; there is nothing to import.")
    return rows, blank_lines


def _check_header(header: list[str], *, name: str) -> None:
    """Refuse what cannot be a column of an export; it is not shown, because it may be a row of values."""
    odd = [number for number, column in enumerate(header, 1) if not re.fullmatch(_COLUMN, column)]
    if odd:
        raise InputFileError(
            f"{name}, line 1: column {odd[0]} does not have the name of a field ({len(odd)} of "
            f"{len(header)}); the first line must hold the names of a raw export, not labels or values."
        )


def _check_width(row: list[str], *, header: list[str], name: str, line: int) -> None:
    if len(row) != len(header):
        raise InputFileError(
            f"{name}, line {line}: has {len(row)} cells where the header has {len(header)}; "
            "a comma may be missing or stand in a value without quotes."
        )


def _delimiter(text: str) -> str:
    """The header decides: comma, else semicolon or tab, which spreadsheets write too."""
    header = text.partition("\n")[0]
    return max((",", ";", "\t"), key=header.count)
