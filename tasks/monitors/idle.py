"""What should come again and again: new input, and runs of a flow. Since when it has not come?"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import NamedTuple

from capstan.needs import (
    eligibility_targets,
    inbound_targets,
    log_targets,
    query_targets,
    visit_targets,
)
from capstan.store import NOWHERE, Opening, read_watermark, write_watermark
from capstan.store.monitor_messages import last_good_run
from capstan.study.monitors import Monitor
from tasks.monitors.watch import Watch
from tasks.ran import last_end
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
        return _last_run(watch, monitor.job.flow) or _remembered(watch, monitor, name="never")
    return _remembered(watch, monitor, name=_content_mark(watch, monitor))


def _last_run(watch: Watch, flow: str) -> LastTime | None:
    run = last_good_run(watch.store, watch.room, flow=flow)
    if run:
        return LastTime(run[1], run[0])
    at = last_end(watch.store, watch.study.study, flow=flow)
    return LastTime(at, at.isoformat()) if at else None


def _within(monitor: Monitor) -> timedelta:
    part = monitor.job or monitor.no_new
    return part.within if part else timedelta()


def _content_mark(watch: Watch, monitor: Monitor) -> str:
    """A fingerprint of what people entered into an instrument: it changes with every new or changed value."""
    live, status = watch.open_project, f"{monitor.no_new.instrument}_complete" if monitor.no_new else ""
    export = read_records(live, fields=sorted(_entered(watch, monitor)), blank_for_gray=True)
    saved = export[export[status] != ""]
    rows = sorted(map(tuple, saved.astype("str").to_numpy().tolist()))
    return watch.store.keys.fingerprint(json.dumps([list(saved.columns), rows]))


def _entered(watch: Watch, monitor: Monitor) -> set[str]:
    """The fields of an instrument that people fill in, and not REDCap or our runs; its status too."""
    study = watch.study
    kinds = (visit_targets, eligibility_targets, log_targets, inbound_targets, query_targets)
    written = frozenset[str]().union(*(targets(study) for targets in kinds))
    return {
        field.name
        for field in watch.open_project.dictionary.fields
        if monitor.no_new and field.form == monitor.no_new.instrument and field.columns
        if not field.is_computed and (field.name not in written or field.name.endswith("_complete"))
    }


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
