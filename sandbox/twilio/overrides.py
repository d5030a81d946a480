"""How patient a webhook is, as the fragment of its URL asks for (3.3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl

_MILLISECONDS = re.compile("[0-9]{1,6}")
_LONGEST_CONNECT, _LONGEST = 10_000, 15_000
_SHORTEST = 100
_MOST_RETRIES = 5
_REASONS = frozenset({"4xx", "5xx", "ct", "rt", "all"})


@dataclass(frozen=True)
class Patience:
    """Seconds to connect, to read, and in all; how many more tries, and after what."""

    connect_seconds: float = 5.0
    read_seconds: float = 15.0
    total_seconds: float = 15.0
    retries: int = 1
    reasons: frozenset[str] = frozenset({"ct"})

    def tries_again(self, outcome: str) -> bool:
        """Whether what came of a try is a reason for another one."""
        reason = f"{outcome[0]}xx" if outcome.isdecimal() else outcome
        return reason in self.reasons or ("all" in self.reasons and reason in _REASONS)


def read_patience(fragment: str) -> Patience:
    """Read `ct=…&rt=…&tt=…&rc=…&rp=…`; what is out of bounds is the nearest bound, the rest is ignored."""
    given, usual = dict(parse_qsl(fragment)), Patience()
    reasons = frozenset(given.get("rp", "").replace(" ", "").split(",")) & _REASONS
    read = _seconds(given.get("rt", ""), usual.read_seconds, longest=_LONGEST)
    return Patience(
        connect_seconds=_seconds(given.get("ct", ""), usual.connect_seconds, longest=_LONGEST_CONNECT),
        read_seconds=read,
        total_seconds=_seconds(given.get("tt", ""), usual.total_seconds, longest=_LONGEST),
        retries=min(int(given["rc"]), _MOST_RETRIES) if _is_digit(given.get("rc", "")) else usual.retries,
        reasons=reasons or usual.reasons,
    )


def _seconds(text: str, usual: float, *, longest: int) -> float:
    if not _MILLISECONDS.fullmatch(text):
        return usual
    return min(max(int(text), _SHORTEST), longest) / 1000


def _is_digit(text: str) -> bool:
    return len(text) == 1 and text in "0123456789"
