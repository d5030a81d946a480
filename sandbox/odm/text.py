"""Project XML as text: its namespaces, how it escapes, and elements as they came."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lxml import etree

from sandbox.render import NOT_XML

NAMESPACES = {"o": "http://www.cdisc.org/ns/odm/v1.3", "r": "https://projectredcap.org"}
R = "{https://projectredcap.org}"
O = "{http://www.cdisc.org/ns/odm/v1.3}"  # noqa: E741
_DECLARED = (
    f' xmlns="{NAMESPACES["o"]}"',
    f' xmlns:redcap="{NAMESPACES["r"]}"',
    ' xmlns:ds="http://www.w3.org/2000/09/xmldsig#"',
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"',
)
_BREAK = re.compile(r"\r\n?")
_SECTION = re.compile(r"(<!\[CDATA\[.*?\]\]>)", re.DOTALL)
_SPELLINGS = {"'": "&#039;", "&#10;": "\n", "&#13;": "", "&#9;": "\t"}
_SPELLED = re.compile("|".join(_SPELLINGS))


def ours(element: etree._Element, name: str) -> str:
    """Return an attribute of REDCap's namespace, or ''."""
    return element.get(R + name, "")


def escape(text: object) -> str:
    """Escape for attributes and text, in REDCap's spelling; line breaks are line feeds, as it writes them."""
    escaped = str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    escaped = escaped.replace('"', "&quot;").replace("'", "&#039;")
    if escaped.isprintable():
        return escaped
    # Other control characters cannot be written in XML at all.
    return NOT_XML.sub("", _BREAK.sub("\n", escaped))


def spell(attributes: Mapping[str, object]) -> str:
    """Return attributes as they stand in a tag."""
    return " ".join(f'{name}="{escape(value)}"' for name, value in attributes.items())


def verbatim(element: etree._Element) -> str:
    """Return an element as REDCap wrote it."""
    text = etree.tostring(element, encoding="unicode", with_tail=False)
    head, end, rest = text.partition(">")
    # The whole document declares the namespaces once, at its top.
    for declaration in _DECLARED:
        head = head.replace(declaration, "")
    parts = _SECTION.split(head + end + rest)
    parts[::2] = [_SPELLED.sub(lambda match: _SPELLINGS[match[0]], part) for part in parts[::2]]
    return "".join(parts)
