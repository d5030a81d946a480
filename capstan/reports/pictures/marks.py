"""Marks: the few kinds of chart that all pictures are made of, drawn to a width."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import altair as alt
import pandas as pd

from capstan.reports.palette import BLUE, INK
from capstan.reports.pictures.words import broken, fitted, room_of

# Below this width labels stand above their bars, and cells too small for it hold no number.
_NARROW = 400
_EDGE, _GAP = 12, 10
_ROW, _TWO_LINES, _LABEL_ABOVE, _DROP = 26, 36, 42, 8
_CELL_WITH_WORDS, _LARGEST_CELL = 31, 88
Chart = alt.Chart | alt.LayerChart | alt.FacetChart | alt.VConcatChart


class _Side(NamedTuple):
    """Labels of rows: an axis that takes `room` pixels at the left, or names that stand above each row."""

    axis: alt.Axis | None
    room: int
    step: int
    above: list[str]


def bars(
    table: pd.DataFrame, *, label: str, value: str, width: int, colour: str = BLUE, title: str = ""
) -> Chart:
    """A bar for each row, in the order of the table, with its number at the end."""
    side = _side([str(name) for name in table[label]], width=width)
    plot = width - side.room - _EDGE
    most = max(float(table[value].max()), 1.0)
    number = room_of(f"{most:,.0f}") + _GAP
    long = alt.X(
        f"{value}:Q", axis=None, scale=alt.Scale(domain=[0, most * plot / (plot - number)], nice=False)
    )
    rows = table.assign(row=range(len(table)))[["row", value]]
    lines = alt.Chart(data_of(rows)).encode(y=_down(side), x=long)
    drop = _DROP if side.above else 0
    words = lines.mark_text(align="left", dx=5, dy=drop).encode(text=alt.Text(f"{value}:Q", format=","))
    layers = [lines.mark_bar(color=colour, size=14, yOffset=drop), words, *_names(side)]
    return alt.layer(*layers, title=title).properties(width=plot, height=side.step * len(rows))


def stacked(
    table: pd.DataFrame,
    *,
    label: str,
    part: str,
    value: str,
    colours: dict[str, str],
    width: int,
    as_share: bool = False,
) -> Chart:
    """A bar for each label, of its parts in the order of `colours`."""
    rows = {name: at for at, name in enumerate(dict.fromkeys(table[label].astype(str)))}
    side = _side(list(rows), width=width)
    ranks = {name: at for at, name in enumerate(colours)}
    ranked = table.assign(rank=table[part].map(ranks), row=table[label].astype(str).map(rows))
    axis = alt.Axis(format="%" if as_share else ",.0f", tickCount=4, tickMinStep=0 if as_share else 1)
    stack: Literal["normalize", "zero"] = "normalize" if as_share else "zero"
    plot = width - side.room - 2 * _EDGE
    legend = alt.Legend(columns=2) if plot < _NARROW else alt.Legend()
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    whole = alt.Chart(data_of(ranked[["row", "rank", part, value]]))
    drawn = whole.mark_bar(size=14, cornerRadiusEnd=0, yOffset=_DROP if side.above else 0).encode(
        y=_down(side),
        x=alt.X(f"{value}:Q", stack=stack, title=None, axis=axis),
        color=alt.Color(f"{part}:N", scale=scale, legend=legend),
        order=alt.Order("rank:Q"),
    )
    size = {"width": plot, "height": side.step * len(rows)}
    chart: Chart = alt.layer(drawn, *_names(side)).properties(**size)
    return chart


def heat(
    cells: pd.DataFrame, *, down: Sequence[str], across: Sequence[str], width: int, meaning: str
) -> Chart:
    """A field of cells (down, across, colour, ink, words); `meaning` is told where words do not fit."""
    side = _side(list(down), width=width, is_short=max(map(room_of, down), default=0) < width // 4)
    plot = width - side.room - _EDGE
    slanted = _must_slant(across, cell=min(plot / len(across), _LARGEST_CELL))
    cell = min((plot - (40 if slanted else 0)) / len(across), _LARGEST_CELL)
    rows, columns = ({name: at for at, name in enumerate(names)} for names in (down, across))
    placed = cells.assign(row=cells["down"].map(rows), column=cells["across"].map(columns))
    top = alt.X("column:O", title=None, axis=_top(across, slanted=slanted, cell=cell), scale=_whole(columns))
    field = alt.Chart(data_of(placed[["row", "column", "colour", "ink", "words"]]))
    field = field.encode(x=top, y=_down(side).scale(_whole(rows)))
    low: dict[str, Any] = {"height": alt.RelativeBandSize(0.5), "yOffset": _DROP} if side.above else {}
    layers = [field.mark_rect(stroke=None, **low).encode(color=_as_is("colour"))]
    has_words = cell >= _CELL_WITH_WORDS
    if has_words:
        words = field.mark_text(fontSize=11, dy=_DROP if side.above else 0)
        layers.append(words.encode(text="words:N", color=_as_is("ink")))
    drawn = alt.layer(*layers, *_names(side), title="" if has_words else meaning)
    return drawn.properties(width=cell * len(across), height=side.step * len(down))


def beside(*charts: Chart) -> Chart:
    """Charts on top of each other."""
    stack: Chart = alt.vconcat(*charts)
    return stack


def named(texts: pd.Series[Any], *, blank: str) -> pd.Series[Any]:
    """Names as text, and a word for those without one."""
    words = texts.fillna("").astype(str)
    return words.mask(words.str.strip() == "", blank)


def data_of(table: pd.DataFrame) -> alt.InlineData:
    """Rows as data of a chart."""
    # Values that are given as such have no limit of rows, and no types are guessed.
    return alt.InlineData(
        values=[{str(name): value for name, value in row.items()} for row in table.to_dict("records")]
    )


def told_by(words: Sequence[object]) -> str:
    """An expression of Vega that gives the words of a row's number; names stand in it as strings only."""
    return f"{json.dumps(words)}[datum.value]"


def _side(names: list[str], *, width: int, is_short: bool = False) -> _Side:
    if width < _NARROW and not is_short:
        return _Side(None, 0, _LABEL_ABOVE, [fitted(name, room=width - _EDGE) for name in names])
    room = min(max(map(room_of, names), default=0), width * 2 // 5)
    lines = [broken(name, room=room) for name in names]
    step = _TWO_LINES if any(len(each) > 1 for each in lines) else _ROW
    return _Side(_left(lines, room=room), room + _GAP, step, [])


def _left(lines: list[list[str]], *, room: int) -> alt.Axis:
    size: dict[str, Any] = {
        "minExtent": room + _GAP,
        "maxExtent": room + _GAP,
        "labelLimit": 0,
        "labelLineHeight": 14,
    }
    # Lines are counted from the first, so two begin half a line higher.
    higher = {"condition": {"test": f"{told_by(lines)}.length > 1", "value": -7}, "value": 0}
    return alt.Axis(grid=False, labelExpr=told_by(lines), labelOffset=higher, **size)


def _top(names: Sequence[str], *, slanted: bool, cell: float) -> alt.Axis:
    look: dict[str, Any] = {"orient": "top", "grid": False, "labelLimit": 0, "labelLineHeight": 13}
    if slanted:
        words = [fitted(name, room=110) for name in names]
        tilt: dict[str, Any] = {"labelAngle": -55, "labelAlign": "left", "labelOverlap": cell < 14}
        return alt.Axis(labelExpr=told_by(words), **tilt, **look)
    lines = [broken(name, room=int(cell) - 4, lines=3) for name in names]
    above = 6 + 13 * (max(map(len, lines)) - 1)
    return alt.Axis(labelExpr=told_by(lines), labelAngle=0, labelPadding=above, **look)


def _must_slant(names: Sequence[str], *, cell: float) -> bool:
    """Whether a word would have to be broken, or cut, to stand straight above its column."""
    words = [part for name in names for part in name.replace("_", "_ ").split()]
    fits = all(len(broken(name, room=int(cell) - 4, lines=9)) <= 3 for name in names)
    return not fits or any(room_of(word) > cell - 4 for word in words)


def _names(side: _Side) -> list[alt.Chart]:
    """Names above their rows, where they have no room at the left."""
    if not side.above:
        return []
    rows = pd.DataFrame({"row": range(len(side.above)), "name": side.above})
    words = alt.Chart(data_of(rows)).mark_text(align="left", dy=-11, color=INK)
    return [words.encode(y=_down(side), x=alt.value(0), text="name:N")]


def _down(side: _Side) -> alt.Y:
    return alt.Y("row:O", title=None, axis=side.axis)


def _whole(places: dict[str, int]) -> alt.Scale:
    # Rows and columns without a cell have their place too.
    return alt.Scale(domain=list(places.values()))


def _as_is(field: str) -> alt.Color:
    return alt.Color(f"{field}:N", scale=None)
