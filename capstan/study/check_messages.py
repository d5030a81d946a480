"""Checks what a study file says of messages against the live project."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from capstan.delivery import Channel
from capstan.errors import LogicError
from capstan.logic import parse
from capstan.project_names import Problem, Project, nearest
from capstan.study.check_log import check_log
from capstan.variables import message_events

if TYPE_CHECKING:
    from capstan.study import Study
    from capstan.study.messages import Message


def check_messages(study: Study, project: Project) -> Iterator[Problem]:
    """The messages and the policy for all of them fit the project and each other."""
    if study.messages:
        yield from _check_policy(study, project)
    for position, message in enumerate(study.messages):
        place = f"messages[{position}]"
        if message.id in [other.id for other in study.messages[:position]]:
            yield Problem(f"{place}.id", f"another message is named {message.id!r}; rename one.")
        yield from _check_channel(message, study=study, place=place)
        yield from _check_reason(message, study=study, project=project, place=place)
        yield from _check_fallback(message, study=study, place=place)
        yield from _check_logic(message, study=study, project=project, place=place)
        yield from _check_survey(message, study=study, project=project, place=place)
        events = message_events(message, study=study, layout=project.layout)
        yield from check_log(message, study=study, project=project, place=f"{place}.log", events=events)


def _check_policy(study: Study, project: Project) -> Iterator[Problem]:
    """Logic for everybody is judged wherever a message is, so that it must say its events."""
    policy = study.messaging
    rules = {"messaging.paused_until": policy.paused_until, "messaging.hours.zone": policy.hours.zone}
    rules |= {f"messaging.stop_when[{place}].rule": stop.rule for place, stop in enumerate(policy.stop_when)}
    for place, text in rules.items():
        yield from check_anywhere(text, project=project, place=place)


def check_anywhere(text: str, *, project: Project, place: str) -> Iterator[Problem]:
    """Logic that belongs to no event can be read, and each of its fields says its own."""
    problems = list(project.check_logic(text, place=place, events=()))
    yield from problems
    if problems or not project.grid.is_longitudinal:
        return
    record_field = project.dictionary.record_field
    for reference in parse(text).references:
        if not reference.event and not reference.is_smart and reference.field != record_field:
            said = f"Say the event of {reference.field}, as in [{project.grid.names[0]}][{reference.field}]."
            yield Problem(place, str(LogicError(said, expression=text, position=reference.position)))


def _check_channel(message: Message, *, study: Study, place: str) -> Iterator[Problem]:
    channel = Channel(message.channel)
    if getattr(study.messaging, channel) is None:
        yield Problem(f"{place}.channel", f"there is no messaging.{channel}; add it.")
    if channel is Channel.EMAIL and not message.subject:
        yield Problem(f"{place}.subject", "an email needs a subject; write one without anything personal.")
    if channel is Channel.SMS and (message.subject or message.subjects or message.html):
        yield Problem(place, "a text message has neither subject nor html; remove them.")


def _check_reason(message: Message, *, study: Study, project: Project, place: str) -> Iterator[Problem]:
    """The message has an event or a visit that is there, and a reason to be sent."""
    names = [visit.name for visit in study.visits]
    if message.visit and message.event:
        yield Problem(f"{place}.event", "the visit has its own event; remove one of the two.")
    if message.visit and message.visit.name not in names:
        advice = nearest(message.visit.name, names)
        yield Problem(f"{place}.visit.name", f"there is no visit {message.visit.name!r}; {advice}.")
    if message.event:
        yield from project.check_event(message.event, place=f"{place}.event")
        arms = len(project.events_of(message.event))
        if arms > 1 and study.arms.assigned_by is None:
            yield Problem(f"{place}.event", f"{message.event!r} is in {arms} arms; give arms.assigned_by.")
    is_fallback = message.id in [other.fallback for other in study.messages]
    if not (message.when or message.visit or is_fallback):
        yield Problem(
            f"{place}.when", "it would never be sent; give when or visit, or name it as a fallback."
        )


def _check_fallback(message: Message, *, study: Study, place: str) -> Iterator[Problem]:
    if not message.fallback:
        return
    emails = [other.id for other in study.messages if Channel(other.channel) is Channel.EMAIL]
    if Channel(message.channel) is not Channel.SMS:
        yield Problem(f"{place}.fallback", "only a text message has a fallback; remove it.")
    elif message.fallback not in emails:
        advice = nearest(message.fallback, emails)
        yield Problem(f"{place}.fallback", f"there is no email message {message.fallback!r}; {advice}.")


def _check_logic(message: Message, *, study: Study, project: Project, place: str) -> Iterator[Problem]:
    events = message_events(message, study=study, layout=project.layout)
    texts = {name: getattr(message, name) for name in ("to", "when", "consent", "language", "occasion")}
    texts |= {f"values.{name}": text for name, text in message.values.items()}
    for name, text in texts.items():
        if events or not project.grid.is_longitudinal:
            yield from project.check_logic(text, place=f"{place}.{name}", events=events or ("",))
        else:
            yield from check_anywhere(text, project=project, place=f"{place}.{name}")


def _check_survey(message: Message, *, study: Study, project: Project, place: str) -> Iterator[Problem]:
    survey, forms = message.survey, project.dictionary.forms
    if not survey:
        return
    if survey not in forms:
        yield Problem(f"{place}.survey", f"there is no instrument {survey!r}; {nearest(survey, forms)}.")
        return
    events = message_events(message, study=study, layout=project.layout)
    if not events and project.grid.is_longitudinal:
        yield Problem(f"{place}.survey", "a survey link is one of an event; give the message event or visit.")
    for event in events:
        if (event, survey) not in project.grid.designated:
            yield Problem(f"{place}.survey", f"{survey} is not designated for {event}; designate it there.")
