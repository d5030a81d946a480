"""The horizon: since when changes are looked at, and how far the last reconciliation came."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from capstan.store import read_watermark, write_watermark
from capstan.store.coverage import list_intervals
from tasks.connections import LiveProject
from tasks.seen_places import project_of

_NAME = "reconcile_triggers"
# As for polls: clocks differ, and at the end of summer time the server's goes through one hour twice.
_OVERLAP = timedelta(minutes=65)
_FIRST = timedelta(days=7)


class Horizon(NamedTuple):
    """`since` is when looking begins, `began` when the interval does that the run counts."""

    since: datetime
    began: datetime


def read_horizon(live: LiveProject, *, since: datetime | None, now: datetime) -> Horizon:
    """Begin before the end of the last reconciliation, a week ago at the first one, or earlier if asked.

    The last interval is looked at once more, because triggers may come late.
    """
    last = read_watermark(live.store, live.study.study, name=live.watermark(_NAME))
    if since and since.tzinfo is None:
        since = since.replace(tzinfo=live.study.zone)
    if last is None:
        began = min(since or now, now - _FIRST)
        return Horizon(began, began)
    began = datetime.fromisoformat(last)
    kept = list_intervals(live.store, live.study.study, project=project_of(live).name, limit=1)
    former = [interval.began_at for interval in kept]
    return Horizon(min(began - _OVERLAP, *former, *([since] if since else [])), began)


def remember_horizon(live: LiveProject, *, now: datetime) -> None:
    """Let the next reconciliation begin where this one did."""
    name, value = live.watermark(_NAME), now.isoformat()
    write_watermark(live.store, live.study.study, name=name, value=value, now=now)
