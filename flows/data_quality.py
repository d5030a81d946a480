"""Data quality: all that a project holds is judged, measured, compared with what is expected, and queried."""

from __future__ import annotations

from capstan.needs import query_fields, query_targets
from flows.job import Summary, job, telling_of_failure, utc_now
from flows.message_job import limits_of_facts
from flows.parameters import DryRun, EventNames, FormNames, StudyName
from tasks.pages.look_page import keep_look_page
from tasks.quality.looking import look_at_project
from tasks.quality.part import choose_part
from tasks.quality.query_sheet import plan_sheet
from tasks.quality.summing import FLOW, summary_of
from tasks.quality.telling import tell_of_quality
from tasks.redcap import export_records
from tasks.report import publish_report
from tasks.shield import study_flow
from tasks.step_times import timing_steps
from tasks.visiting import visiting


@study_flow("data-quality")
def data_quality(
    study: StudyName,
    events: EventNames = [],  # noqa: B006 - Prefect reads the default, nothing changes it
    forms: FormNames = [],  # noqa: B006
    dry_run: DryRun = False,
) -> Summary:
    """Judge all that a project holds, compare it with the nights before, and open and close queries.

    Args:
        study: The name of the study.
        events: Only findings on these events; nothing is measured then. All if empty.
        forms: Only findings on these forms; nothing is measured then. All if empty.
        dry_run: Say what would be found and opened; keep, write and tell nothing.
    """
    with timing_steps(), telling_of_failure(study, flow=FLOW, dry_run=dry_run):
        with visiting(study, flow=FLOW, dry_run=True) as live:
            part = choose_part(live, events=events, forms=forms)
            look = look_at_project(live, part, now=utc_now(), dry_run=dry_run)
            summary = summary_of(live, look, dry_run=dry_run)
            if not dry_run:
                tell_of_quality(live, now=utc_now())
                keep_look_page(live, summary, verdicts=look.verdicts, now=utc_now())
        if look.compared.error:
            # Everything that could be judged is kept and told by now.
            raise look.compared.error
    if look.has_news:
        return _write_down(study, summary)
    publish_report(summary)
    return summary


def _write_down(study: str, summary: Summary) -> Summary:
    """Write the queries into their instrument, as a run of the journal."""
    with job(study, flow=FLOW, dry_run=False) as current:
        current.details |= {name: summary[name] for name in summary if name not in ("outcome", "dry_run")}
        current.is_partial = summary["outcome"] == "partly"
        fields = query_fields(current.live.study, dictionary=current.live.dictionary)
        sheet = plan_sheet(current.live, export=export_records(current.live, fields=fields))
        limits = limits_of_facts(current.live, records=sheet.wanted.iloc[:, 0].nunique())
        targets = query_targets(current.live.study)
        return current.apply(sheet.wanted, present=sheet.present, limits=limits, derived=targets)
