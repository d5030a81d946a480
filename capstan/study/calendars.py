"""Calendars of visits due, to which people of a site subscribe."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from capstan.study.parts import Part


class Calendars(Part):
    """What an event of the calendars is: a visit, or a day with the number of its visits.

    Whoever knows a calendar's address reads it. Another `generation` gives all of them new addresses.
    """

    each: Literal["visit", "day"] = "visit"
    generation: int = Field(default=1, ge=1)
