"""Writing back: what REDCap should hold of messages, and what of it has arrived there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pandas as pd

from capstan.arms import events_of_records, participant_arms
from capstan.contact_marks import mark_of, wanted_marks
from capstan.message_log import NO_EVENT, TAKEN, Entry, LogPlan, Trace, plan_log
from capstan.needs import log_fields
from capstan.plan import KEYS, compare, overlay
from capstan.store import Try, choose_instances, due_for_writing, read_message, written_back
from capstan.verdict import NO_VERDICTS, Severity, collected, verdicts
from checks.gate import Present
from tasks.connections import LiveProject
from tasks.messages.marking import marks_of
from tasks.messages.queueing import room_of
from tasks.redcap import export_records, list_records
from tasks.shield import effect, run_logger


@dataclass(frozen=True, eq=False, repr=False)
class News:
    """What is to be written down: the attempts, the rows that REDCap should hold, and what it holds.

    `refused` are verdicts on places that cannot be written.
    """

    tries: tuple[Try, ...]
    log: LogPlan
    wanted: pd.DataFrame
    present: Present
    refused: pd.DataFrame = field(default_factory=lambda: NO_VERDICTS)


@effect("plan the log")
def plan_news(live: LiveProject, *, dry_run: bool) -> News:
    """Say what REDCap should hold of the attempts that it does not know of yet.

    The instance of the log that each of them gets is kept before anything is written, so that no attempt
    ever gets a second one.
    """
    tries, records = due_for_writing(live.store, room_of(live.study)), list_records(live)
    known = tuple(one for one in tries if one.message.content and one.message.content.record in records)
    frame = _export(live, {_record(one) for one in known})
    events = _events(live, frame, records={_record(one) for one in known})
    log = plan_log(
        live.study, [_entry(live, one) for one in known], present=frame, layout=live.layout, events=events
    )
    if not dry_run:
        instances = {attempt: place.instance for attempt, place in log.places.items() if place.instance}
        choose_instances(live.store, instances)
    marks = wanted_marks(live.study, marks_of(known), layout=live.layout, events=events)
    name = live.dictionary.record_field
    wanted = overlay([log.wanted(record_field=name), marks], record_field=name)
    run_logger().info("%d attempts have news for REDCap, in %d rows", len(tries), len(wanted))
    return News(tries, log, wanted[_columns(live, wanted)], Present(frame, records), _refusals(log))


@effect("note what arrived")
def note_arrivals(live: LiveProject, *, news: News) -> int:
    """Ask REDCap what it holds of the news now, and keep it; returns how many attempts it does not hold.

    An attempt of which nothing is to be written counts as held.
    """
    name = live.dictionary.record_field
    present = _export(live, set(news.wanted[name]))
    missing = compare(news.wanted, present=present, record_field=name)
    places = {tuple(place) for place in missing[list(KEYS)].to_numpy(dtype=object).tolist()}
    unmarked = {place[0] for place in places if place not in news.log.rows}
    left = 0
    for one in news.tries:
        place = news.log.places.get(one.attempt.id)
        is_refused = _has_log(live, one) and place is None and one.message.content is not None
        if place in places or (marks_of([one]) and _record(one) in unmarked) or is_refused:
            left += 1
            continue
        written_back(
            live.store, one.attempt.id, status=one.attempt.status, to=place.instance if place else ""
        )
    return left
