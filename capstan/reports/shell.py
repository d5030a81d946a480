"""The shell of a page: title, ways to other pages, key figures, and each panel; it loads nothing."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from capstan.overview import Overview, Panel
from capstan.reports.palette import dark_style
from capstan.reports.tables import Table, csv_address, is_plain, table_of
from capstan.reports.tiles import Tile, tiles_of

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


class _Part(NamedTuple):
    """A panel as the template takes it."""

    panel: Panel
    picture: str
    table: Table
    csv: str
    empty: str


def render_study_page(overview: Overview) -> str:
    """Write the page of a study: key figures, pictures, and tables beneath; takes seconds."""
    # The libraries that draw take seconds to begin, which programs that draw nothing need not spend.
    from capstan.reports.pictures.choosing import picture_of

    return _render(overview, tiles=tiles_of(overview), picture_of=picture_of)


def render_run_page(overview: Overview) -> str:
    """Write the page of a run: tables alone, for it is made within the run."""
    return _render(overview, tiles=[], picture_of=lambda _: "")


def _render(overview: Overview, *, tiles: list[Tile], picture_of: Callable[[Panel], str]) -> str:
    clean = [_clean(panel) for panel in overview.panels]
    parts = [
        _Part(panel, picture_of(panel), table_of(panel.table), csv_address(panel.table), _empty(panel))
        for panel in clean
    ]
    ways = [(words, address) for words, address in overview.links if is_plain(address)]
    template = _environment.get_template("page.html")
    kept = {"style": _STYLE, "script": _SCRIPT, "policy": _POLICY}
    return template.render(page=overview, parts=parts, tiles=tiles, ways=ways, **kept)


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
