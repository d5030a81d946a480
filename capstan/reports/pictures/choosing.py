"""Which picture a panel has, drawn twice: for a wide screen and for a phone."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol
from xml.etree import ElementTree as Tree

import pandas as pd

from capstan.overview import Panel
from capstan.reports.pictures import people, work
from capstan.reports.pictures.flow import flow
from capstan.reports.pictures.marks import Chart
from capstan.reports.pictures.svg import draw, framed, height_of, told

HALF, WHOLE, PHONE = 535, 1130, 310


class _Maker(Protocol):
    def __call__(self, table: pd.DataFrame, *, width: int) -> Chart: ...


class Picture(NamedTuple):
    """A picture as SVG text for a wide screen, and for a phone; `height` is that of the wide one."""

    wide: str
    narrow: str
    height: float


_CHARTS: dict[str, _Maker] = {
    "enrolment": people.enrolment,
    "calendar": people.calendar,
    "windows": people.windows,
    "completeness": people.completeness,
    "messages": work.messages,
    "findings": work.findings,
    "runs": work.runs,
    "triggers": work.triggers,
    "quality": work.quality,
}
_FLOW = "consort"


def picture_of(panel: Panel, *, is_wide: bool) -> Picture | None:
    """The picture of a panel, of half the page's width or of all; None for one that is read, not seen."""
    if panel.table.empty or panel.id not in {*_CHARTS, _FLOW}:
        return None
    draw_to = _drawer(panel)
    wide, narrow = draw_to(WHOLE if is_wide else HALF), draw_to(PHONE)
    words = {"title": panel.title, "says": panel.says}
    return Picture(
        told(wide, name=f"{panel.id}-picture", **words),
        told(narrow, name=f"{panel.id}-small", **words),
        height_of(wide),
    )


def _drawer(panel: Panel) -> Callable[[int], Tree.Element]:
    if panel.id == _FLOW:
        return lambda width: flow(panel.table, width=width)
    chart = _CHARTS[panel.id]
    return lambda width: framed(draw(chart(panel.table, width=width).to_dict(validate=False)), width=width)
