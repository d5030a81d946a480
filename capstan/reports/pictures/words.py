"""Words of pictures: how much room they take, and how they are broken to fit."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

# A mean letter of the fonts that pages fall back on, as a share of their size; wide letters take two.
_LETTER = 0.6


def room_of(text: str, *, size: int = 12) -> int:
    """The pixels that a text takes."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return round((len(text) + wide) * _LETTER * size) + 1


def fitted(text: str, *, room: int, size: int = 12) -> str:
    """A text in one line, cut where it is longer."""
    if room_of(text, size=size) <= room:
        return text
    return f"{_start_of(text, room=room - size, size=size).rstrip()}…"


def broken(text: str, *, room: int, lines: int = 2, size: int = 12) -> list[str]:
    """A text in lines, the last of them cut where there would be more."""
    found = list(_lines(text, room=room, size=size))
    kept, rest = found[: lines - 1], "".join(found[lines - 1 :])
    if rest or not kept:
        kept.append(fitted(rest.rstrip(), room=room, size=size))
    return [line.rstrip() for line in kept]


def _lines(text: str, *, room: int, size: int) -> Iterator[str]:
    """Lines break between words, and names of a project after underscores; what is longer breaks anywhere."""
    line = ""
    for piece in re.findall(r"[^\s_]*_+|[^\s_]+\s*|\s+", text):
        if line and room_of((line + piece).rstrip(), size=size) > room:
            yield line
            line = ""
        line += piece
        while room_of(line.rstrip(), size=size) > room:
            start = _start_of(line, room=room, size=size)
            yield start
            line = line[len(start) :]
    if line.strip():
        yield line


def _start_of(text: str, *, room: int, size: int) -> str:
    """As much of a text as fits, one letter at least."""
    kept = text[: max(1, int(room / (_LETTER * size)))]
    while len(kept) > 1 and room_of(kept, size=size) > room:
        kept = kept[:-1]
    return kept
