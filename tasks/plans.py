"""Held plans: kept with what they were judged by, until a person says yes or no."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from capstan import store as journal
from capstan.errors import Refused, UsageError
from capstan.plan import Plan
from capstan.store import Approval, Run, Store
from capstan.study import Limits
from capstan.verdict import Severity, of_severity
from tasks.connections import LiveProject
from tasks.ran_with import told_at_end
from tasks.shield import effect

APPROVAL_HOURS = 24


@dataclass(frozen=True, eq=False)
class HeldPlan:
    """A plan that waits for a person: the run that made it, its cells, and the checks that held it."""

    run: Run
    plan: Plan = field(repr=False)
    checks: frozenset[str]

    @property
    def limits(self) -> Limits:
        """The limits that it was judged by."""
        return Limits.model_validate(self.basis["limits"])

    @property
    def derived(self) -> frozenset[str]:
        """The columns that its run computed."""
        return frozenset(self.basis["derived"])

    @property
    def basis(self) -> Mapping[str, Any]:
        """What it was judged by."""
        return self.run.basis or {}


def basis_of(live: LiveProject, *, limits: Limits, derived: Collection[str]) -> dict[str, Any]:
    """Say what a plan is judged by: digests of project and study, and the limits themselves."""
    study = live.study
    ruled = "\n".join(repr(part) for part in (study.arms, study.writes, study.checks))
    return {
        "dictionary": live.dictionary.digest,
        "events": live.grid.digest,
        "study": hashlib.sha256(ruled.encode()).hexdigest(),
        "limits": limits.model_dump(),
        "derived": sorted(derived),
    }


@effect("hold run")
def hold_run(
    live: LiveProject, run: Run, *, plan: Plan, limits: Limits, derived: Collection[str], now: datetime
) -> Run:
    """Keep a plan for a person to look at; nothing is written."""
    return journal.hold_run(
        live.store,
        run,
        plan=plan.cells,
        basis=basis_of(live, limits=limits, derived=derived),
        expires_at=now + timedelta(days=live.study.writes.held_days),
        note="The plan changes more than the study allows one run.",
        now=now,
        about=told_at_end(run),
    )


def read_plan(store: Store, digest: str, *, study: str | None = None) -> HeldPlan:
    """The held plan whose digest begins with `digest`.

    Raises UsageError for an unknown or ambiguous one, Refused where what is kept does not have its digest.
    """
    run, cells = journal.read_held_plan(store, digest, study=study)
    plan = Plan(cells)
    if plan.digest != run.plan_digest:
        raise Refused(f"The plan of run {run.id} does not have its digest any more. Run {run.flow} again.")
    holds = of_severity(journal.read_verdicts(store, run), Severity.HOLD)
    return HeldPlan(run, plan, frozenset(holds["check"]))


def approve_plan(
    store: Store, waiting: HeldPlan, *, by: str, reason: str, now: datetime, hours: int = APPROVAL_HOURS
) -> Approval:
    """Keep a person's yes, with name, reason and time; it can be used once, for some hours.

    Raises UsageError without name or reason, Refused for a plan that is too old.
    """
    by, reason = _signed(by, reason=reason)
    check_age(waiting.run, now=now)
    until = min(now + timedelta(hours=hours), waiting.run.expires_at or now)
    return journal.approve_held(store, waiting.run, by=by, reason=reason, now=now, expires_at=until)


def reject_plan(store: Store, waiting: HeldPlan, *, by: str, reason: str, now: datetime) -> None:
    """Close a held plan for good; raises UsageError without name or reason."""
    by, reason = _signed(by, reason=reason)
    journal.reject_held(store, waiting.run, note=f"rejected by {by}: {reason}", now=now)


def check_age(run: Run, *, now: datetime) -> None:
    """Refuse a plan that was held too long ago."""
    if run.expires_at is None or run.expires_at < now:
        when = f" at {run.expires_at:%Y-%m-%d %H:%M} UTC" if run.expires_at else ""
        raise Refused(f"The plan of run {run.id} expired{when}. Run {run.flow} again.")


def _signed(by: str, *, reason: str) -> tuple[str, str]:
    if not by.strip() or not reason.strip():
        raise UsageError("A decision needs a name and a reason: --by NAME --reason TEXT.")
    return by.strip(), reason.strip()
