"""What a look came to."""

from __future__ import annotations

from typing import NamedTuple

from capstan.monitors import Evidence


class Look(NamedTuple):
    """What was found, and why one could not look, in words without values."""

    evidence: Evidence
    why: str = ""


THERE, MISSING = Look(Evidence.THERE), Look(Evidence.MISSING)


def unknown(why: str) -> Look:
    """A look that could not be made."""
    return Look(Evidence.UNKNOWN, why)
