"""Great Expectations' pages, cleaned: what remains loads nothing, runs nothing and works without a style."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import lxml.html
from lxml.html import HtmlElement
from markupsafe import Markup

_STATES = {"text-success": "passed", "text-danger": "failed", "text-warning": "not judged"}
_TAGS = {"h5": "h2", "h6": "h3"}
_KEPT = frozenset({"h2", "h3", "table", "thead", "tbody", "tr", "th", "td", "p", "ul", "li", "br", "strong"})
# Pictures that scripts draw, controls that need scripts, and texts of exceptions, which may quote values.
_DROPPED = frozenset(
    {"script", "style", "link", "meta", "img", "svg", "button", "input", "form", "iframe", "object", "embed"}
    | {"video", "audio", "source", "code", "pre"}
)
_SECTION = "ge-section"
_SPACE = re.compile(r"\s*\n\s*")


@dataclass(frozen=True)
class Cleaned:
    """The sections of a page, and the anchor of each by its heading."""

    markup: Markup
    anchors: Mapping[str, str]


def clean(page: bytes, *, headings: Mapping[str, str]) -> Cleaned:
    """Keep the sections about columns and tables of a page, with `headings` in our words.

    Only plain tags without attributes are left, so that nothing can be loaded or run, and states in words.
    """
    tree = lxml.html.document_fromstring(page, parser=lxml.html.HTMLParser(encoding="utf-8"))
    anchors, parts = {}, []
    for number, section in enumerate(_sections(tree), start=1):
        _strip(section)
        heading = _heading(section)
        name = " ".join(heading.text_content().split())
        heading.text = headings.get(name, name)
        anchors[name] = f"section-{number}"
        section.tag = "section"
        section.set("id", anchors[name])
        text = lxml.html.tostring(section, encoding="unicode", with_tail=False)
        parts.append(_SPACE.sub("\n", text))
    # Everything in it was written anew from parsed text, with an allow list of tags.
    return Cleaned(Markup("\n".join(parts)), anchors)


def _sections(tree: HtmlElement) -> list[HtmlElement]:
    """The sections; of the first, which has a fingerprint of the frame, only the list of a suite."""
    first, *others = tree.find_class(_SECTION)
    return [*first.xpath("./div/div[./ul]"), *others]


def _heading(section: HtmlElement) -> HtmlElement:
    found = next(section.iter("h2", "h3"), None)
    if found is None:
        found = lxml.html.Element("h2")
        section.insert(0, found)
    found.tag = "h2"
    for part in list(found):
        part.drop_tag()
    return found


def _strip(section: HtmlElement) -> None:
    for part in list(section.iter()):
        if part is section or part.getparent() is None:
            continue
        if not isinstance(part.tag, str) or part.tag in _DROPPED or _is_folded(part):
            part.drop_tree()
        elif part.tag == "i":
            _say_state(part)
        else:
            _make_plain(part)
    for item in section.findall(".//li"):
        if not item.text_content().strip():
            item.drop_tree()
    section.attrib.clear()


def _make_plain(part: HtmlElement) -> None:
    part.tag = _TAGS.get(part.tag, part.tag)
    part.attrib.clear()
    if part.tag == "th":
        part.set("scope", "col")
    elif part.tag not in _KEPT:
        part.drop_tag()


def _is_folded(part: HtmlElement) -> bool:
    """Whether a part opens only by a script, or opens such a part."""
    return "collapse" in part.get("class", "").split() or part.get("data-toggle") == "collapse"


def _say_state(glyph: HtmlElement) -> None:
    classes = glyph.get("class", "").split()
    states = [state for name, state in _STATES.items() if name in classes]
    glyph.attrib.clear()
    if not states:
        glyph.drop_tag()
        return
    glyph.tag = "span"
    glyph.set("class", f"state {states[0].replace(' ', '-')}")
    glyph.text = states[0]
