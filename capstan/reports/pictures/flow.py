"""The CONSORT flow: boxes of who came to each step, and beside them who did not go on, and why."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple
from xml.etree import ElementTree as Tree

import pandas as pd

from capstan.reports.palette import CARD, FAINT, INK
from capstan.reports.pictures.svg import SPACE
from capstan.reports.pictures.words import broken

_LINE, _PAD, _GAP, _LETTERS = 18, 10, 30, 13
_ARM, _WIDE, _BESIDE = "arm", 400, 16


class _Columns(NamedTuple):
    """The widths of steps, of what stands beside them, and between; how many arms stand in a row."""

    main: float
    between: float
    side: float
    arms: int

    @property
    def whole(self) -> float:
        return self.main + self.between + self.side


_Row = tuple[str, str, int]


class _Box(NamedTuple):
    x: float
    y: float
    width: float
    lines: list[str]

    @property
    def height(self) -> float:
        return _LINE * len(self.lines) + 2 * _PAD

    @property
    def middle(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y + self.height / 2


def flow(table: pd.DataFrame, *, width: int) -> Tree.Element:
    """Draw the steps in the order of the table: rows with a reason stand aside, rows of step `arm` below."""
    room = width - 2
    columns = _Columns(0.38 * room, 0.06 * room, 0.56 * room, 3 if width > _WIDE else 2)
    root = Tree.Element(f"{{{SPACE}}}svg")
    bottom, above = 1.0, None
    rows = [tuple(row) for row in _typed(table).itertuples(index=False, name=None)]
    for step, group in groupby(rows, key=lambda row: row[0]):
        of_step = list(group)
        if step == _ARM:
            bottom = _draw_arms(root, of_step, y=bottom, above=above, columns=columns)
        elif any(reason for _, reason, _ in of_step):
            bottom = _draw_aside(root, of_step, y=bottom, above=above, columns=columns)
        else:
            box = _Box(1, bottom, columns.main, _lines(f"{step}: {of_step[0][2]:,}", width=columns.main))
            _draw(root, box)
            if above:
                _arrow(root, (above.middle[0], above.y + above.height), (box.middle[0], box.y))
            bottom, above = box.y + box.height + _GAP, box
    size = {"width": str(width), "height": f"{bottom:.0f}", "viewBox": f"0 0 {width} {bottom:.0f}"}
    root.attrib.update(size)
    return root


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    texts = table[["step", "reason"]].fillna("").astype(str)
    return texts.rename(columns=str).assign(count=table["count"].fillna(0).astype(int))


def _draw_aside(
    root: Tree.Element, rows: Sequence[_Row], *, y: float, above: _Box | None, columns: _Columns
) -> float:
    told = [f"{reason or 'other'}: {count:,}" for _, reason, count in rows]
    lines = _lines(f"{rows[0][0]}: {sum(row[2] for row in rows):,}", width=columns.side)
    lines += [line for words in told for line in _lines(words, width=columns.side, indent="\u2003")]
    box = _Box(1 + columns.main + columns.between, y, columns.side, lines)
    _draw(root, box, is_aside=True)
    centre = above.middle[0] if above else box.x - columns.between
    _arrow(root, (centre, box.middle[1]), (box.x, box.middle[1]))
    if above:
        _path(root, (centre, above.y + above.height), (centre, box.y + box.height + _GAP))
    return box.y + box.height + _GAP


def _draw_arms(
    root: Tree.Element, rows: Sequence[_Row], *, y: float, above: _Box | None, columns: _Columns
) -> float:
    """Boxes of arms side by side, as many rows of them as there must be."""
    beside = min(columns.arms, len(rows))
    room = (columns.whole - (beside - 1) * _BESIDE) / beside
    for first in range(0, len(rows), beside):
        boxes = [
            _Box(1 + at * (room + _BESIDE), y, room, _lines(f"{reason or 'no arm'}: {count:,}", width=room))
            for at, (_, reason, count) in enumerate(rows[first : first + beside])
        ]
        for box in boxes:
            _draw(root, box)
            if above and not first:
                _branch(root, above, box)
        y = max(box.y + box.height for box in boxes) + _BESIDE
    return y


def _branch(root: Tree.Element, above: _Box, box: _Box) -> None:
    turn = box.y - _GAP / 2
    _path(root, (above.middle[0], above.y + above.height), (above.middle[0], turn))
    _path(root, (above.middle[0], turn), (box.middle[0], turn))
    _arrow(root, (box.middle[0], turn), (box.middle[0], box.y))


def _draw(root: Tree.Element, box: _Box, *, is_aside: bool = False) -> None:
    place = {
        "x": f"{box.x:.1f}",
        "y": f"{box.y:.1f}",
        "width": f"{box.width:.1f}",
        "height": f"{box.height:.1f}",
    }
    look = {"fill": CARD, "stroke": FAINT, "rx": "4", **({"stroke-dasharray": "4 3"} if is_aside else {})}
    Tree.SubElement(root, f"{{{SPACE}}}rect", {**place, **look})
    for number, line in enumerate(box.lines):
        weight = "bold" if not number and not line.startswith("\u2003") else "normal"
        at = {"x": f"{box.x + _PAD:.1f}", "y": f"{box.y + _PAD + _LINE * number + 13:.1f}"}
        font = {"fill": INK, "font-size": str(_LETTERS), "font-family": "sans-serif", "font-weight": weight}
        Tree.SubElement(root, f"{{{SPACE}}}text", {**at, **font}).text = line


def _arrow(root: Tree.Element, start: tuple[float, float], end: tuple[float, float]) -> None:
    _path(root, start, end)
    (x, y), is_down = end, start[0] == end[0]
    tip = [(x, y), (x - 4, y - 8), (x + 4, y - 8)] if is_down else [(x, y), (x - 8, y - 4), (x - 8, y + 4)]
    points = " ".join(f"{across:.1f},{down:.1f}" for across, down in tip)
    Tree.SubElement(root, f"{{{SPACE}}}polygon", {"points": points, "fill": FAINT})


def _path(root: Tree.Element, start: tuple[float, float], end: tuple[float, float]) -> None:
    line = f"M{start[0]:.1f},{start[1]:.1f}L{end[0]:.1f},{end[1]:.1f}"
    Tree.SubElement(root, f"{{{SPACE}}}path", {"d": line, "stroke": FAINT, "fill": "none"})


def _lines(words: str, *, width: float, indent: str = "") -> list[str]:
    """Words broken to the width of a box; a count, which stands last, is never cut."""
    room = int(width - 2 * _PAD) - (_LETTERS if indent else 0)
    name, _, count = words.rpartition(": ")
    lines = broken(name, room=room, lines=4, size=_LETTERS)
    whole = broken(f"{lines[-1]}: {count}", room=room, lines=9, size=_LETTERS)
    return [indent + line for line in [*lines[:-1], *whole]]
