"""Fonts for PDFs: text in any script is shown, or marked where no font has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from itertools import groupby
from typing import NamedTuple

from reportlab.pdfbase import pdfmetrics  # type: ignore[import-untyped]
from reportlab.pdfbase.cidfonts import UnicodeCIDFont  # type: ignore[import-untyped]
from reportlab.pdfbase.ttfonts import TTFError, TTFont  # type: ignore[import-untyped]

# DejaVu has many scripts, where the system has it; reportlab itself brings Vera, which has Latin only.
_FAMILIES = (("DejaVuSans", "DejaVuSans-Bold"), ("Vera", "VeraBd"))
_CHINESE, _JAPANESE, _KOREAN = "STSong-Light", "HeiseiMin-W3", "HYSMyeongJo-Medium"
# Ranges of characters that readers of PDFs have fonts of their own for.
_READERS_FONTS = (
    (0x0370, 0x04FF, _CHINESE),
    (0x1100, 0x11FF, _KOREAN),
    (0x3040, 0x30FF, _JAPANESE),
    (0xAC00, 0xD7AF, _KOREAN),
    (0x2E80, 0x9FFF, _CHINESE),
    (0xF900, 0xFAFF, _CHINESE),
    (0xFF00, 0xFFEF, _CHINESE),
)
_BASIC_PLANE = 0xFFFF
_UNKNOWN = "?"


class Run(NamedTuple):
    """A piece of text that one font can show."""

    font: str
    text: str


def runs(text: str, *, bold: bool = False) -> Iterator[Run]:
    """Cut text where the font must change; what no font has becomes a question mark."""
    if text.isascii():
        yield Run(_family()[bold], text)
        return
    font_of = _chooser(bold)
    for font, characters in groupby(text, font_of):
        piece = "".join(characters)
        yield Run(font, piece) if font else Run(_family()[bold], _UNKNOWN * len(piece))


def width(text: str, size: float, *, bold: bool = False) -> float:
    """Return how wide text is, in points."""
    return sum(float(pdfmetrics.stringWidth(piece, font, size)) for font, piece in runs(text, bold=bold))


@cache
def _family() -> tuple[str, str]:
    """Register the fonts; return the normal and the bold one of this system."""
    for name in (_CHINESE, _JAPANESE, _KOREAN):
        pdfmetrics.registerFont(UnicodeCIDFont(name))
    for names in _FAMILIES[:-1]:
        try:
            return _register(names)
        except TTFError:
            continue
    return _register(_FAMILIES[-1])


def _register(names: tuple[str, str]) -> tuple[str, str]:
    for name in names:
        pdfmetrics.registerFont(TTFont(name, f"{name}.ttf"))
    return names


@cache
def _chooser(bold: bool) -> Callable[[str], str]:
    own = _family()[bold]
    glyphs = frozenset(pdfmetrics.getFont(own).face.charToGlyph)

    @cache
    def choose(character: str) -> str:
        code = ord(character)
        # Beyond the basic plane readers cannot find out which character a glyph stands for.
        if code in glyphs and code <= _BASIC_PLANE:
            return own
        return next((font for first, last, font in _READERS_FONTS if first <= code <= last), "")

    return choose
