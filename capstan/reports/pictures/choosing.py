"""Which picture a panel has."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from capstan.overview import Panel
from capstan.reports.pictures import people, work
from capstan.reports.pictures.flow import flow
from capstan.reports.pictures.marks import Chart
from capstan.reports.pictures.svg import draw, told

_CHARTS: dict[str, Callable[[pd.DataFrame], Chart]] = {
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


def picture_of(panel: Panel) -> str:
    """The picture of a panel as SVG text, blank for one that is read rather than seen."""
    if panel.table.empty or panel.id not in {*_CHARTS, _FLOW}:
        return ""
    is_flow = panel.id == _FLOW
    drawn = flow(panel.table) if is_flow else draw(_CHARTS[panel.id](panel.table).to_dict(validate=False))
    return told(drawn, name=f"{panel.id}-picture", title=panel.title, says=panel.says)
