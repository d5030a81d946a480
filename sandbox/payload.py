"""The `data` parameter of an import as a list of rows of text (D.1)."""

from __future__ import annotations

import csv
import io
import json
from typing import Any, NoReturn

import orjson
from lxml import etree

from sandbox.call import Call
from sandbox.errors import BAD_FORMAT, BAD_JSON, OUT_OF_MEMORY, ApiError
from sandbox.render import encode

Row = dict[str, str]
DELIMITERS = frozenset(",\t;|^")
# Small signs make large objects: more cells than this, and memory would not do.
MAX_CELLS = 20_000_000
# PHP keeps whole numbers of up to this many characters; longer ones it takes for decimal numbers.
PHP_DIGITS = 19
# Where a header without rows is meant; elsewhere it is text that only looks like csv.
MAY_BE_EMPTY = frozenset({"record", "repeatingFormsEvents"})
# A cell of csv may be as large as one of json.
csv.field_size_limit(1 << 28)


class BareObject(ApiError):
    """The JSON was one object and no array: a record import does nothing then, others refuse it."""

    def __init__(self) -> None:
        super().__init__(BAD_JSON)


def read_rows(call: Call) -> list[Row]:
    """Read the payload in its format; a bare JSON object raises `BareObject`."""
    text = call.text("data")
    if call.format == "json":
        return _from_json(text, booleans=_booleans(call))
    if call.format == "csv":
        rows = _from_csv(text, call.delimiter if call.delimiter in DELIMITERS else ",")
        if not rows and call.content not in MAY_BE_EMPTY:
            raise ApiError(BAD_FORMAT)
        return rows
    return _from_xml(text)


def read_object_or_rows(call: Call) -> list[Row]:
    """Read a payload that may be one bare object, as for project settings."""
    try:
        return read_rows(call)
    except BareObject:
        return [_row(_parse_json(call.text("data")), _booleans(call))]


def _booleans(call: Call) -> dict[bool, str]:
    # In records a JSON boolean is not converted; elsewhere it is a flag.
    return {True: "true", False: "false"} if call.content == "record" else {True: "1", False: ""}


def _check_size(cells: int) -> None:
    if cells > MAX_CELLS:
        raise ApiError(OUT_OF_MEMORY)


def _parse_json(text: str) -> Any:
    try:
        return json.loads(text, parse_float=_number, parse_int=_number, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise ApiError(BAD_JSON) from error


def _number(text: str) -> str:
    """Spell a JSON number as PHP does when it makes text of it: 4.0 is 4, and 14 digits count."""
    if text.lstrip("-").isdecimal() and len(text) < PHP_DIGITS:
        return text
    digits, exponent, power = f"{float(text):.14G}".partition("E")
    if not exponent:
        return digits
    return f"{digits if '.' in digits else digits + '.0'}E{int(power):+d}"


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _from_json(text: str, *, booleans: dict[bool, str]) -> list[Row]:
    _check_size(sum(map(text.count, "[{,")))
    rows = _texts(text)
    if rows is not None:
        return rows
    document = _parse_json(text)
    if isinstance(document, dict):
        raise BareObject
    if not isinstance(document, list) or not all(isinstance(row, dict) for row in document):
        raise ApiError(BAD_JSON)
    return [_row(row, booleans) for row in document]


def _texts(text: str) -> list[Row] | None:
    """Read objects whose values are all text, as most are, in a quarter of the time; None for any others."""
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    are_rows = isinstance(document, list) and all(isinstance(row, dict) for row in document)
    return document if are_rows and all({*map(type, row.values())} <= {str} for row in document) else None


def _row(row: dict[str, Any], booleans: dict[bool, str]) -> Row:
    return {
        name if name.isascii() else _text(name, booleans): (
            value if value.__class__ is str and value.isascii() else _text(value, booleans)
        )
        for name, value in row.items()
    }


def _text(value: Any, booleans: dict[bool, str]) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return booleans[value]
    try:
        text = value if isinstance(value, str) else json.dumps(value)
    except RecursionError as error:
        raise ApiError(BAD_JSON) from error
    # Half of a surrogate pair is no text that can be stored.
    return encode(text).decode()


def _from_csv(text: str, delimiter: str) -> list[Row]:
    lines = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=delimiter)
    try:
        header = next((line for line in lines if any(line)), None)
        if header is None:
            raise ApiError(BAD_FORMAT)
        names = [name.strip() for name in header]
        _check_size(len(names) * text.count("\n"))
        blanks = [""] * len(names)
        # A line that is too short ends with blanks, as in a spreadsheet.
        return [dict(zip(names, line + blanks[len(line) :], strict=False)) for line in lines if any(line)]
    except csv.Error as error:
        raise ApiError(BAD_FORMAT) from error


def _from_xml(text: str) -> list[Row]:
    _check_size(text.count("<"))
    # Without `huge_tree` the parser refuses entities that blow up and elements nested too deep.
    parser = etree.XMLParser(encoding="utf-8", resolve_entities=False, no_network=True)
    try:
        root = etree.fromstring(encode(text.strip()), parser)
    except etree.XMLSyntaxError as error:
        raise ApiError(BAD_FORMAT) from error
    # The help shows a new project's attributes as one item without a list around it.
    items = [root] if root.tag == "item" else root.iterfind("item")
    return [{str(cell.tag): _xml_text(cell) for cell in item if isinstance(cell.tag, str)} for item in items]


def _xml_text(cell: etree._Element) -> str:
    """Return an element's text; one with elements inside, as the forms of a user, reads as in json."""
    inside = {str(one.tag): one.text or "" for one in cell if isinstance(one.tag, str)}
    return json.dumps(inside) if inside else cell.text or ""
