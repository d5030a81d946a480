"""Times as fields of REDCap take them: the study's local time, as long as the field's validation asks for."""

from __future__ import annotations

from datetime import datetime, tzinfo


def local_stamp(moment: datetime, *, zone: tzinfo, validation: str) -> str:
    """Write an aware time for a field; a text without validation gets it whole, to the second.

    An import takes ISO, whatever order the field shows.
    """
    local = moment.astimezone(zone).replace(tzinfo=None)
    if validation.startswith("date_"):
        return local.date().isoformat()
    is_short = validation.startswith("datetime_") and "seconds" not in validation
    return local.isoformat(sep=" ", timespec="minutes" if is_short else "seconds")
