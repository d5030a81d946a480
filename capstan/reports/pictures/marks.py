"""Marks: the few kinds of chart that all pictures are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import altair as alt
import pandas as pd

from capstan.reports.palette import BLUE

WIDTH = 320
WIDE = 860
_ROW = 24
Chart = alt.Chart | alt.LayerChart | alt.FacetChart | alt.VConcatChart


def bars(table: pd.DataFrame, *, label: str, value: str, colour: str = BLUE, title: str = "") -> Chart:
    """A bar for each row, in the order of the table, with its number at the end."""
    named = _across(table, label=label)
    long = alt.X(f"{value}:Q", axis=None, scale=alt.Scale(domain=[0, _most(table[value]) * 1.15]))
    lines = alt.Chart(data_of(table)).encode(y=named, x=long)
    words = alt.Text(f"{value}:Q", format=",")
    layers = (lines.mark_bar(color=colour, size=14), lines.mark_text(align="left", dx=5).encode(text=words))
    return alt.layer(*layers, title=title).properties(width=WIDTH, height=_height(table[label]))


def stacked(
    table: pd.DataFrame, *, label: str, part: str, value: str, colours: dict[str, str], as_share: bool = False
) -> Chart:
    """A bar for each label, of its parts in the order of `colours`."""
    ranked = table.assign(rank=table[part].map({name: at for at, name in enumerate(colours)}))
    axis = alt.Axis(format="%" if as_share else "~s", tickCount=4)
    stack: Literal["normalize", "zero"] = "normalize" if as_share else "zero"
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    whole = alt.Chart(data_of(ranked)).mark_bar(size=14, cornerRadiusEnd=0)
    drawn = whole.encode(
        y=_across(table, label=label),
        x=alt.X(f"{value}:Q", stack=stack, title=None, axis=axis),
        color=alt.Color(f"{part}:N", scale=scale),
        order=alt.Order("rank:Q"),
    )
    chart: Chart = drawn.properties(width=WIDTH, height=_height(table[label]))
    return chart


def heat(
    cells: pd.DataFrame, *, down: Sequence[str], across: Sequence[str], width: int = WIDE, slant: bool = False
) -> Chart:
    """A field of cells: columns down, across, colour, ink, words."""
    tilt: dict[str, Any] = {"labelAngle": -40, "labelAlign": "left"} if slant else {"labelAngle": 0}
    top = alt.X(
        "across:O",
        sort=list(across),
        title=None,
        axis=alt.Axis(orient="top", grid=False, labelLimit=110, **tilt),
    )
    side = alt.Y("down:O", sort=list(down), title=None, axis=alt.Axis(grid=False, labelLimit=210))
    field = alt.Chart(data_of(cells)).encode(x=top, y=side)
    squares = field.mark_rect(cornerRadius=2, stroke=None).encode(color=_as_is("colour"))
    words = field.mark_text(fontSize=11).encode(text="words:N", color=_as_is("ink"))
    room = alt.layer(squares, words)
    height = alt.Step(_ROW)
    return room.properties(width=min(width, 64 * len(across)) if not slant else width, height=height)


def beside(*charts: Chart) -> Chart:
    """Charts on top of each other, each with its own scales."""
    stack = alt.vconcat(*charts, spacing=28)
    chart: Chart = stack.resolve_scale(x="independent", y="independent", color="independent")
    return chart


def named(texts: pd.Series[Any], *, blank: str) -> pd.Series[Any]:
    """Names as text, and a word for those without one."""
    words = texts.fillna("").astype(str)
    return words.mask(words.str.strip() == "", blank)


def _across(table: pd.DataFrame, *, label: str) -> alt.Y:
    order = list(dict.fromkeys(table[label]))
    return alt.Y(f"{label}:N", sort=order, title=None, axis=alt.Axis(grid=False))


def _as_is(field: str) -> alt.Color:
    return alt.Color(f"{field}:N", scale=None)


def _most(values: pd.Series[Any]) -> float:
    return max(float(values.max()), 1.0)


def _height(labels: pd.Series[Any]) -> int:
    return _ROW * max(labels.nunique(), 1)


def data_of(table: pd.DataFrame) -> alt.InlineData:
    """Rows as data of a chart."""
    # Values that are given as such have no limit of rows, and no types are guessed.
    return alt.InlineData(
        values=[{str(name): value for name, value in row.items()} for row in table.to_dict("records")]
    )
