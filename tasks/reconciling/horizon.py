"""The horizon: since when changes are looked at, and how far the last reconciliation came."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from capstan.store import read_watermark
from capstan.triggers.log import MINUTE, LogRow
from tasks.connections import LiveProject
from tasks.day import acted_day

NAME = "reconcile_triggers"
# As for polls: clocks differ, and at the end of summer time the server's goes through one hour twice. A
# trigger that comes late, and a log that is read anew, reach back as far.
_OVERLAP = timedelta(minutes=65)
_FIRST = timedelta(days=7)
_CLOCKS = 2 * MINUTE


@dataclass(frozen=True)
class Horizon:
    """`since` is when looking begins, `began` when the interval does that the run counts.

    The log has no seconds and no numbers, so that it is known what is new in it by a count: of the rows from
    `cut` on, the first `rows` were there before.
    """

    since: datetime
    began: datetime
    cut: datetime
    rows: int = 0

    def new_rows(self, rows: Sequence[LogRow]) -> list[bool]:
        """Whether each row is new; they are given oldest first."""
        old = sum(row.begins < self.cut for row in rows) + self.rows
        return [place >= old for place in range(len(rows))]


def acted_now(live: LiveProject, now: datetime) -> datetime:
    """Now, or noon of the day on which a rehearsal acts, when its copy's clock stands still."""
    day = acted_day()
    return datetime.combine(day, time(12), live.study.zone).astimezone(UTC) if day else now


def read_horizon(live: LiveProject, *, since: datetime | None, now: datetime) -> Horizon:
    """Begin before the end of the last reconciliation, a week ago at the first one, or earlier if asked."""
    if since and since.tzinfo is None:
        since = since.replace(tzinfo=live.study.zone)
    last = read_watermark(live.store, live.study.study, name=live.watermark(NAME))
    if last is None:
        began = min(since or now, now - _FIRST)
        return Horizon(began, began, cut=began)
    kept = json.loads(last)
    began, cut = (datetime.fromisoformat(kept[name]) for name in ("began", "cut"))
    usual = began - _OVERLAP
    return Horizon(min(since or usual, usual), began, cut=cut, rows=kept["rows"])


def next_horizon(rows: Sequence[LogRow], *, now: datetime) -> str:
    """What the next reconciliation is to know, as the text of a watermark."""
    cut = now.replace(second=0, microsecond=0) - _CLOCKS
    count = sum(row.begins >= cut for row in rows)
    return json.dumps({"began": now.isoformat(), "cut": cut.isoformat(), "rows": count})
