"""Crash points: places between two effects where a test may kill the process, to see that nothing is lost.

`CAPSTAN_CRASH_AT=journaled` kills at the first pass of the point `journaled`; without the variable, which
only tests set, a point does nothing.
"""

from __future__ import annotations

import os
import signal

POINTS = (
    "opened",
    "exported",
    "judged",
    "begun",
    "checked",
    "journaled",
    "imported",
    "sent",
    "read_back",
    "ended",
)


def crash_point(name: str) -> None:
    """Die here by SIGKILL if the environment asks for it."""
    if os.environ.get("CAPSTAN_CRASH_AT") == name:
        os.kill(os.getpid(), signal.SIGKILL)
