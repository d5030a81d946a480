"""Complete forms: mark a form as complete wherever it has data."""

from __future__ import annotations

from checks.case import Present
from flows.job import MaxRecords, MaxShare, Summary, chosen_limits, job
from tasks.completing import completed_forms
from tasks.judging import refuse_empty
from tasks.redcap import export_records, list_records
from tasks.shield import study_flow


@study_flow("complete-forms")
def complete_forms(
    study: str,
    form: str,
    event: str = "",
    when: str = "",
    dry_run: bool = False,
    max_records: MaxRecords = None,
    max_share: MaxShare = None,
) -> Summary:
    """Mark a form as complete on every row that has data of it and is not complete yet.

    Args:
        study: The name of the study.
        form: The name of the instrument.
        event: The unique name of an event; every event of the form if blank.
        when: Logic that must hold on the row, such as [rand_date] <> ''.
        dry_run: Judge and report, write nothing.
        max_records: Records that this run may change, instead of the study's limit.
        max_share: Share of all records, from 0 to 1, that this run may change.
    """
    with job(study, flow="complete_forms", dry_run=dry_run) as current:
        live = current.live
        records = list_records(live)
        refuse_empty(live, records=records, now=current.now, may_be_new=False)
        export = export_records(live)
        wanted = completed_forms(live, export=export, form=form, event=event, when=when, now=current.now)
        return current.apply(
            wanted,
            present=Present(export, records),
            limits=chosen_limits(live.study.writes.limits, max_records=max_records, max_share=max_share),
            derived=[f"{form}_complete"],
        )
