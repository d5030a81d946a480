"""REDCap: the tasks that read records from a live project and write cells to it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import pandas as pd

from capstan.plan import keyed
from checks.frames import key_contract
from tasks.connections import LiveProject
from tasks.crash import crash_point
from tasks.shield import effect, run_logger


@effect("export records")
def export_records(
    live: LiveProject,
    *,
    fields: Collection[str] = (),
    records: Collection[str] | None = None,
    changed_since: datetime | None = None,
) -> pd.DataFrame:
    """Export records as a keyed frame of text: record id, event, repeat instrument and instance first.

    `fields` are field names, all if empty; `records` limits to some ids, of which none gives no rows;
    `changed_since` is a wall-clock time of the server.
    """
    frame = read_records(live, fields=fields, records=records, changed_since=changed_since)
    run_logger().info("exported %d rows, %d columns", len(frame), frame.shape[1])
    crash_point("exported")
    return frame


@effect("list records")
def list_records(live: LiveProject) -> frozenset[str]:
    """The ids of all records that the token can see."""
    record_field = live.dictionary.record_field
    frame = live.redcap.records(fields=[record_field])
    return frozenset(frame[record_field]) if len(frame) else frozenset()


def read_records(
    live: LiveProject,
    *,
    fields: Collection[str] = (),
    records: Collection[str] | None = None,
    changed_since: datetime | None = None,
) -> pd.DataFrame:
    """Do what `export_records` does, as a plain call within another task."""
    record_field = live.dictionary.record_field
    wanted = [record_field, *(name for name in fields if name != record_field)] if fields else []
    none = pd.DataFrame({record_field: pd.Series(dtype="str")})
    if records is not None and not records:
        return keyed(none, record_field=record_field)
    frame = live.redcap.records(fields=wanted, records=sorted(records or ()), changed_since=changed_since)
    frame = frame if len(frame) else none
    return key_contract(record_field).validate(keyed(frame, record_field=record_field))
