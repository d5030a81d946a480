"""Times as REDCap's wall clock shows them, also in the hour that it goes through twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from capstan.stamps import wall_clock_since

NEW_YORK, LORD_HOWE = ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe")


@pytest.mark.parametrize(
    ("moment", "zone", "wall"),
    [
        ("2026-06-01T12:00", NEW_YORK, "2026-06-01T08:00"),
        ("2026-06-01T12:00", UTC, "2026-06-01T12:00"),
        # In the first pass through one to two o'clock, what is saved in the second may carry 01:00.
        ("2026-11-01T05:50", NEW_YORK, "2026-11-01T00:50"),
        ("2026-11-01T06:10", NEW_YORK, "2026-11-01T01:10"),
        ("2026-03-08T06:50", NEW_YORK, "2026-03-08T01:50"),
        ("2026-04-04T14:50", LORD_HOWE, "2026-04-05T01:20"),
    ],
)
def test_the_wall_clock_since_a_moment_is_the_earliest_that_it_shows(
    moment: str, zone: ZoneInfo, wall: str
) -> None:
    found = wall_clock_since(datetime.fromisoformat(moment).replace(tzinfo=UTC), zone=zone)

    assert found.isoformat(timespec="minutes") == wall


def test_nothing_that_is_saved_after_a_moment_carries_an_earlier_time() -> None:
    start = datetime(2026, 10, 31, 0, 0, tzinfo=UTC)
    moments = [start + timedelta(minutes=10 * step) for step in range(300)]
    shown = [moment.astimezone(NEW_YORK).replace(tzinfo=None) for moment in moments]

    since = [wall_clock_since(moment, zone=NEW_YORK) for moment in moments]

    assert all(first <= min(shown[place:]) for place, first in enumerate(since))
