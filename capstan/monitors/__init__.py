"""Monitors: where a wait for something stands, and what is known of the thing that it waits for.

OPEN ──► REMINDED ──► ESCALATED ──► GIVEN_UP     (told once, told again, told to more people, told the end)
  └─────────┴─────────────┴──► RESOLVED          (it came)
                          └──► DISMISSED         (a person, or REDCap, says that nothing will come)

The last three are for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class WaitState(StrEnum):
    """Where a wait stands."""

    OPEN = "open"
    REMINDED = "reminded"
    ESCALATED = "escalated"
    RESOLVED = "resolved"
    DISMISSED = "dismissed"
    GIVEN_UP = "given up"

    @property
    def has_ended(self) -> bool:
        """Whether nothing can happen to it any more."""
        return self in (WaitState.RESOLVED, WaitState.DISMISSED, WaitState.GIVEN_UP)


class Evidence(StrEnum):
    """What a look for the thing came to."""

    THERE = "there"
    MISSING = "missing"
    UNKNOWN = "unknown"  # one could not look: staff are told that, and not that it is missing
    NOT_EXPECTED = "not expected"  # a person, or REDCap, says that nothing will come


@dataclass(frozen=True)
class Standing:
    """Where a wait stands: it began at `since`, and staff were told last at `told_at`."""

    state: WaitState
    since: datetime
    told_at: datetime | None = None
