"""The shell of a page: title, ways to other pages, key figures, and each panel; it loads nothing."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from capstan.overview import Overview, Panel
from capstan.reports.packing import Sheet, pack
from capstan.reports.palette import dark_style
from capstan.reports.tables import Table, is_plain, table_of
from capstan.reports.tiles import Tile, tiles_of

if TYPE_CHECKING:
    from capstan.reports.pictures.choosing import Picture

_FOLDER = Path(__file__).with_name("templates")
_STYLE = (_FOLDER / "page.css").read_text(encoding="utf-8") + dark_style(".picture")
_SCRIPT = (_FOLDER / "page.js").read_text(encoding="utf-8")
_environment = Environment(
    loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)
# What XML may not hold, and what turns the direction of the words that follow.
_STRANGE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff\u202a-\u202e\u2066-\u2069]")
_EMPTY = {
    "enrolment": "Nobody is enrolled yet.",
    "consort": "Nobody is screened yet.",
    "calendar": "No visits are due.",
    "windows": "No visit is done yet.",
    "messages": "No messages are planned yet.",
    "completeness": "No forms are expected yet.",
    "findings": "Nothing is open.",
    "runs": "Nothing ran yet.",
    "triggers": "No triggers came yet.",
    "monitors": "No monitors are there.",
    "quality": "Nothing is measured yet.",
}


_FEW_EVENTS = 6
_BESIDE_PICTURE, _ROW = 200, 30
Draw = Callable[[Panel], "Picture | None"]


class _Part(NamedTuple):
    """A panel as the template takes it."""

    panel: Panel
    picture: Picture | None
    table: Table
    csv: Sheet
    empty: str

    @property
    def height(self) -> float:
        """How high it will be, roughly."""
        rows = 0 if self.empty else min(len(self.table.rows), 12)
        return _BESIDE_PICTURE + (self.picture.height if self.picture else rows * _ROW)


class _Band(NamedTuple):
    """Parts that stand beside each other, in one column or two."""

    columns: list[list[_Part]]


def render_study_page(overview: Overview) -> str:
    """Write the page of a study: key figures, pictures, and tables beneath; takes seconds."""
    # The libraries that draw take seconds to begin, which programs that draw nothing need not spend.
    from capstan.reports.pictures.choosing import picture_of

    def draw(panel: Panel) -> Picture | None:
        return picture_of(panel, is_wide=_is_wide(panel))

    return _render(overview, tiles=tiles_of(overview), draw=draw)


def render_run_page(overview: Overview) -> str:
    """Write the page of a run: tables alone, for it is made within the run."""
    return _render(overview, tiles=[], draw=lambda _: None)


def _render(overview: Overview, *, tiles: list[Tile], draw: Draw) -> str:
    clean = [_clean(panel) for panel in overview.panels]
    sheets = pack([panel.table for panel in clean])
    parts = [
        _Part(panel, draw(panel), table_of(panel.table), sheet, _empty(panel))
        for panel, sheet in zip(clean, sheets, strict=True)
    ]
    ways = [(words, address) for words, address in overview.links if is_plain(address)]
    template = _environment.get_template("page.html")
    kept = {"style": _STYLE, "script": _SCRIPT, "policy": _POLICY}
    return template.render(page=overview, bands=list(_bands(parts)), tiles=tiles, ways=ways, **kept)


def _bands(parts: list[_Part]) -> Iterator[_Band]:
    """Wide parts alone, and those between them in two columns that end at about the same height."""
    for is_wide, group in groupby(parts, key=lambda part: _is_wide(part.panel)):
        if is_wide:
            yield from (_Band([[part]]) for part in group)
            continue
        columns: list[list[_Part]] = [[], []]
        for part in group:
            min(columns, key=lambda column: sum(one.height for one in column)).append(part)
        yield _Band([column for column in columns if column])


def _is_wide(panel: Panel) -> bool:
    """Whether a panel has a column for each of many weeks or events, and needs the width of the page."""
    if panel.id == "completeness":
        return int(panel.table["event"].nunique()) > _FEW_EVENTS
    return panel.id == "calendar"


def _empty(panel: Panel) -> str:
    return _EMPTY.get(panel.id, "There is nothing yet.") if panel.table.empty else ""


def _clean(panel: Panel) -> Panel:
    """Without characters that no page may hold: names come from projects, and may be anything."""
    texts = panel.table.select_dtypes(exclude=["number", "bool", "datetime", "datetimetz"])
    table = panel.table.assign(**{str(name): texts[name].map(_cleaned) for name in texts})
    return replace(panel, table=table, says=_cleaned(panel.says), title=_cleaned(panel.title))


def _cleaned(value: Any) -> Any:
    return _STRANGE.sub("\ufffd", value) if isinstance(value, str) else value


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_hash(_STYLE)}'; "
    f"script-src 'sha256-{_hash(_SCRIPT)}'; img-src data:"
)
