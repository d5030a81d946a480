"""The parts of project XML that are kept as they came: reports, surveys, randomizations (E.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sandbox.odm.stream import parse
from sandbox.odm.text import NAMESPACES, R, escape
from sandbox.project.model import Project

# The namespaces that project XML declares at its top.
_OPEN = (
    f'<extra xmlns="{NAMESPACES["o"]}" xmlns:redcap="{NAMESPACES["r"]}"'
    ' xmlns:ds="http://www.w3.org/2000/09/xmldsig#" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
)


def elements(project: Project, name: str) -> list[dict[str, str]]:
    """Return the attributes of every `redcap:<name>` inside its `<name>Group`, in order."""
    found: list[dict[str, str]] = []
    for text in project.extra_xml:
        if text.startswith(f"<redcap:{name}Group"):
            root = parse(f"{_OPEN}{text}</extra>")
            found += [
                {str(key): str(value) for key, value in one.attrib.items()} for one in root.iter(R + name)
            ]
    return found


def with_element(project: Project, name: str, *, attributes: Mapping[str, str]) -> Project:
    """Return the project with one more element in a group; the group is made where there is none."""
    written = "".join(f' {key}="{escape(value)}"' for key, value in attributes.items())
    element, close = f"<redcap:{name}{written}/>", f"</redcap:{name}Group>"
    texts = list(project.extra_xml)
    for index, text in enumerate(texts):
        if text.startswith(f"<redcap:{name}Group") and text.endswith(close):
            texts[index] = text.removesuffix(close) + element + close
            return replace(project, extra_xml=tuple(texts))
    return replace(project, extra_xml=(*texts, f"<redcap:{name}Group>{element}{close}"))
