"""Looking: every open wait is looked at once, moved on if a step is due, and staff are told with that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

from capstan.monitors import Evidence, WaitState
from capstan.monitors.life import Step, next_step
from capstan.monitors.words import tell_of_wait
from capstan.notice import Cause, Happening, listeners
from capstan.probes import Look
from capstan.store import MonitorWait, claim_download, claim_waits, list_waits, move_wait
from capstan.study.monitors import Monitor
from tasks.crash import crash_point
from tasks.form_links import staff_link
from tasks.monitors.evidence import look_for
from tasks.monitors.idle import needs_project
from tasks.monitors.probing import run_for
from tasks.monitors.watch import Watch
from tasks.shield import effect, run_logger

NOBODY = "nobody to tell"
DOWNLOADS = "downloads"
_ALL = 1_000_000


@effect("look at waits")
def look_at_waits(watch: Watch) -> Counter[str]:
    """Look at every open wait; returns counts by what happened.

    Waits for what only REDCap knows are left as they are while it is not open. Of several workers each
    wait has one.
    """
    counts = Counter[str]()
    asked = {name: one for name, one in watch.monitors.items() if watch.live or not needs_project(one)}
    for wait in _waits(watch, asked):
        _look_at(watch, asked[wait.monitor], wait, counts=counts)
    run_logger().info("looked at waits: %s", dict(counts))
    return counts


def _waits(watch: Watch, asked: dict[str, Monitor]) -> Iterable[MonitorWait]:
    if watch.dry_run:
        every = list_waits(watch.store, watch.study.study, only_open=True, limit=_ALL)
        asked_for = (wait for wait in every if wait.monitor in asked)
        yield from (wait for wait in asked_for if not watch.record or _is_of(wait, watch.record))
        return
    while claimed := claim_waits(
        watch.store,
        watch.room,
        monitors=list(asked),
        before=watch.started,
        now=watch.clock(),
        record=watch.record,
    ):
        crash_point("claimed")
        yield from claimed


def _is_of(wait: MonitorWait, record: str) -> bool:
    return wait.place is not None and wait.place.record == record


def _look_at(watch: Watch, monitor: Monitor, wait: MonitorWait, *, counts: Counter[str]) -> None:
    look = look_for(watch, monitor, wait)
    if _is_download_due(watch, monitor, wait, look=look):
        counts[DOWNLOADS] += 1
        look = _download(watch, monitor, wait, look=look)
    step = next_step(monitor, wait.standing, evidence=look.evidence, now=watch.clock())
    news = _news(watch, monitor, wait, step=step, look=look)
    if _move(watch, monitor, wait, step=step, look=look, news=news):
        counts["looked at"] += 1
        if step.standing.state is not wait.standing.state or step.roles:
            counts[step.standing.state.value] += 1
        counts[NOBODY] += sum(not listeners(each, watch.study.notify) for each in news)


def _move(
    watch: Watch, monitor: Monitor, wait: MonitorWait, *, step: Step, look: Look, news: list[Happening]
) -> bool:
    if watch.dry_run:
        return True
    is_over = look.evidence is Evidence.NOT_EXPECTED
    moved = move_wait(
        watch.store,
        watch.room,
        wait,
        standing=step.standing,
        happenings=news,
        reason=look.why if is_over else "",
        plans_command=step.standing.state is WaitState.RESOLVED and monitor.afterwards is not None,
        now=watch.clock(),
    )
    crash_point("told")
    return moved


def _news(watch: Watch, monitor: Monitor, wait: MonitorWait, *, step: Step, look: Look) -> list[Happening]:
    if not step.roles:
        return []
    text = tell_of_wait(
        monitor,
        state=step.standing.state,
        evidence=look.evidence,
        why=look.why,
        study=watch.study.study,
    )
    record = wait.session or (wait.place.record if wait.place else "")
    place, now = wait.place, watch.clock()
    link = staff_link(watch.store, watch.study, place=place, now=now) if place and place.record else ""
    return [Happening(Cause.MONITOR, text, now, record, step.roles, wait.site, link)]


def _is_download_due(watch: Watch, monitor: Monitor, wait: MonitorWait, *, look: Look) -> bool:
    if monitor.download is None or watch.dry_run or look.evidence is not Evidence.MISSING:
        return False
    now = watch.clock()
    is_first = wait.downloaded_at is None
    return is_first or (
        now - wait.standing.since < monitor.download_for
        and now - (wait.downloaded_at or now) >= monitor.download.every
    )


def _download(watch: Watch, monitor: Monitor, wait: MonitorWait, *, look: Look) -> Look:
    """Try a download, which is counted before it begins, and look again."""
    if monitor.download is None:
        return look
    lasting = timedelta(seconds=monitor.download.timeout_seconds)
    if not claim_download(watch.store, wait, lasting=lasting, now=watch.clock()):
        return look
    ran = run_for(watch, monitor.download, wait=wait)
    return look if ran is None else look_for(watch, monitor, wait)
