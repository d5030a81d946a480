"""The message job: what flows of messages have in common, from the plan to what REDCap holds of it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

import pandas as pd

from capstan.errors import UsageError
from capstan.needs import log_targets
from capstan.store.states import RunState
from capstan.study import Limits
from flows.job import Job, Summary, job, utc_now
from flows.scope import Scope, choose_scope, export_scope
from tasks.connections import LiveProject
from tasks.messages.lines import check_channels, count_stops, reconcile_unknown, send_queued
from tasks.messages.planning import (
    choose_messages,
    count_plan,
    fields_of_messages,
    plan_contacts,
    withdraw_waiting,
)
from tasks.messages.queueing import queue_plan
from tasks.messages.writing_back import note_arrivals, plan_news


def contact(
    study: str,
    *,
    flow: str,
    dry_run: bool,
    today: date | None,
    participant: str = "",
    names: Collection[str] = (),
    surveys_only: bool = False,
    max_messages: int | None = None,
) -> Summary:
    """Plan messages, queue and send them, and write down what became of them; a dry run only plans."""
    if today and not dry_run:
        raise UsageError("Messages are sent today: another day can be planned in a dry run only.")
    with job(study, flow=flow, dry_run=dry_run, today=today) as current:
        chosen = choose_messages(current.live, names=names, surveys_only=surveys_only, most=max_messages)
        scope = choose_scope(current, participant=participant)
        if dry_run:
            _plan(current, chosen, scope=scope)
            return current.finish(state=RunState.IDLE, counts={}, outcome="dry run")
        check_channels(chosen)
        _queue(current, chosen, scope=scope)
        current.details["attempts"] = send_queued(chosen, current.run, records=scope.records)
        current.details["settled"] = reconcile_unknown(current.live)
        current.details["stopped"] = count_stops(current.live)
        return write_down(current, records=scope.records)


def write_down(current: Job, *, records: Collection[str] | None = None) -> Summary:
    """Write what became of attempts into REDCap, through the gate, and end the run.

    With `records` it is only what became of those at these records.
    What does not arrive there stays in the outbox as not written down, and the next run tries again.
    """
    current.is_partial = bool(current.details.get("stopped"))
    return _write_news(current, records=records)


def _write_news(current: Job, *, records: Collection[str] | None) -> Summary:
    live, is_dry = current.live, current.run.dry_run
    news = plan_news(live, dry_run=is_dry, asked=records)
    if news is None or (news.wanted.empty and news.refused.empty):
        if news and not is_dry:
            note_arrivals(live, news=news)
        state = RunState.DONE if _has_done_something(current) else RunState.IDLE
        outcome = "dry run" if is_dry else state.value
        return current.finish(state=state, counts={"cells_written": 0}, outcome=outcome)
    summary = current.apply(
        news.wanted,
        present=news.present,
        limits=limits_of_facts(live, records=news.wanted.iloc[:, 0].nunique()),
        derived=log_targets(live.study),
        heard=news.refused,
    )
    if not is_dry:
        note_arrivals(live, news=news)
    return summary


def _has_done_something(current: Job) -> bool:
    counted = (current.details.get(name, {}) for name in ("attempts", "settled", "deliveries", "redacted"))
    return any(any(counts.values()) for counts in counted)


def _queue(current: Job, chosen: LiveProject, *, scope: Scope) -> None:
    planned = _plan(current, chosen, scope=scope)
    unasked = [each for each in current.live.study.messages if each not in chosen.study.messages]
    # A letter may stand in for a text that this run does not look at.
    others = {name for message in unasked for name in (message.id, message.fallback)}
    withdrawn = withdraw_waiting(chosen, planned=planned, others=others, records=scope.records, now=utc_now())
    queued = queue_plan(chosen, current.run, planned=planned, now=utc_now())
    current.details["messages"] = {**queued._asdict(), "withdrawn": withdrawn}


def _plan(current: Job, chosen: LiveProject, *, scope: Scope) -> pd.DataFrame:
    export, _ = export_scope(current, scope, fields=fields_of_messages(chosen))
    fetches_links = not current.run.dry_run
    planned = plan_contacts(chosen, export=export, now=current.now, fetches_links=fetches_links)
    current.details |= count_plan(planned)
    return planned


def limits_of_facts(live: LiveProject, *, records: int) -> Limits:
    """The study's limits, but for how many records change: messages and queries have limits of their own.

    What was sent or found is a fact. A run that held it back would only lose it.
    """
    limits = live.study.writes.limits
    most = {"records": max(limits.records, records), "share": 1, "field_share": 1}
    return limits.model_copy(update=most)
