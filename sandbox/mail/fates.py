"""The address of a mail decides what befalls it; each one that is not listed here is taken."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

# `code550@…` and `anyone+code452@…`: the word may be the whole name or a tag behind a plus.
_WORD = re.compile(r"(?:^|\+)(code|grey|slow)(\d+)$|(?:^|\+)(afterdata|lostack|bounce|drop)$")
_CODES = range(400, 600)
_MOST_SECONDS = 60


class Fate(StrEnum):
    """What befalls a mail."""

    TAKEN = "taken"
    CODE = "code"
    GREY = "grey"
    SLOW = "slow"
    AFTER_DATA = "afterdata"
    LOST_ANSWER = "lostack"
    BOUNCE = "bounce"
    DROP = "drop"


@dataclass(frozen=True)
class Lot:
    """A fate and its number: the code that is answered, how often, or how many seconds."""

    fate: Fate = Fate.TAKEN
    number: int = 0


def fate_of(address: str) -> Lot:
    """Return what an address asks for."""
    found = _WORD.search(address.rpartition("@")[0].lower())
    if not found:
        return Lot()
    numbered, digits, plain = found.groups()
    if plain:
        return Lot(Fate(plain))
    number = int(digits[:6])
    if numbered == Fate.CODE and number not in _CODES:
        return Lot()
    return Lot(Fate(numbered), min(number, _MOST_SECONDS) if numbered == Fate.SLOW else number)
