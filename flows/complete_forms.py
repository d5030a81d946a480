"""Complete forms: mark a form as complete wherever it has data."""

from __future__ import annotations

from checks.case import Present
from flows.job import Summary, chosen_limits, job
from flows.parameters import (
    Condition,
    DryRun,
    EventName,
    FormName,
    MaxRecords,
    MaxShare,
    Participant,
    StudyName,
)
from flows.scope import choose_scope, export_scope
from tasks.completing import completed_forms
from tasks.shield import study_flow


@study_flow("complete-forms")
def complete_forms(
    study: StudyName,
    form: FormName,
    participant: Participant = "",
    event: EventName = "",
    when: Condition = "",
    dry_run: DryRun = False,
    max_records: MaxRecords = None,
    max_share: MaxShare = None,
) -> Summary:
    """Mark a form as complete on every row that has data of it and is not complete yet.

    Args:
        study: The name of the study.
        form: The name of the instrument.
        participant: The reference of one participant; all if blank. Never a record id, which would be kept.
        event: The unique name of an event; every event of the form if blank.
        when: Logic that must hold on the row, such as [rand_date] <> ''.
        dry_run: Judge and report, write nothing.
        max_records: Records that this run may change, instead of the study's limit.
        max_share: Share of all records, from 0 to 1, that this run may change.
    """
    with job(study, flow="complete_forms", dry_run=dry_run) as current:
        live = current.live
        scope = choose_scope(current, participant=participant, event=event)
        export, records = export_scope(current, scope)
        wanted = completed_forms(live, export=export, form=form, event=event, when=when, now=current.now)
        return current.apply(
            wanted,
            present=Present(export, records),
            limits=chosen_limits(live.study.writes.limits, max_records=max_records, max_share=max_share),
            derived=[f"{form}_complete"],
        )
