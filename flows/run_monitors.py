"""Run monitors: what should have followed and did not, looked for once more, and told to who can act."""

from __future__ import annotations

from collections import Counter

from capstan.errors import CapstanError
from flows.job import Summary, telling_of_failure, utc_now
from tasks.connections import open_project
from tasks.messages.notices import tell_staff
from tasks.monitors.afterwards import forget_old, run_commands
from tasks.monitors.idle import needs_project
from tasks.monitors.looking import look_at_waits
from tasks.monitors.starting import start_waits
from tasks.monitors.summing import FLOW, summary_of
from tasks.monitors.watch import Watch, read_watched_forms, watching
from tasks.report import publish_report
from tasks.shield import study_flow


@study_flow("run-monitors")
def run_monitors(study: str, dry_run: bool = False) -> Summary:
    """Open new waits, look at all that are open, and tell those whom a monitor names of what is missing.

    Args:
        study: The name of the study.
        dry_run: Say what would be opened and told; open, run and tell nothing.
    """
    with (
        telling_of_failure(study, flow=FLOW, dry_run=dry_run),
        watching(study, clock=utc_now, dry_run=dry_run) as watch,
    ):
        unreachable = _open_project(watch)
        try:
            summary = _run(watch)
        finally:
            watch.leave_project()
        if unreachable:
            # Everything that could be done without REDCap is done and told; the rest waits for the next run.
            raise unreachable
    publish_report(summary)
    return summary


def _run(watch: Watch) -> Summary:
    opened = start_waits(watch)
    looks = look_at_waits(watch)
    commands = run_commands(watch)
    told = Counter[str]()
    if not watch.dry_run:
        told = tell_staff(watch.store, watch.study, folder=watch.folder, now=watch.clock())
    forget_old(watch)
    return summary_of(watch, opened=opened, looks=looks, commands=commands, told=told)


def _open_project(watch: Watch) -> CapstanError | None:
    """Open the project if a monitor needs it; returns why it cannot be read, None if it can."""
    if not any(needs_project(monitor) for monitor in watch.study.monitors):
        return None
    try:
        # Nothing is written to REDCap here, so that no token that writes is asked for.
        watch.live = open_project(watch.study.study, flow=FLOW, dry_run=True)
        read_watched_forms(watch)
    except CapstanError as error:
        watch.leave_project()
        return error
    return None
