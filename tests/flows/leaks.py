"""The searcher: finds a pattern in whatever was written, as it stands or encoded, in files and databases."""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from prefect_servers import read_tables

_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{20,}={0,2}")
_JSON_ESCAPE = re.compile(rb"\\u([0-9a-fA-F]{4})")
_DEEPEST = 3


class Leak(NamedTuple):
    """Where a pattern was found, and the text that was found."""

    place: str
    text: str


def search_text(data: bytes, *, pattern: re.Pattern[bytes], place: str) -> set[Leak]:
    """Search bytes, and what they hold in base64, compressed, or with JSON's or an address's escapes."""
    return {
        Leak(place, found.group().decode(errors="replace"))
        for view in _views(data, depth=0)
        for found in pattern.finditer(view)
    }


def search_file(file: Path, *, pattern: re.Pattern[bytes], root: Path) -> set[Leak]:
    """Search a file's name and bytes; of an SQLite file also every value of every table."""
    name = str(file.relative_to(root))
    leaks = search_text(name.encode(), pattern=pattern, place=f"name of {name}")
    if not file.is_file():
        return leaks
    data = file.read_bytes()
    if not data.startswith(b"SQLite format 3\0"):
        return leaks | search_text(data, pattern=pattern, place=name)
    # As it stands too: deleted rows stay in the file's free pages.
    leaks |= {Leak(name, found.group().decode(errors="replace")) for found in pattern.finditer(data)}
    for table, column, value in read_tables(file):
        told = value if isinstance(value, bytes) else str(value).encode()
        leaks |= search_text(told, pattern=pattern, place=f"{name}:{table}.{column}")
    return leaks


def search_folder(folder: Path, *, pattern: re.Pattern[bytes]) -> set[Leak]:
    """Search everything in a folder: names, files, databases."""
    files = sorted(folder.rglob("*"))
    return {leak for file in files for leak in search_file(file, pattern=pattern, root=folder)}


def _views(data: bytes, *, depth: int) -> Iterator[bytes]:
    yield data
    if depth < _DEEPEST:
        for inner in _decoded(data):
            yield from _views(inner, depth=depth + 1)


def _decoded(data: bytes) -> Iterator[bytes]:
    if b"\\u" in data:
        yield _JSON_ESCAPE.sub(lambda found: chr(int(found[1], 16)).encode(errors="replace"), data)
    if b"%" in data:
        yield unquote_to_bytes(data)
    if data.startswith(b'"'):
        try:
            yield str(json.loads(data)).encode(errors="replace")
        except ValueError:
            pass
    for start, unpack in ((b"\x1f\x8b", gzip.decompress), (b"\x78", zlib.decompress)):
        if data.startswith(start):
            try:
                yield unpack(data)
            except (OSError, EOFError, zlib.error):
                pass
    for found in _BASE64.finditer(data):
        yield from _from_base64(found.group().rstrip(b"="))


def _from_base64(text: bytes) -> Iterator[bytes]:
    """A path before the text shifts it, so all four beginnings are tried."""
    for shift in range(4):
        part = text[shift:].translate(bytes.maketrans(b"-_", b"+/"))
        try:
            inner = base64.b64decode(part[: len(part) // 4 * 4])
        except binascii.Error:
            continue
        yield inner
