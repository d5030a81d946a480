"""The horizon: since when changes are looked at, and how far the last reconciliation came."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from capstan.store import read_watermark, write_watermark
from tasks.connections import LiveProject

_NAME = "reconcile_triggers"
# As for polls: clocks differ, and at the end of summer time the server's goes through one hour twice.
_OVERLAP = timedelta(minutes=65)
_FIRST = timedelta(days=7)


class Horizon(NamedTuple):
    """`since` is when looking begins, `began` when the interval does that the run counts."""

    since: datetime
    began: datetime


def read_horizon(live: LiveProject, *, since: datetime | None, now: datetime) -> Horizon:
    """Begin before the end of the last reconciliation, a week ago at the first one, or earlier if asked."""
    last = read_watermark(live.store, live.study.study, name=live.watermark(_NAME))
    began = datetime.fromisoformat(last) if last else now - _FIRST
    if since and since.tzinfo is None:
        since = since.replace(tzinfo=live.study.zone)
    usual = began - _OVERLAP
    return Horizon(min(since, usual) if since else usual, began if last else min(since or began, began))


def remember_horizon(live: LiveProject, *, now: datetime) -> None:
    """Let the next reconciliation begin where this one did."""
    name, value = live.watermark(_NAME), now.isoformat()
    write_watermark(live.store, live.study.study, name=name, value=value, now=now)
