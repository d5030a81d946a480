"""The roster: the table in which a partner says who its participants are, and how they do."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pandas as pd

from capstan.errors import Refused

if TYPE_CHECKING:
    from capstan.study.notices import Partner


def read_roster(data: bytes, partner: Partner) -> pd.DataFrame:
    """Read a roster, CSV or a JSON list of objects, as text with the columns that the study names.

    Raises Refused, with one sentence, for what is no such table and for one without rows: a partner that
    suddenly has no participants is no reason to believe it.
    """
    text = _decoded(data, name=partner.name)
    if text.lstrip()[:1] == "<":
        raise Refused(
            f"The roster of {partner.name} is a web page and no table; its address or login has changed."
        )
    is_json = text.lstrip()[:1] in ("[", "{")
    rows = _read_json(text, name=partner.name) if is_json else _read_csv(text, name=partner.name)
    header, *lines = rows
    columns = dict.fromkeys([partner.participant, *(one.column for one in partner.compare)])
    for column in columns:
        if header.count(column) != 1:
            found = "has no column" if column not in header else "has two columns"
            raise Refused(f"The roster of {partner.name} {found} {column!r}; correct partners in study.yaml.")
    if not lines:
        raise Refused(f"The roster of {partner.name} has no rows, so nothing was compared; ask them why.")
    places = {column: header.index(column) for column in columns}
    return pd.DataFrame(
        {column: [line[place].strip() for line in lines] for column, place in places.items()}, dtype="str"
    )


def _decoded(data: bytes, *, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    raise Refused(f"The roster of {name} is not UTF-8; ask them for CSV or JSON in UTF-8.")


def _read_csv(text: str, *, name: str) -> list[list[str]]:
    first = text.partition("\n")[0]
    delimiter = max((",", ";", "\t"), key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[list[str]] = []
    line = 1
    try:
        for row in reader:
            if any(row):
                rows.append(row)
            if rows and row and len(row) != len(rows[0]):
                raise Refused(
                    f"The roster of {name}, line {line}: it has {len(row)} cells where the header has "
                    f"{len(rows[0])}; it may be cut off, or a comma stands in a value without quotes."
                )
            line = reader.line_num + 1
    except csv.Error:
        raise Refused(f"The roster of {name}, line {line}: not readable as CSV.") from None
    return [[cell.strip() for cell in rows[0]], *rows[1:]] if rows else [[]]


def _read_json(text: str, *, name: str) -> list[list[str]]:
    refused = Refused(f"The roster of {name} is no JSON list of objects; ask them for one, or for CSV.")
    try:
        found = json.loads(text, parse_int=str, parse_float=str)
    except ValueError:
        raise refused from None
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise refused
    header = list(dict.fromkeys(column for row in found for column in row))
    if any(isinstance(value, dict | list) for row in found for value in row.values()):
        raise refused
    return [header, *([_text(row.get(column)) for column in header] for row in found)] if found else [[]]


def _text(value: object) -> str:
    """A JSON value as text: numbers as they stand, null and what is absent blank."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
