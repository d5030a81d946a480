"""Crash points: places between two effects where a test may kill the process, to see that nothing is lost.

`CAPSTAN_CRASH_AT=journaled` kills at the first pass of the point `journaled`, `journaled:2` at the second;
without the variable, which only tests set, a point does nothing.
"""

from __future__ import annotations

import os
import signal
from collections import Counter

POINTS = (
    "opened",
    "begun",
    "exported",
    "queued",
    "message_claimed",
    "posted",
    "recorded",
    "texted",
    "settled",
    "claimed",
    "worked",
    "logged",
    "judged",
    "quarantined",
    "approved",
    "checked",
    "journaled",
    "sent",
    "imported",
    "read_back",
    "finished",
    "answered",
    "ended",
    "written_down",
    "told",
    "started",
)
_passed: Counter[str] = Counter()


def crash_point(name: str) -> None:
    """Die here by SIGKILL if the environment asks for it."""
    wanted, _, number = os.environ.get("CAPSTAN_CRASH_AT", "").partition(":")
    if wanted == name:
        _passed[name] += 1
        if _passed[name] == int(number or 1):
            os.kill(os.getpid(), signal.SIGKILL)
