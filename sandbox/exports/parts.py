"""Bodies of exports, made chunk by chunk: csv, json and xml."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

from sandbox.render import BARE, PROLOG, Cell, Part, encode, to_json, xml_items

Lines = Iterable[Sequence[Cell]]


def csv_parts(names: Sequence[str], chunks: Iterable[Lines], *, delimiter: str) -> Iterator[Part]:
    """Write a header and lines; without any line there is only a line break (C.10)."""
    quoted = _quoter(delimiter)
    head = delimiter.join(quoted(names)) + "\n"
    is_empty = True
    for lines in chunks:
        # All cells in one row, which is cut into lines again: so a line, and EAV has many, costs little.
        cells = quoted([*chain.from_iterable(lines)])
        written = [*map(delimiter.join, zip(*[cells] * len(names), strict=True))]
        if written:
            text = "\n".join(written)
            yield Part(encode(f"{head}{text}\n"), len(written))
            head, is_empty = "", False
    if is_empty:
        yield Part(b"\n", 0)


def _quoter(delimiter: str) -> Callable[[Sequence[Cell]], Iterator[str]]:
    """Return what quotes many cells at once, as `quote` does one; equal ones are looked at once."""
    is_odd = re.compile(f"{BARE.pattern}|{re.escape(delimiter)}").search

    def quoted(cells: Sequence[Cell]) -> Iterator[str]:
        texts = {cell: str(cell) for cell in set(cells)}
        for text in filter(is_odd, list(texts.values())):
            texts[text] = '"' + text.replace('"', '""') + '"'
        return map(texts.__getitem__, cells)

    return quoted


def json_parts(names: Sequence[str], chunks: Iterable[Lines]) -> Iterator[Part]:
    """Write an array of objects, whose keys are in the order of columns."""
    start = "["
    for lines in chunks:
        rows = [dict(zip(names, line, strict=True)) for line in lines]
        if rows:
            yield Part(encode(start + to_json(rows)[1:-1]), len(rows))
            start = ","
    yield Part(b"[]" if start == "[" else b"]", 0)


def xml_parts(names: Sequence[str], chunks: Iterable[Lines]) -> Iterator[Part]:
    """Write `<records><item>` with every value in CDATA."""
    yield Part(encode(f"{PROLOG}<records>"), 0)
    for lines in map(list, chunks):
        yield Part(encode(xml_items(names, lines)), len(lines))
    yield Part(b"</records>", 0)
