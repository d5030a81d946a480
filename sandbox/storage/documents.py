"""Projects as plain JSON data, and back."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sandbox.project.field import Field
from sandbox.project.model import Project
from sandbox.project.parts import Arm, Event, Form, Group, Repeat


def to_document(project: Project) -> dict[str, Any]:
    """Return the project as plain JSON data."""
    return asdict(project)


def from_document(document: dict[str, Any]) -> Project:
    """Rebuild a project from `to_document`."""
    plain = dict(document)
    kinds: dict[str, Any] = {"arms": Arm, "forms": Form, "repeats": Repeat, "groups": Group}
    for name, kind in kinds.items():
        plain[name] = tuple(kind(**row) for row in plain[name])
    plain["events"] = tuple(Event(**{**row, "forms": tuple(row["forms"])}) for row in plain["events"])
    plain["fields"] = tuple(
        Field(**{**row, "attachment": tuple(row["attachment"])}) for row in plain["fields"]
    )
    plain["surveys"], plain["extra_xml"] = tuple(plain["surveys"]), tuple(plain["extra_xml"])
    return Project(**plain)
