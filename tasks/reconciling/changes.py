"""Changes: what happened in REDCap since a time, by its log or, where that is closed, by times of change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

import pandas as pd

from capstan.errors import RedcapError, RedcapUnavailable, RightMissing
from capstan.redcap import Redcap
from capstan.triggers.log import MINUTE, LogRow, read_log
from tasks.connections import LiveProject
from tasks.redcap import read_records
from tasks.shield import effect, run_logger

# A log is large, and some servers fail over a long one.
_WINDOW = timedelta(days=1)
_SHORTEST = timedelta(hours=1)


class Source(StrEnum):
    """By what the changes were found; times of change tell neither who saved nor what was deleted."""

    LOG = "log"
    TIMES = "date range"


@dataclass(frozen=True)
class Changes:
    """What happened to records since a time; `rows` are the log's, oldest first, none where it is closed."""

    source: Source
    rows: tuple[LogRow, ...] = field(repr=False)
    records: frozenset[str] = field(repr=False)


@effect("find changes")
def find_changes(live: LiveProject, *, since: datetime) -> Changes:
    """Find what happened since a time; a token without the right Logging sees only which records changed."""
    begin = since.astimezone(live.study.redcap_zone).replace(tzinfo=None)
    try:
        changes = _from_log(live, begin)
    except RightMissing:
        changes = _from_times(live, begin)
    run_logger().info("%d records changed, by %s", len(changes.records), changes.source.value)
    return changes


def read_history(live: LiveProject, *, record: str) -> list[LogRow]:
    """Read all that the log says of a record."""
    frame = live.redcap.log(log_type="record", record=record)
    return list(_read(live, frame))


def _from_log(live: LiveProject, begin: datetime) -> Changes:
    end = datetime.now(live.study.redcap_zone).replace(tzinfo=None)
    # The log comes newest first.
    frames = list(_frames(live.redcap, begin, end=end))[::-1]
    rows = list(_read(live, pd.concat(frames, ignore_index=True)))[::-1]
    return Changes(Source.LOG, tuple(rows), frozenset(row.record for row in rows))


def _frames(redcap: Redcap, begin: datetime, *, end: datetime) -> Iterator[pd.DataFrame]:
    """Read the log in windows, oldest first; the last one has no end, because clocks differ."""
    while begin + _WINDOW < end:
        yield from _window(redcap, begin, end=begin + _WINDOW, is_open=False)
        begin += _WINDOW
    yield from _window(redcap, begin, end=end, is_open=True)


def _window(redcap: Redcap, begin: datetime, *, end: datetime, is_open: bool) -> Iterator[pd.DataFrame]:
    """Read one window, in halves where the server fails over it; its last minute belongs to the next."""
    try:
        yield redcap.log(begin, None if is_open else end - MINUTE, log_type="record")
    except RedcapError as error:
        if end - begin <= _SHORTEST or not _may_be_too_long(error):
            raise
    else:
        return
    middle = (begin + (end - begin) / 2).replace(second=0, microsecond=0)
    yield from _window(redcap, begin, end=middle, is_open=False)
    yield from _window(redcap, middle, end=end, is_open=is_open)


def _may_be_too_long(error: RedcapError) -> bool:
    return isinstance(error, RedcapUnavailable) or type(error) is RedcapError


def _from_times(live: LiveProject, begin: datetime) -> Changes:
    record_field = live.dictionary.record_field
    frame = read_records(live, fields=[record_field], changed_since=begin)
    return Changes(Source.TIMES, (), frozenset(frame[record_field]))


def _read(live: LiveProject, frame: pd.DataFrame) -> Iterator[LogRow]:
    rows = ({str(name): str(text) for name, text in row.items()} for row in frame.to_dict("records"))
    return read_log(rows, record_field=live.dictionary.record_field, zone=live.study.redcap_zone)
