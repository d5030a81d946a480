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
        "dx",
        "dy",
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
# What shapes take from the group that they are in, so that it need not be said of each.
_INHERITED = frozenset({"fill", "stroke", "text-anchor", "font-size", "font-weight", "font-family"})
_BETWEEN = 18
_SHAPES = frozenset({"svg", "g", "path", "rect", "line", "circle", "text", "tspan", "polygon"})
_CONFIG: dict[str, Any] = {
    "background": None,
    "padding": {"left": 2, "right": 2, "top": 5, "bottom": 5},
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
    """Draw a Vega-Lite specification; charts on top of each other begin at one edge."""
    parts = specification.get("vconcat", [specification])
    around = {name: each for name, each in specification.items() if name != "vconcat"}
    return _stack([_draw({**around, **part}) for part in parts])


def _draw(specification: dict[str, Any]) -> Tree.Element:
    drawn = vl_convert.vegalite_to_svg({**specification, "config": _CONFIG})
    root = Tree.fromstring(drawn)
    _prune(root)
    _gather(root)
    return root


def _stack(pictures: list[Tree.Element]) -> Tree.Element:
    if len(pictures) == 1:
        return pictures[0]
    root, bottom = Tree.Element(f"{{{SPACE}}}svg"), 0.0
    for picture in pictures:
        group = Tree.SubElement(root, f"{{{SPACE}}}g", transform=f"translate(0,{bottom:g})")
        group.extend(picture)
        bottom += height_of(picture) + _BETWEEN
    width, height = max(float(one.get("width", "0")) for one in pictures), bottom - _BETWEEN
    root.attrib.update(
        {"width": f"{width:g}", "height": f"{height:g}", "viewBox": f"0 0 {width:g} {height:g}"}
    )
    return root


def framed(root: Tree.Element, *, width: int) -> Tree.Element:
    """The picture in a frame of this width at least, so that all of a page have letters of one size."""
    if float(root.get("width", "0")) < width:
        root.attrib.update({"width": str(width), "viewBox": f"0 0 {width} {height_of(root):g}"})
    return root


def height_of(root: Tree.Element) -> float:
    """The height of a picture, in pixels."""
    return float(root.get("height", "0"))


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


def _gather(element: Tree.Element) -> None:
    """Say of a group what is the same of all its shapes: a field of cells is half as heavy then."""
    for child in element:
        _gather(child)
    if len(element) < 2 or any(child.tag.endswith("}g") for child in element):
        return
    first, *others = element
    for name in sorted(_INHERITED & set(first.attrib)):
        if all(one.get(name) == first.get(name) for one in others):
            element.set(name, first.attrib[name])
            for one in element:
                del one.attrib[name]
