"""REDCap: the tasks that read records from a live project and write cells to it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import pandas as pd

from capstan.errors import UnknownName
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
    return read_ids(live)


def read_ids(live: LiveProject, *, changed_since: datetime | None = None) -> frozenset[str]:
    """The ids of records; they are asked for without reading what people can redesign, if that can be."""
    try:
        return _ids(live, changed_since)
    except UnknownName:
        if live.is_read:
            raise
        # The record id field is not called what it was at the last run.
        live.look()
        return _ids(live, changed_since)


def _ids(live: LiveProject, changed_since: datetime | None) -> frozenset[str]:
    record_field = live.record_field
    frame = live.redcap.records(fields=[record_field], changed_since=changed_since)
    return frozenset(frame[record_field]) if len(frame) else frozenset()


def read_records(
    live: LiveProject,
    *,
    fields: Collection[str] = (),
    records: Collection[str] | None = None,
    changed_since: datetime | None = None,
    blank_for_gray: bool = False,
    access_groups: bool = False,
) -> pd.DataFrame:
    """Do what `export_records` does, as a plain call within another task.

    With `blank_for_gray` the status of a form that nobody saved is blank instead of 0; with
    `access_groups` a project that has any gives the column `redcap_data_access_group` too.
    """
    record_field = live.dictionary.record_field
    wanted = [record_field, *(name for name in fields if name != record_field)] if fields else []
    if records is not None and not records:
        return _no_rows(live, fields=wanted)
    frame = live.redcap.records(
        fields=wanted,
        records=sorted(records or ()),
        changed_since=changed_since,
        blank_for_gray=blank_for_gray,
        access_groups=access_groups,
    )
    # An export without rows comes without columns too.
    frame = frame if len(frame) else _no_rows(live, fields=wanted)
    return key_contract(record_field).validate(keyed(frame, record_field=record_field))


def _no_rows(live: LiveProject, *, fields: Collection[str]) -> pd.DataFrame:
    """A keyed frame without rows, with the columns that an export of `fields` (all if empty) would have."""
    chosen = [item for item in live.dictionary.fields if not fields or item.name in fields]
    columns = [column for item in chosen for column in item.columns]
    frame = pd.DataFrame({column: pd.Series(dtype="str") for column in columns})
    return keyed(frame, record_field=live.dictionary.record_field)
