"""What starts waits without a trigger: forms, messages that went out, sessions with data, and lateness."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from capstan.monitors.forms import started
from capstan.store import Opening, known_occasions, marks_of, open_waits
from capstan.study.monitors import Monitor, Start
from capstan.triggers import Place
from tasks.monitors.idle import is_idle, late_opening, needs_project
from tasks.monitors.watch import Watch
from tasks.shield import effect, run_logger


@effect("start waits")
def start_waits(watch: Watch) -> Counter[str]:
    """Open a wait for everything new that a monitor waits after; returns how many, by monitor.

    Those that need REDCap are left out while it is not open.
    """
    counts = Counter[str]()
    for monitor in watch.study.monitors:
        if watch.live or not needs_project(monitor):
            counts[monitor.id] += _open_new(watch, monitor)
    run_logger().info("opened %d waits", counts.total())
    return +counts


def _open_new(watch: Watch, monitor: Monitor) -> int:
    known = known_occasions(watch.store, watch.room, monitor.id)
    found = [
        each
        for each in _openings(watch, monitor)
        if marks_of(watch.store, watch.room, each)["occasion_mark"] not in known
        if watch.record in ("", each.place.record)
    ]
    return len(found) if watch.dry_run else open_waits(watch.store, watch.room, found, now=watch.clock())


def _openings(watch: Watch, monitor: Monitor) -> Iterator[Opening]:
    if is_idle(monitor):
        late = late_opening(watch, monitor)
        yield from (late,) if late else ()
    elif monitor.of is None:
        return  # a trigger's rule opens it
    elif monitor.of.message:
        yield from _of_messages(watch, monitor, message=monitor.of.message)
    elif monitor.of.session:
        yield from _of_sessions(watch, monitor)
    else:
        yield from _of_forms(watch, monitor, start=monitor.of)


def _of_messages(watch: Watch, monitor: Monitor, *, message: str) -> Iterator[Opening]:
    for sent in watch.sent:
        if sent.name == message:
            place = Place(sent.record, sent.event, "", "")
            yield Opening(monitor.id, sent.at, place=place, occasion=sent.key)


def _of_sessions(watch: Watch, monitor: Monitor) -> Iterator[Opening]:
    """Sessions whose data were found and whose record is expected and not here."""
    rules = watch.study.sessions
    expecting = rules.expecting_sites if rules else ()
    for name, session in watch.sessions.items():
        if session.found and session.lacks_survey(expecting_sites=expecting):
            since = min(at for _, at in session.found)
            yield Opening(monitor.id, since, session=name, site=session.site)


def _of_forms(watch: Watch, monitor: Monitor, *, start: Start) -> Iterator[Opening]:
    events = watch.project.events_of(start.event) if start.event else ()
    now = watch.clock()
    for place in started(start, watch.forms, events=events):
        yield Opening(monitor.id, now, place=place, site=watch.forms.groups.get(place.record, ""))
