"""Marks: the few kinds of chart that all pictures are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from capstan.reports.palette import BLUE, FAINT

WIDTH = 400
WIDE = 900
_ROW = 24
Chart = alt.Chart | alt.LayerChart | alt.VConcatChart | alt.HConcatChart


def bars(table: pd.DataFrame, *, label: str, value: str, colour: str = BLUE, title: str = "") -> Chart:
    """A bar for each row, in the order of the table, with its number at the end."""
    named = _across(table, label=label)
    long = alt.X(f"{value}:Q", axis=None, scale=alt.Scale(domain=[0, _most(table[value]) * 1.15]))
    lines = alt.Chart(_data(table)).encode(y=named, x=long)
    words = alt.Text(f"{value}:Q", format=",")
    layers = (lines.mark_bar(color=colour, size=14), lines.mark_text(align="left", dx=5).encode(text=words))
    return alt.layer(*layers, title=title).properties(width=WIDTH, height=_height(table[label]))


def stacked(
    table: pd.DataFrame, *, label: str, part: str, value: str, colours: dict[str, str], as_share: bool = False
) -> Chart:
    """A bar for each label, of its parts in the order of `colours`."""
    ranked = table.assign(rank=table[part].map({name: at for at, name in enumerate(colours)}))
    axis = alt.Axis(format="%" if as_share else "~s", tickCount=4)
    stack = "normalize" if as_share else "zero"
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    whole = alt.Chart(_data(ranked)).mark_bar(size=14, cornerRadiusEnd=0)
    drawn = whole.encode(
        y=_across(table, label=label),
        x=alt.X(f"{value}:Q", stack=stack, title=None, axis=axis),
        color=alt.Color(f"{part}:N", scale=scale),
        order=alt.Order("rank:Q"),
    )
    return drawn.properties(width=WIDTH, height=_height(table[label]))


def heat(
    cells: pd.DataFrame, *, down: Sequence[str], across: Sequence[str], width: int = WIDE, slant: bool = False
) -> Chart:
    """A field of cells: columns down, across, colour, ink, words."""
    tilt: dict[str, Any] = {"labelAngle": -40, "labelAlign": "left"} if slant else {"labelAngle": 0}
    top = alt.X(
        "across:O", sort=list(across), title=None, axis=alt.Axis(orient="top", grid=False, labelLimit=110, **tilt)
    )
    side = alt.Y("down:O", sort=list(down), title=None, axis=alt.Axis(grid=False, labelLimit=210))
    field = alt.Chart(_data(cells)).encode(x=top, y=side)
    squares = field.mark_rect(cornerRadius=2, stroke=None).encode(color=_as_is("colour"))
    words = field.mark_text(fontSize=11).encode(text="words:N", color=_as_is("ink"))
    room = alt.layer(squares, words)
    height = alt.Step(_ROW)
    return room.properties(width=min(width, 64 * len(across)) if not slant else width, height=height)


def beside(*charts: Chart) -> Chart:
    """Charts on top of each other, each with its own scales."""
    stack = alt.vconcat(*charts, spacing=28)
    return stack.resolve_scale(x="independent", y="independent", color="independent")


def named(texts: pd.Series[Any], *, blank: str) -> pd.Series[Any]:
    """Names as text, and a word for those without one."""
    words = texts.fillna("").astype(str)
    return words.mask(words.str.strip() == "", blank)


def quiet_text(chart: alt.Chart, *, field: str) -> alt.Chart:
    """Words in faint ink beside a mark."""
    return chart.mark_text(align="left", dx=6, color=FAINT).encode(text=field)


def _across(table: pd.DataFrame, *, label: str) -> alt.Y:
    order = list(dict.fromkeys(table[label]))
    return alt.Y(f"{label}:N", sort=order, title=None, axis=alt.Axis(grid=False))


def _as_is(field: str) -> alt.Color:
    return alt.Color(f"{field}:N", scale=None)


def _most(values: pd.Series[Any]) -> float:
    return max(float(values.max()), 1.0)


def _height(labels: pd.Series[Any]) -> int:
    return _ROW * max(labels.nunique(), 1)


def _data(table: pd.DataFrame) -> alt.Data:
    # Values that are given as such have no limit of rows, and no types are guessed.
    return alt.Data(values=table.to_dict("records"))
