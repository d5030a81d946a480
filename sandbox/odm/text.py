"""Project XML as text: what must be mended before a parser sees it, and escaping."""

from __future__ import annotations

import re

from lxml import etree

NAMESPACES = {"o": "http://www.cdisc.org/ns/odm/v1.3", "r": "https://projectredcap.org"}
R = "{https://projectredcap.org}"
O = "{http://www.cdisc.org/ns/odm/v1.3}"  # noqa: E741
_CDATA = re.compile(r"(<!\[CDATA\[.*?\]\]>)", re.DOTALL)
_ATTRIBUTE = re.compile(r'="([^"<]*)"')
_BREAK = re.compile(r"\r\n|\r|\n")


def parse(text: str) -> etree._Element:
    """Parse project XML and keep the line breaks in attributes (E.8).

    Raises `ValueError` when it is not XML.
    """
    pieces = _CDATA.split(text)
    pieces[::2] = [_ATTRIBUTE.sub(_keep_breaks, piece) for piece in pieces[::2]]
    parser = etree.XMLParser(huge_tree=True, resolve_entities=False, no_network=True)
    try:
        return etree.fromstring("".join(pieces).encode(), parser)
    except etree.XMLSyntaxError as error:
        raise ValueError("not XML") from error


def attribute(text: object) -> str:
    """Escape for an attribute, in REDCap's spelling."""
    escaped = str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace('"', "&quot;").replace("'", "&#039;")


def content(text: str) -> str:
    """Escape for element text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _keep_breaks(match: re.Match[str]) -> str:
    # A parser turns raw breaks in attributes into spaces.
    value = _BREAK.sub("&#10;", match[1]).replace("\t", "&#9;")
    return f'="{value}"'
