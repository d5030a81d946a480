"""Apply a plan that was held: exactly as a person approved it, or not at all."""

from __future__ import annotations

from flows.job import Summary, job
from flows.parameters import DryRun, PersonName, PlanDigest, Reason, StudyName
from tasks.applying import check_approval, check_plan, refuse_changed
from tasks.plans import approve_plan, read_plan
from tasks.present import read_present_of, table_of
from tasks.shield import study_flow


@study_flow("apply-plan")
def apply_plan(
    study: StudyName,
    plan: PlanDigest,
    dry_run: DryRun = False,
    approved_by: PersonName = "",
    reason: Reason = "",
) -> Summary:
    """Apply a held plan that a person approved, if everything that it rests on is still the same.

    Args:
        study: The name of the study.
        plan: The digest of the held plan, or its beginning.
        dry_run: Check whether it could be applied, approved or not; write nothing.
        approved_by: The name of a person who approves it with this run; blank where it is approved already.
        reason: Why it is right, without anything about a participant; needed with approved_by.
    """
    with job(study, flow="apply_plan", dry_run=dry_run) as current:
        live, started = current.live, current.started
        waiting = read_plan(live.store, plan, study=study)
        check_plan(live, waiting, now=started)
        if approved_by and not dry_run:
            approve_plan(live.store, waiting, by=approved_by, reason=reason, now=started)
        if not dry_run:
            approval = check_approval(live, waiting, now=started)
            current.note = f"applies the plan of run {waiting.run.id}, approved by {approval.by}"
        cells = waiting.plan.cells
        present = read_present_of(live, cells)
        refuse_changed(live, waiting, present=present.frame)
        return current.apply(
            table_of(live, cells, present=present),
            present=present,
            limits=waiting.limits,
            blanks_erase=True,
            derived=waiting.derived,
            waiting=waiting,
        )
