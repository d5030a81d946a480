"""Coverage: how many triggers came for what people saved, by interval; staff are told when none comes."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from capstan.dictionary import Dictionary
from capstan.notice import Cause, Happening
from capstan.store import read_watermark
from capstan.store.coverage import (
    Interval,
    change_silence,
    keep_interval,
    last_arrival,
    read_arrivals,
)
from capstan.triggers.coverage import Save, count_fates, fates
from capstan.triggers.log import LogRow
from tasks.connections import LiveProject, folder_of
from tasks.messages.notices import tell_staff, wanted_news
from tasks.messages.queueing import room_of
from tasks.reconciling.changes import Changes, Source
from tasks.reconciling.horizon import NAME, Horizon, next_horizon
from tasks.seen_places import project_of
from tasks.shield import effect

SILENCE = "triggers"


class Counted(NamedTuple):
    """The interval that ends now, what came late for the last one, and whether triggers come or stay away."""

    interval: Interval
    late_before: int
    is_silent: bool
    has_arrivals: bool


@effect("count triggers")
def count_triggers(live: LiveProject, changes: Changes, *, horizon: Horizon, now: datetime) -> Counted:
    """Count what became of the triggers of saves since the last reconciliation."""
    interval = Interval(horizon.began, now, changes.source.value)
    arrivals = read_arrivals(live.store, live.study.study, since=horizon.since)
    has_arrivals = any(one.at >= horizon.began and not one.is_made for one in arrivals)
    if changes.source is Source.TIMES:
        return Counted(interval, 0, is_silent=False, has_arrivals=has_arrivals)
    rows = zip(changes.rows, horizon.new_rows(changes.rows), strict=True)
    saves = [save for row, is_new in rows if (save := _save(row, live.dictionary, is_new=is_new))]
    counts = count_fates(fates(saves, arrivals), since=horizon.began)
    interval = replace(
        interval,
        saves=counts.saves,
        received=counts.received,
        late=counts.late,
        missed=counts.missed,
        duplicate=counts.duplicate,
    )
    is_silent = counts.missed > 0 and not has_arrivals
    return Counted(interval, counts.late_before, is_silent=is_silent, has_arrivals=has_arrivals)


@effect("keep coverage")
def keep_coverage(
    live: LiveProject, counted: Counted, *, changes: Changes, made: int, deleted: int, renamed: int
) -> None:
    """Keep the interval that ends now, and from where the next one counts."""
    interval = replace(counted.interval, made=made, deleted=deleted, renamed=renamed)
    keep_interval(
        live.store,
        project_of(live),
        interval=interval,
        late_before=counted.late_before,
        name=live.watermark(NAME),
        horizon=next_horizon(changes.rows, now=interval.ended_at),
    )


@effect("tell of silence")
def tell_of_silence(live: LiveProject, counted: Counted, *, now: datetime) -> bool:
    """Tell staff once that no trigger comes any more, and once that they come again; returns which it is."""
    name = live.watermark(SILENCE)
    if not counted.is_silent and not counted.has_arrivals:
        return bool(read_watermark(live.store, live.study.study, name=name))
    text = _said(live) if counted.is_silent else "Data entry triggers of REDCap arrive again."
    room, store = room_of(live.study), live.store
    news = wanted_news(live.study, [Happening(Cause.FAILURE, text, now)])
    if change_silence(store, room, name=name, is_silent=counted.is_silent, happenings=news, now=now):
        tell_staff(store, live.study, folder=folder_of(live.study), now=now)
    return counted.is_silent


def _said(live: LiveProject) -> str:
    last = last_arrival(live.store, live.study.study)
    since = f"since {last.astimezone(live.study.zone):%Y-%m-%d %H:%M}" if last else "so far"
    return (
        f"REDCap has sent no data entry trigger {since}, although people saved forms. Compare the URL under "
        "Additional Customizations of its Project Setup with what "
        f"`capstan triggers address {live.study.study}` prints, and look whether the receiver runs. What was "
        "saved is worked all the same, only later."
    )


def _save(row: LogRow, dictionary: Dictionary, *, is_new: bool) -> Save | None:
    """The save of a form that a row of the log tells of; None where it tells of none, or not which form."""
    if not row.fires:
        return None
    known = [dictionary.by_name[name] for name in row.fields or () if name in dictionary.by_name]
    forms = Counter(item.form for item in known if item.name != dictionary.record_field)
    saved = {item.form for item in known if item.name == f"{item.form}_complete"}
    # Calculations may touch other forms, and the id is on the first one.
    form = saved.pop() if len(saved) == 1 else max(forms, key=lambda name: (forms[name], name), default="")
    return Save(row.record, form, row.begins, row.ends, is_new) if form else None
