"""Afterwards: the command that runs once for a session whose data came, and what is forgotten in the end."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from capstan.monitors.words import tell_of_command
from capstan.notice import Cause, Happening
from capstan.store import (
    MonitorWait,
    end_command,
    forget_notices,
    forget_waits,
    settle_cut_off,
    start_command,
)
from tasks.crash import crash_point
from tasks.hosts import is_rehearsal
from tasks.monitors.probing import run_for
from tasks.monitors.watch import Watch
from tasks.shield import effect, run_logger

CUT_OFF = "cut off"


@effect("run commands")
def run_commands(watch: Watch) -> Counter[str]:
    """Run the commands that are planned, each once; returns counts by how they ended.

    One whose process died in the middle is told to staff and not run again.
    """
    counts = Counter[str]()
    if watch.dry_run or is_rehearsal():
        return counts
    counts[CUT_OFF] += settle_cut_off(
        watch.store, watch.room, news=lambda wait: _news(watch, wait, exit_code=None), now=watch.clock()
    )
    commands = {name: one.afterwards for name, one in watch.monitors.items() if one.afterwards}
    while started := start_command(watch.store, watch.room, monitors=list(commands), now=watch.clock()):
        crash_point("started")
        ran = run_for(watch, commands[started.wait.monitor], wait=started.wait)
        code = ran.exit_code if ran else 0
        news = _news(watch, started.wait, exit_code=code) if code else []
        end_command(watch.store, watch.room, started, exit_code=code, happenings=news, now=watch.clock())
        counts["failed" if code else "done"] += 1
    run_logger().info("ran commands: %s", dict(+counts))
    return +counts


@effect("forget old waits")
def forget_old(watch: Watch) -> None:
    """Delete what the study's retention has passed: which record a wait was about, and who was told what."""
    if not watch.dry_run:
        before = watch.clock() - timedelta(days=watch.study.retention_days)
        forget_waits(watch.store, watch.room, before=before)
        forget_notices(watch.store, watch.room, before=before)


def _news(watch: Watch, wait: MonitorWait, *, exit_code: int | None) -> list[Happening]:
    monitor = watch.monitors.get(wait.monitor)
    if monitor is None:
        return []
    text = tell_of_command(monitor, exit_code=exit_code, study=watch.study.study)
    return [Happening(Cause.MONITOR, text, watch.clock(), wait.session, monitor.notify, wait.site)]
