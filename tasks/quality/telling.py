"""Telling: what became of expectations is kept, and staff hear of what begins to fail, and of its end."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime

from capstan.errors import CapstanError
from capstan.notice import Cause, Happening
from capstan.quality.expected import Expected
from capstan.store.quality_history import Judged, Result, keep_outcomes
from tasks.connections import LiveProject, folder_of
from tasks.crash import crash_point
from tasks.messages.notices import tell_staff, wanted_news
from tasks.messages.queueing import room_of
from tasks.seen_places import project_of
from tasks.shield import effect, run_logger

_CRITICAL = "critical"
Judgement = tuple[Expected, Result, float | None]


@effect("keep outcomes")
def keep_judged(live: LiveProject, judgements: Iterable[Judgement], *, now: datetime) -> tuple[str, ...]:
    """Keep what became of each expectation today; returns the ids of those that staff are to hear of."""
    listed = list(judgements)
    told = keep_outcomes(
        live.store,
        room_of(live.study),
        project_of(live),
        judged=[_judged(*each) for each in listed],
        news={one.id: said for one, result, _ in listed for said in _news(live, one, result, now=now)},
        day=now.astimezone(live.study.zone).date(),
        now=now,
    )
    run_logger().info("%d expectations were kept, %d are news", len(listed), len(told))
    crash_point("judged")
    return told


@effect("tell staff")
def tell_of_quality(live: LiveProject, *, now: datetime) -> None:
    """Send the notices that are due; what cannot be sent changes nothing of what was found."""
    with suppress(CapstanError):
        tell_staff(live.store, live.study, folder=folder_of(live.study), now=now)


def _judged(one: Expected, result: Result, observed: float | None) -> Judged:
    about = (one.form, one.field, one.event, one.site)
    return Judged(one.id, one.kind, one.severity, about, result, observed)


def _news(live: LiveProject, one: Expected, result: Result, *, now: datetime) -> list[Happening]:
    """What staff would be told of an expectation, should it have been otherwise before."""
    if one.severity != _CRITICAL:
        return []
    ends = "is not met" if result is Result.FAILED else "is met again"
    look = f"`capstan quality show --study {live.study.study}`"
    text = f"Expectation {one.id} {ends}: {one.sentence} {look}"
    return wanted_news(live.study, [Happening(Cause.QUALITY, text, now, site=one.site)])
