"""What the pages of a study may show, and to whom its calendars go."""

from __future__ import annotations

from capstan.study.calendars import Calendars
from capstan.study.parts import Part


class StudyPage(Part):
    """Whether pages name records; calendars of visits due, which no study has unless it says so."""

    records: bool = False
    calendars: Calendars | None = None
