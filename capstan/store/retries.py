"""When something that failed is tried again."""

from __future__ import annotations

from datetime import datetime, timedelta

# From one minute to six hours: with the last of them, about three days have passed.
_FIRST, _LONGEST = timedelta(minutes=1), timedelta(hours=6)
MOST_ATTEMPTS = 20


def retry_at(failures: int, *, now: datetime) -> datetime:
    """When to try again after a failure that had some before it: each wait is twice the one before."""
    doubled: timedelta = _FIRST * 2 ** min(failures, 16)
    return now + min(doubled, _LONGEST)
