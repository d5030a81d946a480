"""Words that rules compute, as the codes that a choice field has for them."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from capstan.errors import StudyError
from capstan.logic import Layout


def code_of_word(word: str, choices: Mapping[str, str]) -> str | None:
    """Give the code equal to a word, else the first whose label equals it in any case, else None."""
    if word in choices:
        return word
    spoken = word.casefold()
    return next((code for code, label in choices.items() if label.strip().casefold() == spoken), None)


def to_codes(words: pd.Series[str], *, field: str, layout: Layout) -> pd.Series[str]:
    """Translate words for a field; text fields take the word itself, and "" stays blank.

    Raises StudyError that names field and word where a choice field has no choice for it.
    """
    choices = layout.choices.get(field)
    if not choices:
        return words
    codes = {"": ""}
    for word in words.unique():
        code = code_of_word(word, choices) if word else ""
        if code is None:
            raise StudyError(f'The field {field} has no choice "{word}"; add one with this label in REDCap.')
        codes[word] = code
    return words.map(codes).astype("str")
