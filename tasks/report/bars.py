"""Bars: counts as a small picture that stands in a page by itself and asks no other server for anything."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from html import escape

_WIDTH, _LABELS, _NUMBERS, _LINE, _EDGE = 640, 190, 70, 26, 14
_MOST_BARS = 12
# Its own ground, because a picture in a page cannot know whether the page is dark.
_STYLE = "text{font:13px system-ui,sans-serif;fill:#1f2937}"
_GROUND, _BAR = "#f8fafc", "#2f6f9f"


def bars(counts: Mapping[str, int], *, title: str) -> str:
    """Draw counts by word as horizontal bars, what is too much for a picture in one; gives an SVG."""
    counts = _cut(counts)
    most = max([*counts.values(), 1])
    room = _WIDTH - _LABELS - _NUMBERS - 2 * _EDGE
    lines = [
        _line(word, count, top=_EDGE + _LINE * number, length=room * count / most)
        for number, (word, count) in enumerate(counts.items())
    ]
    height = 2 * _EDGE + _LINE * len(counts)
    said = ", ".join(f"{word} {count}" for word, count in counts.items())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" role="img" '
        f'aria-label="{escape(f"{title}: {said}")}"><style>{_STYLE}</style>'
        f'<rect width="{_WIDTH}" height="{height}" rx="8" fill="{_GROUND}"/>{"".join(lines)}</svg>'
    )


def as_address(svg: str) -> str:
    """A picture as an address that holds it whole."""
    return f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"


def _line(word: str, count: int, *, top: float, length: float) -> str:
    left, middle = _EDGE + _LABELS, top + _LINE * 0.68
    return (
        f'<text x="{left - 8}" y="{middle:.0f}" text-anchor="end">{escape(_shortened(word))}</text>'
        f'<rect x="{left}" y="{top + 4:.0f}" width="{length:.1f}" height="{_LINE - 8}" rx="3" fill="{_BAR}"/>'
        f'<text x="{left + length + 6:.0f}" y="{middle:.0f}">{count:,}</text>'
    )


def _cut(counts: Mapping[str, int]) -> Mapping[str, int]:
    if len(counts) <= _MOST_BARS:
        return counts
    kept, left = list(counts.items())[: _MOST_BARS - 1], list(counts.values())[_MOST_BARS - 1 :]
    return {**dict(kept), f"{len(left)} others": sum(left)}


def _shortened(word: str, most: int = 28) -> str:
    return word if len(word) <= most else f"{word[: most - 1]}…"
