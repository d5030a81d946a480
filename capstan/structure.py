"""The structure of a project at one time, kept as text so that a later run can see what changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from pydantic import TypeAdapter

from capstan.dictionary import Dictionary
from capstan.events import EventGrid


@dataclass(frozen=True)
class Structure:
    """What a project's people can redesign: the data dictionary and the events; and REDCap's version."""

    dictionary: Dictionary
    grid: EventGrid
    version: str

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read what `to_text` wrote."""
        return TypeAdapter(cls).validate_json(text)

    def to_text(self) -> str:
        """Write it as JSON; it holds no participants' data."""
        # Choices that never change are read-only mappings, which pydantic does not know.
        return TypeAdapter(type(self)).dump_json(self, fallback=dict, warnings=False).decode()
