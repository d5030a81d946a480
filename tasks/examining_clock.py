"""Examination of the clock: this machine's time against that of the servers that it talks to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import requests

from tasks.finding import Finding

# A lost answer is settled by comparing others' times with ours, and polls compare times with REDCap's log.
MAX_SKEW = timedelta(seconds=30)
_TIMEOUT_SECONDS = 5


def compare_clocks(whose: str, stamp: str | None, *, now: datetime) -> Iterator[Finding]:
    """One finding on the clock from the date in an answer's head; none where there is no such date."""
    try:
        there = parsedate_to_datetime(stamp or "")
    except ValueError:
        return
    if there.tzinfo is None:
        return
    skew = abs(there - now)
    if skew > MAX_SKEW:
        said = (
            f"{round(skew.total_seconds())} s away from {whose}'s; set this machine's clock by a time server"
        )
        yield Finding("clock", "fail", said)
        return
    yield Finding("clock", "ok", f"agrees with {whose}'s")


def look_at_redcaps_clock(url: str, *, now: datetime) -> Iterator[Finding]:
    """One finding where REDCap's web server says what time it is; no token is sent."""
    parts = urlsplit(url)
    try:
        answer = requests.head(
            f"{parts.scheme}://{parts.netloc}/", timeout=_TIMEOUT_SECONDS, allow_redirects=False
        )
    except requests.RequestException:
        # Whether REDCap can be reached is another finding.
        return
    yield from compare_clocks("REDCap", answer.headers.get("Date"), now=now)
