"""Compute visit dates: windows, and which visits are due, overdue, missed or complete."""

from __future__ import annotations

from datetime import date

from capstan.needs import visit_fields, visit_targets
from checks.case import Present
from flows.asked_export import export_asked
from flows.job import MaxRecords, MaxShare, Summary, chosen_limits, job
from tasks.rules import apply_visit_rules
from tasks.shield import study_flow


@study_flow("compute-visit-dates")
def compute_visit_dates(
    study: str,
    dry_run: bool = False,
    today: date | None = None,
    max_records: MaxRecords = None,
    max_share: MaxShare = None,
    triggered: bool = False,
) -> Summary:
    """Compute every participant's visits and write what changed; a second run writes nothing.

    Args:
        study: The name of the study.
        dry_run: Judge and report, write nothing.
        today: The day to compute for, instead of today in the study's time zone.
        max_records: Records that this run may change, instead of the study's limit.
        max_share: Share of all records, from 0 to 1, that this run may change.
        triggered: Take only the participants for whom a trigger asked for this since its last run.
    """
    with job(study, flow="compute_visit_dates", dry_run=dry_run, today=today) as current:
        live = current.live
        limits = chosen_limits(live.study.writes.limits, max_records=max_records, max_share=max_share)
        fields = visit_fields(live.study, dictionary=live.dictionary)
        export, records = export_asked(current, fields=fields, triggered=triggered)
        wanted = apply_visit_rules(live, export=export, now=current.now)
        current.details |= wanted.counts
        derived = visit_targets(live.study)
        return current.apply(wanted.frame, present=Present(export, records), limits=limits, derived=derived)
