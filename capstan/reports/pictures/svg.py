"""Vega-Lite as SVG that a page may hold: only shapes and words, with a title and a description."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as Tree

import vl_convert

from capstan.reports.palette import FAINT, GRID, INK

SPACE = "http://www.w3.org/2000/svg"
_KEPT = frozenset(
    {
        "d",
        "x",
        "y",
        "x1",
        "x2",
        "y1",
        "y2",
        "cx",
        "cy",
        "r",
        "rx",
        "width",
        "height",
        "viewBox",
        "transform",
        "points",
        "fill",
        "fill-opacity",
        "stroke",
        "stroke-width",
        "stroke-dasharray",
        "stroke-linecap",
        "stroke-miterlimit",
        "stroke-opacity",
        "opacity",
        "text-anchor",
        "font-size",
        "font-weight",
        "font-family",
    }
)
_SHAPES = frozenset({"svg", "g", "path", "rect", "line", "circle", "text", "tspan", "polygon"})
_CONFIG: dict[str, Any] = {
    "background": None,
    # Letters of the reader's font may be wider than those that were measured.
    "padding": {"left": 28, "right": 12, "top": 5, "bottom": 5},
    "font": "sans-serif",
    "aria": False,
    "view": {"stroke": None},
    "axis": {
        "labelColor": FAINT,
        "titleColor": FAINT,
        "gridColor": GRID,
        "domain": False,
        "ticks": False,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelPadding": 6,
        "labelLimit": 190,
    },
    "axisY": {"labelColor": INK},
    "legend": {
        "orient": "top",
        "title": None,
        "labelColor": INK,
        "labelFontSize": 12,
        "symbolType": "square",
        "symbolStrokeWidth": 0,
        "columnPadding": 18,
        "labelLimit": 200,
    },
    "title": {"anchor": "start", "fontSize": 12, "fontWeight": "normal", "color": FAINT, "offset": 10},
    "bar": {"cornerRadiusEnd": 2},
    "text": {"fontSize": 12, "color": INK},
}
Tree.register_namespace("", SPACE)


def draw(specification: dict[str, Any]) -> Tree.Element:
    """Draw a Vega-Lite specification."""
    drawn = vl_convert.vegalite_to_svg({**specification, "config": _CONFIG})
    root = Tree.fromstring(drawn)
    _prune(root)
    return root


def told(root: Tree.Element, *, name: str, title: str, says: str) -> str:
    """The picture as text, with `name` as id, its title and what it says for those who do not see it."""
    root.set("id", name)
    root.set("role", "img")
    root.set("aria-labelledby", f"{name}-title {name}-says")
    for place, (tag, words) in enumerate((("title", title), ("desc", says))):
        element = Tree.Element(f"{{{SPACE}}}{tag}", id=f"{name}-{'says' if place else 'title'}")
        element.text = words
        root.insert(place, element)
    return Tree.tostring(root, encoding="unicode")


def _prune(element: Tree.Element) -> None:
    """Leave out what is not drawn: most of the weight, and everything that could lead elsewhere."""
    for name in set(element.attrib) - _KEPT:
        del element.attrib[name]
    for child in list(element):
        if child.tag.rpartition("}")[2] not in _SHAPES or child.get("display") == "none":
            element.remove(child)
        else:
            _prune(child)
