"""Writing back: what REDCap should hold of messages, and what of it has arrived there."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import pandas as pd

from capstan.arms import events_of_records, participant_arms
from capstan.contact.marks import MarkKind, mark_of, wanted_marks
from capstan.errors import StoreError
from capstan.log_entry import Entry, Trace
from capstan.message.log import NO_EVENT, TAKEN, LogPlan, Place, plan_log
from capstan.needs import log_fields
from capstan.plan import KEYS, compare, overlay
from capstan.store import Attempt, Try, choose_instances, due_for_writing, read_message, written_back
from capstan.study import Study
from capstan.study.parts import Mark
from capstan.verdict import Severity, collected, verdicts
from checks.case import Present
from tasks.connections import LiveProject
from tasks.crash import crash_point
from tasks.messages.marking import marks_of
from tasks.messages.queueing import room_of
from tasks.redcap import export_records, list_records
from tasks.shield import effect, run_logger


@dataclass(frozen=True, eq=False, repr=False)
class News:
    """What is to be written down: the attempts, the rows that REDCap should hold, and what it holds.

    `gone` are attempts whose record REDCap does not have any more: there is nowhere to write them.
    `refused` are verdicts on places that cannot be written.
    """

    tries: tuple[Try, ...]
    gone: tuple[Try, ...]
    log: LogPlan
    wanted: pd.DataFrame
    present: Present
    refused: pd.DataFrame


@effect("plan the log")
def plan_news(live: LiveProject, *, dry_run: bool, asked: Collection[str] | None = None) -> News | None:
    """Say what REDCap should hold of the attempts that it does not know of yet, or of those at some records.

    None where it knows of all, for which it is not asked.

    The instance of the log that each of them gets is kept before anything is written, so that no attempt
    ever gets a second one.
    """
    due = due_for_writing(live.store, room_of(live.study))
    due = tuple(one for one in due if asked is None or _record(one) in asked)
    if not due:
        return None
    records = list_records(live)
    tries = tuple(one for one in due if _record(one) in records)
    named = {_record(one) for one in tries}
    frame, study = _export(live, named), live.study
    events = _events(live, frame, records=named)
    entries = [_entry(live, one) for one in tries]
    log = plan_log(study, entries, present=frame, layout=live.layout, events=events)
    if not dry_run:
        instances = {attempt: place.instance for attempt, place in log.places.items() if place.instance}
        choose_instances(live.store, instances)
    marks = wanted_marks(study, marks_of(tries), layout=live.layout, events=events)
    name = live.dictionary.record_field
    wanted = overlay([log.wanted(record_field=name), marks], record_field=name)
    run_logger().info("%d attempts have news for REDCap, in %d rows", len(due), len(wanted))
    gone = tuple(one for one in due if _record(one) not in records)
    return News(tries, gone, log, wanted, Present(frame, records), _refusals(log))


@effect("note what arrived")
def note_arrivals(live: LiveProject, *, news: News) -> int:
    """Ask REDCap what it holds of the news now, and keep that; returns how many attempts it does not hold.

    An attempt of which nothing is to be written counts as held.
    """
    name = live.dictionary.record_field
    present = _export(live, set(news.wanted[name]))
    missing = compare(news.wanted, present=present, record_field=name)
    rows = {Place(*place) for place in missing[list(KEYS)].to_numpy(dtype=object).tolist()}
    unmarked = set(missing.loc[missing["field"].isin(_mark_fields(live.study)), "record"])
    left = 0
    for one in news.tries:
        place = news.log.places.get(one.attempt.id)
        is_unmarked = _record(one) in unmarked and bool(marks_of([one]))
        if is_unmarked or (place in rows if place else _has_log(live.study, one)):
            left += 1
        else:
            _note(live, one, to=place.instance if place else "")
    for one in news.gone:
        _note(live, one, to="")
    return left


def _note(live: LiveProject, one: Try, *, to: str) -> None:
    written_back(live.store, one.attempt.id, status=one.attempt.status, to=to)
    crash_point("written_down")


def _record(one: Try) -> str:
    return one.message.content.record if one.message.content else ""


def _entry(live: LiveProject, one: Try) -> Entry:
    attempt, message = one
    if message.content is None:
        raise StoreError(f"Message {message.id} has lost its content.")
    tried = read_message(live.store, message.id)[1] if message.attempts > 1 else (attempt,)
    return Entry(
        attempt=attempt.id,
        number=message.id,
        message=message.name,
        channel=message.channel,
        event=message.event,
        instance=message.instance,
        status=attempt.status,
        code=attempt.code,
        heard_at=attempt.changed_at,
        trace=_trace(attempt),
        traces=tuple(_trace(each) for each in tried),
        chosen=attempt.written_to,
        is_confirmed=attempt.written_status is not None,
        record=message.content.record,
        address=message.content.address,
        text=message.content.text,
    )


def _trace(attempt: Attempt) -> Trace:
    return Trace(attempt.sid or "", attempt.started_at)


def _export(live: LiveProject, records: Collection[str]) -> pd.DataFrame:
    fields = log_fields(live.study, dictionary=live.dictionary) or {live.dictionary.record_field}
    return export_records(live, fields=fields, records=records)


def _events(
    live: LiveProject, frame: pd.DataFrame, *, records: Collection[str]
) -> dict[tuple[str, str], str]:
    """The unique event by record and by each event name that a log or a mark has; "" where there is none."""
    study, known = live.study, live.layout.events
    assigned = participant_arms(
        frame, study.arms.assigned_by, record_field=live.layout.record_field, events=known
    )
    names = {message.log.event for message in study.messages if message.log}
    names |= {mark.event for mark in _marks(study)}
    found = {}
    for name in names:
        events = events_of_records(
            name, records=pd.Index(sorted(records)), assigned=assigned, arms=study.arms, events=known
        )
        found.update({(str(record), name): event for record, event in events.items()})
    return found


def _marks(study: Study) -> list[Mark]:
    return [mark for kind in MarkKind if (mark := mark_of(study, kind))]


def _mark_fields(study: Study) -> list[str]:
    return [mark.field for mark in _marks(study)]


def _has_log(study: Study, one: Try) -> bool:
    return any(message.log for message in study.messages if message.id == one.message.name)


def _refusals(log: LogPlan) -> pd.DataFrame:
    """Verdicts on what is not written: the outbox keeps it as not written down."""
    checks = {TAKEN: "overwrite_value", NO_EVENT: "event_blank"}
    return collected(
        verdicts(log.refusals(reason), check=check, severity=Severity.ERROR, reason=reason, field="")
        for reason, check in checks.items()
    )
