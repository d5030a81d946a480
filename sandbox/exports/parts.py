"""Bodies of exports, made chunk by chunk: csv, json and xml."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sandbox.render import PROLOG, Cell, Part, encode, quote, to_json, xml_items

Lines = Sequence[Sequence[Cell]]
MAX_QUOTED = 4_000
LONG_CELL = 100


class _Quoted(dict[Cell, str]):
    """Cells as they stand in a CSV file; short ones come again and again, so they are kept for a while."""

    def __init__(self, delimiter: str) -> None:
        super().__init__()
        self._delimiter = delimiter

    def __missing__(self, cell: Cell) -> str:
        quoted = quote(cell, self._delimiter)
        if len(quoted) < LONG_CELL:
            if len(self) >= MAX_QUOTED:
                self.clear()
            self[cell] = quoted
        return quoted


def csv_parts(names: Sequence[str], chunks: Iterable[Lines], *, delimiter: str) -> Iterator[Part]:
    """Write a header and lines; without any line there is only a line break (C.10)."""
    quoted = _Quoted(delimiter)
    head = delimiter.join(map(quoted.__getitem__, names)) + "\n"
    is_empty = True
    for lines in chunks:
        text = "\n".join([delimiter.join(map(quoted.__getitem__, line)) for line in lines])
        if lines:
            yield Part(encode(f"{head}{text}\n"), len(lines))
            head, is_empty = "", False
    if is_empty:
        yield Part(b"\n", 0)


def json_parts(names: Sequence[str], chunks: Iterable[Lines]) -> Iterator[Part]:
    """Write an array of objects, whose keys are in the order of columns."""
    start = "["
    for lines in chunks:
        if lines:
            rows = to_json([dict(zip(names, line, strict=True)) for line in lines])
            yield Part(encode(start + rows[1:-1]), len(lines))
            start = ","
    yield Part(b"[]" if start == "[" else b"]", 0)


def xml_parts(names: Sequence[str], chunks: Iterable[Lines]) -> Iterator[Part]:
    """Write `<records><item>` with every value in CDATA."""
    yield Part(encode(f"{PROLOG}<records>"), 0)
    for lines in chunks:
        yield Part(encode(xml_items(names, lines)), len(lines))
    yield Part(b"</records>", 0)
