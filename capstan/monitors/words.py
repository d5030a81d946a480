"""What staff are told of a wait, in words without participants' data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capstan.monitors import Evidence, WaitState
from capstan.periods import write_duration

if TYPE_CHECKING:
    from capstan.study.monitors import Monitor

_ENDS = {
    WaitState.ESCALATED: " It is escalated.",
    WaitState.GIVEN_UP: " It is given up: nobody will be told of it again.",
}


def tell_of_wait(monitor: Monitor, *, state: WaitState, evidence: Evidence, why: str, study: str) -> str:
    """Say what has not come, or that one could not look, and where to look for more."""
    what = f"{monitor.id}: {_missing(monitor)}"
    if evidence is Evidence.UNKNOWN:
        what = f"{monitor.id}: one could not look whether {_wanted(monitor)} ({why})"
    return f"{what}.{_ENDS.get(state, '')} `capstan monitors list {study}`"


def tell_of_command(monitor: Monitor, *, exit_code: int | None, study: str) -> str:
    """Say that the command that runs once failed, or was cut off in the middle."""
    how = "was cut off in the middle" if exit_code is None else f"ended with {exit_code}"
    return (
        f"{monitor.id}: the command that follows the data {how}. It does not run again by itself; look what "
        f"it did. `capstan monitors list {study}`"
    )


def _missing(monitor: Monitor) -> str:
    then, late = monitor.then, f" {write_duration(monitor.patience)} after it began to be waited for"
    if then is None:
        return _idle(monitor)
    if then.form:
        return f"the form {then.form} is not complete{late}"
    return f"no scan data were found{late}" if then.data else f"nobody answered {then.reply}{late}"


def _wanted(monitor: Monitor) -> str:
    then = monitor.then
    if then is None:
        return "there was something new"
    if then.form:
        return f"the form {then.form} is complete"
    return "there are scan data" if then.data else f"somebody answered {then.reply}"


def _idle(monitor: Monitor) -> str:
    if monitor.job:
        return f"{monitor.job.flow} has not ended well for {write_duration(monitor.job.within)}"
    new = monitor.no_new
    return f"nothing new came into {new.instrument} for {write_duration(new.within)}" if new else ""
