"""The shell of a page: title, ways to other pages, and each panel as a table; it loads nothing."""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pandas.api.types import is_numeric_dtype

from capstan.overview import Overview, Panel

_FOLDER = Path(__file__).with_name("templates")
_STYLE = (_FOLDER / "page.css").read_text(encoding="utf-8")
_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_DIGEST}'; img-src data:"
_LINK = "link"
_environment = Environment(
    loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)


class _Table(NamedTuple):
    """A table as text: which columns are numbers, and rows with the address of each."""

    columns: list[tuple[str, bool]]
    rows: list[tuple[str, list[str]]]


def render_run_page(overview: Overview) -> str:
    """Write the page of a run."""
    panels = [(panel, _table(panel)) for panel in overview.panels]
    ways = [(words, address) for words, address in overview.links if _is_plain(address)]
    template = _environment.get_template("page.html")
    return template.render(page=overview, panels=panels, ways=ways, style=_STYLE, policy=_POLICY)


def _table(panel: Panel) -> _Table:
    shown = panel.table.drop(columns=[_LINK], errors="ignore")
    columns = [(str(name), is_numeric_dtype(shown[name])) for name in shown.columns]
    return _Table(columns, list(_rows(panel, columns=[name for name, _ in columns])))


def _rows(panel: Panel, *, columns: list[str]) -> Iterator[tuple[str, list[str]]]:
    for row in panel.table.to_dict("records"):
        address = str(row.get(_LINK, ""))
        yield address if _is_plain(address) else "", [_text(row[name]) for name in columns]


def _text(value: Any) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:,.10g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _is_plain(address: str) -> bool:
    """Whether an address leads to the web or to a page beside this one, and runs nothing."""
    return address.startswith(("https://", "http://")) or ":" not in address
