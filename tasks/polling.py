"""Polling: which records changed since the last poll, by REDCap's own log times."""

from __future__ import annotations

from datetime import datetime, timedelta

from capstan.stamps import wall_clock_since
from capstan.store import read_watermark, write_watermark
from tasks.connections import LiveProject
from tasks.redcap import read_ids
from tasks.shield import effect, run_logger

_NAME = "poll_participants"
# Clocks differ, and a save that was under way at the last poll carries an earlier time. Much more would let
# each poll look again at what the ones before it wrote.
_OVERLAP = timedelta(minutes=10)


@effect("find changed records")
def changed_records(live: LiveProject, *, records: frozenset[str]) -> frozenset[str]:
    """The records that were saved since the last finished poll; all of them at the first poll."""
    last = read_watermark(live.store, live.study.study, name=live.watermark(_NAME))
    if last is None:
        return records
    since = wall_clock_since(datetime.fromisoformat(last) - _OVERLAP, zone=live.study.redcap_zone)
    changed = read_ids(live, changed_since=since) & records
    run_logger().info("%d of %d records changed since the last poll", len(changed), len(records))
    return changed


@effect("remember poll")
def remember_poll(live: LiveProject, *, started: datetime) -> None:
    """Let the next poll begin where this one began."""
    name, began = live.watermark(_NAME), started.isoformat()
    write_watermark(live.store, live.study.study, name=name, value=began, now=started)
