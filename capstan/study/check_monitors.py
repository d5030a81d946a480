"""Checks monitors and probes of a study file against the live project and against each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from capstan.delivery import Channel
from capstan.monitors.parts import PART_NAMES, names_in
from capstan.notice import STAFF
from capstan.project_names import Problem, Project, nearest

if TYPE_CHECKING:
    from capstan.study import Study
    from capstan.study.monitors import Follow, Monitor, Start
    from capstan.study.probes import Probe


def check_monitors(study: Study, project: Project) -> Iterator[Problem]:
    """What monitors wait for and whom they tell is there, and so is what probes look with."""
    yield from _check_roles(study)
    for position, monitor in enumerate(study.monitors):
        place = f"monitors[{position}]"
        yield from _check_unique(monitor.id, study.monitors[:position], place=place)
        yield from _check_told(monitor, study=study, place=place)
        yield from _check_start(monitor, study=study, project=project, place=place)
        if monitor.then:
            yield from _check_follow(monitor.then, study=study, project=project, place=place)
        if monitor.no_new:
            yield from _check_form(monitor.no_new.instrument, project, place=f"{place}.no_new.instrument")
        for part in ("download", "afterwards"):
            command = getattr(monitor, part)
            yield from _check_parts(command.command if command else (), place=f"{place}.{part}.command")
    for position, probe in enumerate(study.probes):
        yield from _check_unique(probe.id, study.probes[:position], place=f"probes[{position}]")
        yield from _check_probe(probe, place=f"probes[{position}]")


def _check_roles(study: Study) -> Iterator[Problem]:
    for position, role in enumerate(study.notify.roles):
        place = f"notify.roles[{position}]"
        if role.name == STAFF:
            yield Problem(f"{place}.name", "staff is everybody under notify.staff; choose another name.")
        for kind, addresses in (("email", role.email), ("sms", role.sms)):
            if addresses and getattr(study.messaging, kind) is None:
                yield Problem(f"{place}.{kind}", f"there is no messaging.{kind} to write with; add it.")


def _check_unique(name: str, earlier: Iterable[Monitor | Probe], *, place: str) -> Iterator[Problem]:
    if name in [other.id for other in earlier]:
        yield Problem(f"{place}.id", f"another one is named {name!r}; rename one.")


def _check_told(monitor: Monitor, *, study: Study, place: str) -> Iterator[Problem]:
    """The roles are there, and somebody can be reached."""
    known = [STAFF, *(role.name for role in study.notify.roles)]
    escalated = monitor.escalate.to if monitor.escalate else ()
    for part, names in (("notify", monitor.notify), ("escalate.to", escalated)):
        for name in names:
            if name not in known:
                said = f"there is no role {name!r} under notify.roles; {nearest(name, known)}."
                yield Problem(f"{place}.{part}", said)


def _check_start(monitor: Monitor, *, study: Study, project: Project, place: str) -> Iterator[Problem]:
    start = monitor.of
    if start is None:
        yield from _check_expected(monitor, study=study, place=place)
    elif start.message:
        yield from _check_message(start.message, study=study, place=f"{place}.of.message")
    elif start.session and study.sessions is None:
        yield Problem(f"{place}.of.session", "the study has no sessions; add the part sessions.")
    else:
        yield from _check_place(start, project=project, place=f"{place}.of")


def _check_expected(monitor: Monitor, *, study: Study, place: str) -> Iterator[Problem]:
    """A wait that nothing else starts is started by a trigger."""
    if monitor.then and monitor.id not in [rule.expects for rule in study.triggers]:
        said = f"nothing starts it; say after what with of, or name it in a trigger: `expects: {monitor.id}`."
        yield Problem(place, said)


def _check_follow(then: Follow, *, study: Study, project: Project, place: str) -> Iterator[Problem]:
    if then.data and then.data not in [probe.id for probe in study.probes]:
        advice = nearest(then.data, [probe.id for probe in study.probes])
        yield Problem(f"{place}.then.data", f"there is no probe {then.data!r} under probes; {advice}.")
    elif then.reply:
        yield from _check_message(then.reply, study=study, place=f"{place}.then.reply")
        channels = [message.channel for message in study.messages if message.id == then.reply]
        if Channel.EMAIL in channels:
            yield Problem(f"{place}.then.reply", "replies to emails are not read here; name a text message.")
    elif then.form:
        yield from _check_place(then, project=project, place=f"{place}.then")


def _check_place(part: Start | Follow, *, project: Project, place: str) -> Iterator[Problem]:
    if part.form:
        yield from _check_form(part.form, project, place=f"{place}.form")
    if not part.event:
        return
    yield from project.check_event(part.event, place=f"{place}.event")
    events = project.events_of(part.event)
    is_there = any((event, part.form) in project.grid.designated for event in events)
    if part.form in project.dictionary.forms and events and not is_there:
        said = f"{part.form} is not designated for {part.event}; designate it there in REDCap."
        yield Problem(f"{place}.form", said)


def _check_form(form: str, project: Project, *, place: str) -> Iterator[Problem]:
    forms = project.dictionary.forms
    if form not in forms:
        yield Problem(place, f"there is no instrument {form!r}; {nearest(form, forms)}.")


def _check_message(name: str, *, study: Study, place: str) -> Iterator[Problem]:
    names = [message.id for message in study.messages]
    if name not in names:
        yield Problem(place, f"there is no message {name!r}; {nearest(name, names)}.")


def _check_probe(probe: Probe, *, place: str) -> Iterator[Problem]:
    for part in ("folder", "url"):
        yield from _check_parts((getattr(probe, part),), place=f"{place}.{part}")
    yield from _check_parts(probe.command, place=f"{place}.command")


def _check_parts(texts: Iterable[str], *, place: str) -> Iterator[Problem]:
    for name in sorted(names_in(texts) - set(PART_NAMES)):
        yield Problem(place, f"there is no part {{{name}}}; the parts are {', '.join(PART_NAMES)}.")
