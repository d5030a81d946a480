"""Draws text on the pages of a PDF, with a head and a foot on each."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

from reportlab.lib.pagesizes import A4  # type: ignore[import-untyped]
from reportlab.pdfgen.canvas import Canvas  # type: ignore[import-untyped]

from sandbox.printing.fonts import runs, width

MAX_PAGES = 500
FOOT = "SANDBOX: made by a stand-in for REDCap, not for the care of anybody"
_WIDTH, _HEIGHT = A4
_MARGIN, _LEADING = 50, 1.35
_HEAD_SIZE = 8
# The widest letter, by the size of its font.
_WIDEST = 1.2
_NOT_DRAWN = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\ud800-\udfff\ufeff]")


class TooManyPages(Exception):
    """The document would be larger than the server has memory for."""


@dataclass(frozen=True)
class Style:
    """How a line looks; sizes and indents are in points."""

    size: float = 9
    bold: bool = False
    indent: float = 0
    space: float = 0
    shaded: bool = False


class Pages:
    """Pages that are filled from the top; a full one is followed by the next."""

    def __init__(self, title: str) -> None:
        self._title, self._head = title, ""
        self._buffer = io.BytesIO()
        # Without times of its own the same data give the same bytes.
        self._canvas = Canvas(self._buffer, pagesize=A4, pageCompression=1, invariant=1)
        self._canvas.setTitle(_plain(title))
        self._number = 0
        self._y = 0.0

    def start(self, head: str) -> None:
        """Begin a page; its head, and that of the pages that follow, says where the data are from."""
        self._head = head
        self._turn()

    def write(self, text: str, style: Style = Style()) -> None:
        """Write text, wrapped, on as many lines as it needs."""
        self._y -= style.space
        for line in _wrap(text, style):
            step = style.size * _LEADING
            if self._y - step < 2 * _MARGIN:
                self._turn()
            self._y -= step
            if style.shaded:
                self._shade(step)
            self._draw(line, style, y=self._y)

    def finish(self) -> bytes:
        """Close the document and return its bytes."""
        if not self._number:
            self._turn()
        self._canvas.save()
        return self._buffer.getvalue()

    def _turn(self) -> None:
        if self._number >= MAX_PAGES:
            raise TooManyPages
        if self._number:
            self._canvas.showPage()
        self._number += 1
        small = Style(_HEAD_SIZE)
        top = _HEIGHT - _MARGIN
        self._draw(_cut(self._title), Style(_HEAD_SIZE, bold=True), y=top)
        self._draw(_cut(self._head), small, y=top - _HEAD_SIZE * _LEADING)
        self._draw(f"{FOOT}    Page {self._number}", small, y=_MARGIN)
        self._y = _HEIGHT - 2 * _MARGIN

    def _shade(self, step: float) -> None:
        self._canvas.setFillGray(0.9)
        self._canvas.rect(_MARGIN, self._y - step * 0.25, _WIDTH - 2 * _MARGIN, step, stroke=0, fill=1)
        self._canvas.setFillGray(0)

    def _draw(self, line: str, style: Style, *, y: float) -> None:
        written = self._canvas.beginText(_MARGIN + style.indent, y)
        for font, piece in runs(line, bold=style.bold):
            written.setFont(font, style.size)
            written.textOut(piece)
        self._canvas.drawText(written)


def _wrap(text: str, style: Style) -> Iterator[str]:
    room = _WIDTH - 2 * _MARGIN - style.indent
    blank = width(" ", style.size, bold=style.bold)
    for paragraph in text.splitlines() or [""]:
        line: list[str] = []
        used = 0.0
        for word in _words(_plain(paragraph), style, room=room):
            needed = width(word, style.size, bold=style.bold)
            if line and used + blank + needed > room:
                yield " ".join(line)
                line, used = [], 0.0
            line.append(word)
            used += needed + blank
        yield " ".join(line)


def _words(text: str, style: Style, *, room: float) -> Iterator[str]:
    """Yield words, and pieces of those that no line can hold."""
    most = max(1, int(room / style.size / _WIDEST))
    for word in text.split(" "):
        if len(word) > most and width(word[: 4 * most], style.size, bold=style.bold) > room:
            yield from (word[index : index + most] for index in range(0, len(word), most))
        else:
            yield word


def _plain(text: str) -> str:
    """Replace tabs and other characters that no font draws."""
    return _NOT_DRAWN.sub(" ", text)


def _cut(text: str) -> str:
    """Return the one line that a head has room for."""
    style = Style(_HEAD_SIZE, bold=True)
    return next(_wrap(text.replace("\n", " "), style))
