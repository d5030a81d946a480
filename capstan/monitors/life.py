"""The life of a wait as a function: what a look at a time makes of it, and who is told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from capstan.monitors import Evidence, Standing, WaitState

if TYPE_CHECKING:
    from capstan.study.monitors import Monitor


@dataclass(frozen=True)
class Step:
    """Where a wait stands after a look, and the roles that are told now."""

    standing: Standing
    roles: tuple[str, ...] = ()


def next_step(monitor: Monitor, standing: Standing, *, evidence: Evidence, now: datetime) -> Step:
    """Take the one step that is due now, if any; of steps that were missed meanwhile only the last.

    An ended wait stays as it is. What is there, or will not come, ends a wait without a word.
    """
    if standing.state.has_ended:
        return Step(standing)
    if evidence is Evidence.THERE:
        return Step(replace(standing, state=WaitState.RESOLVED))
    if evidence is Evidence.NOT_EXPECTED:
        return Step(replace(standing, state=WaitState.DISMISSED))
    reached = _reached(monitor, standing, now=now)
    if reached is None:
        return Step(standing)
    told = replace(standing, state=reached, told_at=now)
    return Step(told, _roles(monitor, waited=now - standing.since))


def _reached(monitor: Monitor, standing: Standing, *, now: datetime) -> WaitState | None:
    """The latest state whose time has come; None where nobody is to be told now."""
    waited = now - standing.since
    if waited >= monitor.give_up:
        return WaitState.GIVEN_UP
    if monitor.escalate and standing.state is not WaitState.ESCALATED and waited >= monitor.escalate.after:
        return WaitState.ESCALATED
    if standing.told_at is None:
        return WaitState.REMINDED if waited >= monitor.patience else None
    is_due = monitor.remind is not None and now - standing.told_at >= monitor.remind
    return max(standing.state, WaitState.REMINDED, key=_order) if is_due else None


def _order(state: WaitState) -> int:
    return list(WaitState).index(state)


def _roles(monitor: Monitor, *, waited: timedelta) -> tuple[str, ...]:
    """Those of the monitor, and from the escalation on everybody that it names: they hear of the end too."""
    is_escalated = monitor.escalate is not None and waited >= monitor.escalate.after
    more = monitor.escalate.to if monitor.escalate and is_escalated else ()
    return tuple(dict.fromkeys((*monitor.notify, *more)))
