"""Project XML as a stream: mended before a parser sees it, and given out element by element."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from lxml import etree

from sandbox.odm.text import O

STUDY, SUBJECT = f"{O}Study", f"{O}SubjectData"
CHUNK_BYTES = 1 << 20
# One tag, or one file in base64, that is longer than this is no project.
MAX_PIECE_BYTES = 1 << 26
MAX_ATTRIBUTES = 500
_SECTION = re.compile(rb"(<!\[CDATA\[.*?\]\]>)", re.DOTALL)
_BROKEN = re.compile(rb'="[^"<\r\n\t]*+[\r\n\t][^"<]*"')
_BREAK = re.compile(rb"\r\n?|\n")
_LONG_TAG = re.compile(rb"<[^<]{3000,}")


def elements(source: BinaryIO) -> Iterator[etree._Element]:
    """Yield the Study and then each SubjectData, which are gone once the next one is asked for.

    Raises `ValueError` for what is not XML or declares entities.
    """
    parser = etree.XMLPullParser(
        ("end",),
        tag=[STUDY, SUBJECT],
        encoding="utf-8",
        huge_tree=True,
        resolve_entities=False,
        no_network=True,
        strip_cdata=False,
    )
    try:
        for piece in _pieces(source):
            parser.feed(piece)
            yield from _finished(parser)
        parser.close()
        yield from _finished(parser)
    except etree.XMLSyntaxError as error:
        raise ValueError("not XML") from error


def parse(text: str) -> etree._Element:
    """Parse a small piece of project XML; raises `ValueError` when it is none."""
    parser = etree.XMLParser(encoding="utf-8", resolve_entities=False, no_network=True, strip_cdata=False)
    try:
        return etree.fromstring(_mended(text.encode()), parser)
    except etree.XMLSyntaxError as error:
        raise ValueError("not XML") from error


def _finished(parser: etree.XMLPullParser) -> Iterator[etree._Element]:
    for _, element in parser.read_events():
        if not isinstance(element, etree._Element):
            continue
        yield element
        element.clear()
        parent = element.getparent()
        while parent is not None and element.getprevious() is not None:
            del parent[0]


def _pieces(source: BinaryIO) -> Iterator[bytes]:
    """Cut where no attribute and no CDATA section is open, and keep line breaks in attributes (E.8)."""
    rest = b""
    while chunk := source.read(CHUNK_BYTES):
        rest += chunk
        cut = _last_cut(rest)
        if cut:
            yield _mended(rest[:cut])
            rest = rest[cut:]
        elif len(rest) > MAX_PIECE_BYTES:
            raise ValueError("a tag without end")
    yield _mended(rest)


def _last_cut(text: bytes) -> int:
    section = text.rfind(b"<![CDATA[")
    if section > text.rfind(b"]]>"):
        return section
    return max(text.rfind(b"<"), 0)


def _mended(piece: bytes) -> bytes:
    # Entities could be made to grow without bound, and a parser takes quadratic time for attributes.
    if b"<!DOCTYPE" in piece or any(_has_too_many(tag[0]) for tag in _LONG_TAG.finditer(piece)):
        raise ValueError("not project XML")
    if b"<![CDATA[" not in piece:
        return _BROKEN.sub(_keep_breaks, piece)
    # Behind the last end of a section none is whole, so none is looked for.
    head, end, tail = piece.rpartition(b"]]>")
    parts = [*_SECTION.split(head + end), b"", tail]
    parts[::2] = [_BROKEN.sub(_keep_breaks, part) for part in parts[::2]]
    return b"".join(parts)


def _has_too_many(tag: bytes) -> bool:
    return tag.count(b'="') + tag.count(b"='") > MAX_ATTRIBUTES


def _keep_breaks(match: re.Match[bytes]) -> bytes:
    # A parser turns raw breaks in attributes into spaces.
    return _BREAK.sub(b"&#10;", match[0]).replace(b"\t", b"&#9;")
