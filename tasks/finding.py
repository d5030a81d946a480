"""The finding: what `capstan doctor` says of one thing that it looked at."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Finding(NamedTuple):
    """One thing that was examined: the verdict, and in `said` what to do if it is not ok."""

    what: str
    verdict: Literal["ok", "warn", "fail"]
    said: str
