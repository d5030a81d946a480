"""The `data` parameter of an import as a list of rows of text (D.1)."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from lxml import etree

from sandbox.call import Call
from sandbox.errors import BAD_FORMAT, BAD_JSON, ApiError

Row = dict[str, str]


class BareObject(Exception):
    """The JSON was one object and no array: REDCap imports nothing and says so politely."""


def read_rows(call: Call) -> list[Row]:
    """Read the payload in its format; a bare JSON object raises `BareObject`."""
    text = call.text("data")
    if call.format == "json":
        return _from_json(text)
    if call.format == "csv":
        return _from_csv(text, call.delimiter)
    return _from_xml(text)


def read_object_or_rows(call: Call) -> list[Row]:
    """Read a payload that may be one bare object, as for project settings."""
    try:
        return read_rows(call)
    except BareObject:
        return [_row(_parse_json(call.text("data")))]


def _parse_json(text: str) -> Any:
    try:
        # Numbers stay as they were written: 1.0 is not 1.
        return json.loads(text, parse_float=str, parse_int=str)
    except ValueError as error:
        raise ApiError(BAD_JSON) from error


def _from_json(text: str) -> list[Row]:
    document = _parse_json(text)
    if isinstance(document, dict):
        raise BareObject
    if not isinstance(document, list) or not all(isinstance(row, dict) for row in document):
        raise ApiError(BAD_JSON)
    return [_row(row) for row in document]


def _row(row: dict[str, Any]) -> Row:
    return {name: _text(value) for name, value in row.items()}


def _text(value: Any) -> str:
    if value is None or value is False:
        return ""
    if value is True:
        return "1"
    text = value if isinstance(value, str) else json.dumps(value)
    # Half of a surrogate pair is no text that can be stored.
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _from_csv(text: str, delimiter: str) -> list[Row]:
    lines = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=delimiter)
    try:
        rows = [line for line in lines if any(cell != "" for cell in line)]
    except csv.Error as error:
        raise ApiError(BAD_FORMAT) from error
    if not rows:
        raise ApiError(BAD_FORMAT)
    header = [name.strip() for name in rows[0]]
    return [dict(zip(header, [*line, *[""] * (len(header) - len(line))], strict=False)) for line in rows[1:]]


def _from_xml(text: str) -> list[Row]:
    parser = etree.XMLParser(huge_tree=True, resolve_entities=False, no_network=True)
    try:
        root = etree.fromstring(text.strip().encode(), parser)
    except etree.XMLSyntaxError as error:
        raise ApiError(BAD_FORMAT) from error
    return [
        {str(cell.tag): cell.text or "" for cell in item if isinstance(cell.tag, str)}
        for item in root.iterfind("item")
    ]
