"""Makes XML elements in ODM's and REDCap's namespaces."""

from __future__ import annotations

from lxml import etree

ODM = "http://www.cdisc.org/ns/odm/v1.3"
REDCAP = "https://projectredcap.org"


def add(parent: etree._Element, tag: str, text: str = "", **attributes: str) -> etree._Element:
    """Add an element; `redcap_` in the name of tag or attribute stands for REDCap's namespace."""
    made = etree.SubElement(parent, _name(tag, default=ODM))
    for key, value in attributes.items():
        made.set(_name(key, default=""), value)
    made.text = text or None
    return made


def _name(name: str, *, default: str) -> str:
    if name.startswith("redcap_"):
        return f"{{{REDCAP}}}{name.removeprefix('redcap_')}"
    return f"{{{default}}}{name}" if default else name
