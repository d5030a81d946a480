"""Run monitors: what should have followed and did not, looked for once more, and told to who can act."""

from __future__ import annotations

from collections import Counter

from capstan.errors import CapstanError
from flows.job import Summary, telling_of_failure, utc_now
from flows.parameters import DryRun, MonitorIds, Participant, StudyName
from tasks.connections import open_project
from tasks.messages.notices import tell_staff
from tasks.monitors.afterwards import forget_old, run_commands
from tasks.monitors.idle import needs_project
from tasks.monitors.looking import look_at_waits
from tasks.monitors.starting import start_waits
from tasks.monitors.summing import FLOW, summary_of
from tasks.monitors.watch import Watch, read_watched_forms, watching
from tasks.redcap import list_records
from tasks.references import record_of
from tasks.report import publish_report
from tasks.shield import study_flow
from tasks.visiting import note_success


@study_flow("run-monitors")
def run_monitors(
    study: StudyName,
    monitors: MonitorIds = [],  # noqa: B006 - Prefect reads the default, nothing changes it
    participant: Participant = "",
    dry_run: DryRun = False,
) -> Summary:
    """Open new waits, look at all that are open, and tell those whom a monitor names of what is missing.

    Args:
        study: The name of the study.
        monitors: The ids of some monitors of the study file; all if empty.
        participant: The reference of one participant; all if blank. Never a record id, which would be kept.
        dry_run: Say what would be opened and told; open, run and tell nothing.
    """
    with (
        telling_of_failure(study, flow=FLOW, dry_run=dry_run),
        watching(study, clock=utc_now, dry_run=dry_run) as watch,
    ):
        watch.choose_monitors(monitors)
        unreachable = _open_project(watch, participant=participant)
        try:
            summary = _run(watch)
            if watch.live:
                note_success(watch.live)
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


def _open_project(watch: Watch, *, participant: str) -> CapstanError | None:
    """Open the project if it is needed; returns why it cannot be read, None if it can.

    Raises it where one participant was asked for, who cannot be told without REDCap.
    """
    if not participant and not any(needs_project(monitor) for monitor in watch.study.monitors):
        return None
    try:
        # Nothing is written to REDCap here, so that no token that writes is asked for.
        watch.live = open_project(watch.study.study, flow=FLOW, dry_run=True)
        if participant:
            watch.record = record_of(watch.live, participant, records=list_records(watch.live))
        read_watched_forms(watch)
    except CapstanError as error:
        watch.leave_project()
        if participant:
            raise
        return error
    return None
