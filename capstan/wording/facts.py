"""Facts about wordings that people ask for: version, length and segments, with values of usual length."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from capstan.errors import StudyError
from capstan.segments import Segments, count_segments
from capstan.variables import QUEUE_LINK, SURVEY_LINK
from capstan.wording import Template, read_templates

if TYPE_CHECKING:
    from capstan.study import Study

_VALUE, _DAY = "Abcdefghijkl", "2026-12-31"
_LINK = "https://redcap.example.org/surveys/?s=0000000000000000"
_LINKS, _DAYS = frozenset({SURVEY_LINK, QUEUE_LINK}), frozenset({"due", "opens", "closes", "today"})


class WordingFacts(NamedTuple):
    """One wording of a message; `text` is it with sample values, in `segments` if it were texted."""

    message: str
    language: str
    version: str
    text: str
    segments: Segments


def list_wordings(study: Study, *, templates: Mapping[str, str]) -> list[WordingFacts]:
    """List every wording of a study's messages; `templates` are sources by file name.

    Raises StudyError for a template that cannot be read.
    """
    found = []
    for message in study.messages:
        wordings = read_templates(message, files=templates, language=study.messaging.language)
        for language, wording in wordings.items():
            text = sample_text(wording)
            found.append(WordingFacts(message.id, language, wording.version, text, count_segments(text)))
    return found


def sample_text(wording: Template) -> str:
    """The text with a word of twelve letters, a link or a day for each variable; its source if that fails."""
    values = dict.fromkeys(wording.variables, _VALUE)
    values |= dict.fromkeys(wording.variables & _LINKS, _LINK) | dict.fromkeys(
        wording.variables & _DAYS, _DAY
    )
    try:
        said = wording.render(values)
    except StudyError:
        said = None
    return said.text if said else wording.text
