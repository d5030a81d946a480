"""Check eligibility: which participants meet the study's criteria, and why others do not."""

from __future__ import annotations

from capstan.errors import StudyError
from capstan.needs import eligibility_fields, eligibility_targets
from checks.case import Present
from flows.job import Summary, chosen_limits, job
from flows.parameters import (
    Day,
    DryRun,
    MaxRecords,
    MaxShare,
    Participant,
    StudyName,
    Triggered,
)
from flows.scope import choose_scope, export_scope
from tasks.rules import apply_eligibility_rules
from tasks.shield import study_flow


@study_flow("check-eligibility")
def check_eligibility(
    study: StudyName,
    participant: Participant = "",
    today: Day = None,
    dry_run: DryRun = False,
    max_records: MaxRecords = None,
    max_share: MaxShare = None,
    triggered: Triggered = False,
) -> Summary:
    """Judge every participant by the study's criteria and write what changed; a second run writes nothing.

    Args:
        study: The name of the study.
        participant: The reference of one participant; all if blank. Never a record id, which would be kept.
        today: The day to judge for, instead of today in the study's time zone.
        dry_run: Judge and report, write nothing.
        max_records: Records that this run may change, instead of the study's limit.
        max_share: Share of all records, from 0 to 1, that this run may change.
        triggered: Take only the participants for whom a trigger asked for this since its last run.
    """
    with job(study, flow="check_eligibility", dry_run=dry_run, today=today) as current:
        live = current.live
        if not live.study.eligibility.criteria:
            raise StudyError(f"Study {study} has no eligibility.criteria; add them to its study.yaml.")
        limits = chosen_limits(live.study.writes.limits, max_records=max_records, max_share=max_share)
        fields = eligibility_fields(live.study, dictionary=live.dictionary)
        scope = choose_scope(current, participant=participant, triggered=triggered)
        export, records = export_scope(current, scope, fields=fields)
        wanted = apply_eligibility_rules(live, export=export, now=current.now)
        current.details |= wanted.counts
        derived = eligibility_targets(live.study)
        return current.apply(wanted.frame, present=Present(export, records), limits=limits, derived=derived)
