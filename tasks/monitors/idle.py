"""What should come again and again: new input, and runs of a flow. Since when it has not come?"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import NamedTuple

from capstan.store import NOWHERE, Opening, read_watermark, write_watermark
from capstan.store.monitor_messages import last_good_run
from capstan.study.monitors import Monitor
from tasks.monitors.watch import Watch
from tasks.redcap import read_records


class LastTime(NamedTuple):
    """When it came last, and what names that time."""

    at: datetime
    name: str


def is_idle(monitor: Monitor) -> bool:
    """Whether a monitor waits for something that should come again and again."""
    return monitor.then is None


def needs_project(monitor: Monitor) -> bool:
    """Whether REDCap must be asked to know what a monitor waits for."""
    starts_there = monitor.of is not None and not (monitor.of.message or monitor.of.session)
    return bool(starts_there or monitor.no_new or (monitor.then and monitor.then.form))


def late_opening(watch: Watch, monitor: Monitor) -> Opening | None:
    """The wait that is to be open while nothing has come for too long; None while all is well."""
    last = last_time(watch, monitor)
    now = watch.clock()
    if now - last.at <= _within(monitor):
        return None
    return Opening(monitor.id, now, place=NOWHERE, occasion=last.name)


def last_time(watch: Watch, monitor: Monitor) -> LastTime:
    """When it came last; the first look counts as such, so that a new study is not late at once."""
    if monitor.job:
        run = last_good_run(watch.store, watch.room, flow=monitor.job.flow)
        return LastTime(run[1], run[0]) if run else _remembered(watch, monitor, name="never")
    return _remembered(watch, monitor, name=_content_mark(watch, monitor))


def _within(monitor: Monitor) -> timedelta:
    part = monitor.job or monitor.no_new
    return part.within if part else timedelta()


def _content_mark(watch: Watch, monitor: Monitor) -> str:
    """A fingerprint of all that is in an instrument: it changes with every new or changed value."""
    live = watch.open_project
    form = monitor.no_new.instrument if monitor.no_new else ""
    fields = [field.name for field in live.dictionary.fields if field.form == form]
    export = read_records(live, fields=[*fields, f"{form}_complete"], blank_for_gray=True)
    rows = sorted(map(tuple, export.astype("str").to_numpy().tolist()))
    return watch.store.keys.fingerprint(json.dumps([list(export.columns), rows]))


def _remembered(watch: Watch, monitor: Monitor, *, name: str) -> LastTime:
    """Since when it is as it is: the watermark keeps what it was at the last look, and since when."""
    key = f"{watch.room.host}/{watch.room.project_id} monitor {monitor.id}"
    kept = json.loads(read_watermark(watch.store, watch.study.study, name=key) or "{}")
    if kept.get("name") == name:
        return LastTime(datetime.fromisoformat(kept["at"]), name)
    now = watch.clock()
    if not watch.dry_run:
        value = json.dumps({"name": name, "at": now.isoformat()})
        write_watermark(watch.store, watch.study.study, name=key, value=value, now=now)
    return LastTime(now, name)
