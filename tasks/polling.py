"""Polling: which records changed since the last poll, by REDCap's own log times."""

from __future__ import annotations

from datetime import datetime, timedelta

from capstan.store import read_watermark, write_watermark
from tasks.connections import LiveProject
from tasks.redcap import read_records
from tasks.shield import effect, run_logger

_NAME = "poll_participants"
# Clocks differ, a save that was under way at the last poll carries an earlier time, and at the end of
# summer time the server's wall clock runs through one hour twice.
_OVERLAP = timedelta(minutes=65)


@effect("find changed records")
def changed_records(live: LiveProject, *, records: frozenset[str]) -> frozenset[str]:
    """The records that were saved since the last finished poll; all of them at the first poll."""
    last = read_watermark(live.store, live.study.study, name=live.watermark(_NAME))
    if last is None:
        return records
    since = (datetime.fromisoformat(last) - _OVERLAP).astimezone(live.study.redcap_zone)
    record_field = live.dictionary.record_field
    found = read_records(live, fields=[record_field], changed_since=since.replace(tzinfo=None))
    changed = frozenset(found[record_field]) & records
    run_logger().info("%d of %d records changed since the last poll", len(changed), len(records))
    return changed


@effect("remember poll")
def remember_poll(live: LiveProject, *, started: datetime) -> None:
    """Let the next poll begin where this one began."""
    name, began = live.watermark(_NAME), started.isoformat()
    write_watermark(live.store, live.study.study, name=name, value=began, now=started)
