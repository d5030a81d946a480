"""Quiet windows: times of day at which a REDCap server is to be left alone."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, NamedTuple, Self

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_CLOCK = r"((?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00)"
_WINDOW = re.compile(rf"\s*{_CLOCK}\s*-\s*{_CLOCK}\s*")


class QuietWindow(NamedTuple):
    """From one time of day until before another, as HH:MM; over midnight where the end is not the later."""

    begins: str
    ends: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a window such as `02:00-03:00`; raises ValueError."""
        found = _WINDOW.fullmatch(text)
        if not found or found[1] == found[2]:
            raise ValueError('must be two different times of day such as "02:00-03:00"')
        return cls(found[1], found[2])

    def __str__(self) -> str:
        """The window as study files write it."""
        return f"{self.begins}-{self.ends}"

    def holds(self, moment: datetime) -> bool:
        """Whether it is quiet, by the clock of the moment's own zone."""
        clock = f"{moment:%H:%M}"
        if self.begins < self.ends:
            return self.begins <= clock < self.ends
        return clock >= self.begins or clock < self.ends


def quiet_now(windows: Iterable[QuietWindow], moment: datetime) -> QuietWindow | None:
    """Return the first window that holds a moment in the study's zone, None where there is none."""
    return next((window for window in windows if window.holds(moment)), None)


QuietText = Annotated[
    QuietWindow,
    BeforeValidator(lambda value: value if isinstance(value, QuietWindow) else QuietWindow.parse(str(value))),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "examples": ["02:00-03:00"]}),
]
