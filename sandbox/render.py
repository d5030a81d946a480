"""Tables, errors and plain answers in csv, json and xml, byte for byte as REDCap spells them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

PROLOG = '<?xml version="1.0" encoding="UTF-8" ?>'
_CONTENT_TYPES = {
    "json": "application/json; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "xml": "text/xml; charset=utf-8",
    "text": "text/plain; charset=utf-8",
}
# Control characters and halves of characters, which XML cannot have at all.
NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
BARE = re.compile(r"[\x20\t\r\n\"\\]")
Cell = str | int | float


class Part(NamedTuple):
    """A piece of a streamed body, and how many rows are in it."""

    content: bytes
    rows: int


@dataclass(frozen=True)
class Stream:
    """A body that is made while it is sent; `close` lets go of what it is made from."""

    parts: Iterator[Part]
    close: Callable[[], object]


@dataclass(frozen=True)
class Answer:
    """What a method answers; `fmt` is csv, json, xml or text."""

    body: str | bytes | Stream
    fmt: str = "text"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content_type(self) -> str:
        return _CONTENT_TYPES.get(self.fmt, self.fmt)

    @property
    def content(self) -> bytes:
        """The whole body; a streamed one is closed by reading it."""
        if isinstance(self.body, Stream):
            try:
                return b"".join(part.content for part in self.body.parts)
            finally:
                self.body.close()
        return self.body if isinstance(self.body, bytes) else encode(self.body)

    def close(self) -> None:
        """Let go of what a streamed body is made from; to close twice does no harm."""
        if isinstance(self.body, Stream):
            self.body.close()


def encode(text: str) -> bytes:
    """Return UTF-8; half a character, which JSON can smuggle into labels, becomes a question mark."""
    return text.encode("utf-8", "replace")


def plain(text: object) -> Answer:
    return Answer(str(text), "text")


def to_json(value: object) -> str:
    """Write JSON as PHP does: no spaces, slashes and non-ASCII characters escaped."""
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/")


def error_answer(message: str, fmt: str, *, status: int) -> Answer:
    """Write an error body (A.3)."""
    if fmt == "json":
        return Answer(f'{{"error":{to_json(message)}}}', fmt, status)
    if fmt == "csv":
        return Answer(f"ERROR: {message}", fmt, status)
    told = escape(NOT_XML.sub("", message))
    return Answer(f"{PROLOG}<hash><error>{told}</error></hash>", "xml", status)


def quote(value: object, delimiter: str = ",") -> str:
    """Quote a cell as PHP's fputcsv does: only where it has a delimiter, quote, blank or backslash (C.10)."""
    text = str(value)
    if delimiter in text or BARE.search(text):
        return '"' + text.replace('"', '""') + '"'
    return text


def to_csv(columns: Sequence[str], rows: Iterable[Sequence[Cell]], *, delimiter: str = ",") -> str:
    """Write a header and rows, each ended by a line feed."""
    lines = [delimiter.join(quote(name, delimiter) for name in columns)]
    lines += [delimiter.join([quote(cell, delimiter) for cell in row]) for row in rows]
    return "\n".join(lines) + "\n"


def to_xml(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, root: str) -> str:
    """Write `<root><item>` with every value in CDATA."""
    return f"{PROLOG}<{root}>{xml_items(columns, rows)}</{root}>"


def xml_items(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Write one `<item>` for each row."""
    return "".join(
        "<item>" + "".join(_element(name, cell) for name, cell in zip(columns, row, strict=True)) + "</item>"
        for row in rows
    )


def table(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], *, fmt: str, root: str, final_newline: bool = True
) -> Answer:
    """Write a list of rows in the format asked for."""
    if fmt == "json":
        return Answer(to_json([dict(zip(columns, row, strict=True)) for row in rows]), fmt)
    if fmt == "csv":
        text = to_csv(columns, rows)
        return Answer(text if final_newline else text.removesuffix("\n"), fmt)
    return Answer(to_xml(columns, rows, root=root), "xml")


def _element(name: str, value: object) -> str:
    if isinstance(value, dict):
        return f"<{name}>{''.join(_element(key, one) for key, one in value.items())}</{name}>"
    text = str(value)
    if not text:
        return f"<{name}></{name}>"
    if not text.isprintable():
        text = NOT_XML.sub("", text)
    return f"<{name}><![CDATA[{text.replace(']]>', ']]]]><![CDATA[>')}]]></{name}>"
