"""Applying a held plan: only as it was approved, and only while everything that it rests on is the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

import pandas as pd

from capstan import store as journal
from capstan.errors import Refused
from capstan.plan import held, same
from capstan.store import Approval, Run
from capstan.verdict import Severity, of_severity
from checks.judgement import Judgement
from tasks.connections import LiveProject
from tasks.crash import crash_point
from tasks.plans import HeldPlan, basis_of, check_age
from tasks.shield import effect, run_logger

_PARTS = MappingProxyType(
    {
        "dictionary": "the data dictionary",
        "events": "the events, their forms, or what repeats",
        "study": "what the study allows (arms, writes, checks)",
    }
)


def check_plan(live: LiveProject, waiting: HeldPlan, *, now: datetime) -> None:
    """Refuse a plan that is too old, of another project, or judged by rules that have changed since."""
    run = waiting.run
    if (run.host, run.project_id) != live.project:
        raise Refused(f"The plan of run {run.id} was made for another project. Run {run.flow} again.")
    check_age(run, now=now)
    ruling = basis_of(live, limits=waiting.limits, derived=waiting.derived)
    changed = [said for name, said in _PARTS.items() if waiting.basis.get(name) != ruling[name]]
    if changed:
        raise Refused(f"Since the plan of run {run.id} was made, {changed[0]} changed. Run {run.flow} again.")


def check_approval(live: LiveProject, waiting: HeldPlan, *, now: datetime) -> Approval:
    """The valid yes to a plan; Refused where there is none, or where it is too old."""
    found = journal.find_approval(live.store, waiting.run)
    name = str(waiting.run.plan_digest)[:12]
    if found is None:
        raise Refused(f"Nobody has approved the plan {name}; `capstan plan approve {name}` does.")
    if found.expires_at < now:
        when = f"{found.expires_at:%Y-%m-%d %H:%M} UTC"
        raise Refused(f"The approval of the plan {name} expired at {when}; approve it again.")
    return found


def refuse_changed(live: LiveProject, waiting: HeldPlan, *, present: pd.DataFrame) -> None:
    """Refuse a plan as a whole when a single one of its cells is not what the plan saw."""
    cells = waiting.plan.cells
    now_held = held(cells, present=present, record_field=live.dictionary.record_field)["value"]
    unmoved = same(now_held, cells["before"], fields=cells["field"], zeros=live.dictionary.zero_columns)
    if not unmoved.all():
        raise Refused(
            f"{int((~unmoved).sum())} of {len(cells)} cells changed in REDCap since the plan of run "
            f"{waiting.run.id} was made; nothing was written. Run {waiting.run.flow} again."
        )


def released(judgement: Judgement, *, waiting: HeldPlan) -> Judgement:
    """The judgement without what held it, because a person approved exactly this plan.

    Raises Refused where the gate would write anything else now, or has another reason to stop it.
    """
    holds = of_severity(judgement.verdicts, Severity.HOLD)
    stopped = of_severity(judgement.verdicts, Severity.FATAL, Severity.ERROR)
    other = set(holds["check"]) - waiting.checks
    if len(stopped) or other or judgement.plan.digest != waiting.plan.digest:
        found = sorted({*stopped["check"], *other})
        why = f"it now stops: {', '.join(found)}" if found else "it would write something else now"
        raise Refused(
            f"The gate does not accept the plan of run {waiting.run.id} as it was approved ({why}); "
            f"nothing was written. Run {waiting.run.flow} again."
        )
    return replace(judgement, verdicts=judgement.verdicts.drop(index=holds.index))


@effect("use approval")
def use_approval(live: LiveProject, run: Run, *, waiting: HeldPlan, now: datetime) -> None:
    """Use up the approval of a plan that is about to be written, for good."""
    approval = check_approval(live, waiting, now=now)
    note = f"applied by run {run.id}; approved by {approval.by}: {approval.reason}"
    journal.use_approval(live.store, waiting.run, approval=approval, by=run, note=note, now=now)
    run_logger().info("applies the plan that run %s had to hold", waiting.run.id)
    crash_point("approved")
