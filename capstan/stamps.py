"""Times as REDCap takes them, which knows local ones only: in its fields, and in questions to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

_LONGEST_SHIFT = timedelta(hours=2)


def local_stamp(moment: datetime, *, zone: tzinfo, validation: str) -> str:
    """Write an aware time for a field; a text without validation gets it whole, to the second.

    An import takes ISO, whatever order the field shows.
    """
    local = moment.astimezone(zone).replace(tzinfo=None)
    if validation.startswith("date_"):
        return local.date().isoformat()
    is_short = validation.startswith("datetime_") and "seconds" not in validation
    return local.isoformat(sep=" ", timespec="minutes" if is_short else "seconds")


def wall_clock_since(moment: datetime, *, zone: tzinfo) -> datetime:
    """The earliest time, without a zone, that a wall clock shows from an aware moment on.

    At the end of summer time it goes back: what is entered after the moment may carry an earlier time.
    """
    shown = moment.astimezone(zone).replace(tzinfo=None)
    later = (moment.astimezone(UTC) + _LONGEST_SHIFT).astimezone(zone).replace(tzinfo=None)
    return min(shown, later - _LONGEST_SHIFT)
