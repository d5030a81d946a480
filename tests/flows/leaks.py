"""The searcher: finds a pattern in whatever was written, as it stands or encoded, in files and databases."""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
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
    return {Leak(place, text) for text in _found(data, pattern=pattern, depth=0)}


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
    for table, column, value in set(read_tables(file)):
        told = value if isinstance(value, bytes) else str(value).encode()
        leaks |= search_text(told, pattern=pattern, place=f"{name}:{table}.{column}")
    return leaks


def search_folder(folder: Path, *, pattern: re.Pattern[bytes]) -> set[Leak]:
    """Search everything in a folder: names, files, databases."""
    files = sorted(folder.rglob("*"))
    return {leak for file in files for leak in search_file(file, pattern=pattern, root=folder)}


def _found(data: bytes, *, pattern: re.Pattern[bytes], depth: int) -> set[str]:
    texts = {found.group().decode(errors="replace") for found in pattern.finditer(data)}
    if depth < _DEEPEST:
        for inner in _unescaped(data):
            texts |= _found(inner, pattern=pattern, depth=depth + 1)
        for run in set(_BASE64.findall(data)):
            texts |= _found_in_base64(run.rstrip(b"="), pattern=pattern, depth=depth + 1)
    return texts


@cache
def _found_in_base64(run: bytes, *, pattern: re.Pattern[bytes], depth: int) -> frozenset[str]:
    """Kept, because ids stand in many places and look like base64."""
    return frozenset(
        text for inner in _from_base64(run) for text in _found(inner, pattern=pattern, depth=depth)
    )


def _unescaped(data: bytes) -> Iterator[bytes]:
    if b"\\u" in data:
        yield _JSON_ESCAPE.sub(lambda found: chr(int(found[1], 16)).encode(errors="replace"), data)
    if b"%" in data:
        yield unquote_to_bytes(data)
    if data.startswith(b'"'):
        with suppress(ValueError):
            yield str(json.loads(data)).encode(errors="replace")
    if data.startswith((b"\x1f\x8b", b"\x78")):
        with suppress(zlib.error):
            yield zlib.decompressobj(wbits=47).decompress(data)


def _from_base64(text: bytes) -> Iterator[bytes]:
    """A path before the text shifts it, so all four beginnings are tried."""
    for shift in range(4):
        part = text[shift:].translate(bytes.maketrans(b"-_", b"+/"))
        whole = part[:-1] if len(part) % 4 == 1 else part
        yield base64.b64decode(whole + b"=" * (-len(whole) % 4))
