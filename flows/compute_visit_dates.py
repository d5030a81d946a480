"""Compute visit dates: windows, and which visits are due, overdue, missed or complete."""

from __future__ import annotations

from capstan.needs import visit_fields, visit_targets
from checks.case import Present
from flows.job import Summary, chosen_limits, job
from flows.parameters import (
    Day,
    DryRun,
    EventName,
    MaxRecords,
    MaxShare,
    Participant,
    StudyName,
    Triggered,
)
from flows.scope import choose_scope, export_scope
from tasks.pages.visits import show_visits
from tasks.rules import apply_visit_rules
from tasks.shield import study_flow


@study_flow("compute-visit-dates")
def compute_visit_dates(
    study: StudyName,
    participant: Participant = "",
    event: EventName = "",
    today: Day = None,
    dry_run: DryRun = False,
    max_records: MaxRecords = None,
    max_share: MaxShare = None,
    triggered: Triggered = False,
) -> Summary:
    """Compute every participant's visits and write what changed; a second run writes nothing.

    Args:
        study: The name of the study.
        participant: The reference of one participant; all if blank. Never a record id, which would be kept.
        event: The unique name of one event, on which alone something is written; all if blank.
        today: The day to compute for, instead of today in the study's time zone.
        dry_run: Judge and report, write nothing.
        max_records: Records that this run may change, instead of the study's limit.
        max_share: Share of all records, from 0 to 1, that this run may change.
        triggered: Take only the participants for whom a trigger asked for this since its last run.
    """
    with job(study, flow="compute_visit_dates", dry_run=dry_run, today=today) as current:
        live = current.live
        limits = chosen_limits(live.study.writes.limits, max_records=max_records, max_share=max_share)
        fields = visit_fields(live.study, dictionary=live.dictionary)
        scope = choose_scope(current, participant=participant, event=event, triggered=triggered)
        export, records = export_scope(current, scope, fields=fields)
        wanted = apply_visit_rules(live, export=export, now=current.now)
        current.details |= wanted.counts
        if scope.records is None and not dry_run and today is None:
            show_visits(live, wanted.visits, now=current.now)
        derived = visit_targets(live.study)
        return current.apply(
            scope.of(wanted.frame), present=Present(export, records), limits=limits, derived=derived
        )
