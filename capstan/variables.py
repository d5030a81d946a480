"""Variables: what a wording may name, and which logic gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capstan.arms import events_by_arm
from capstan.logic import Layout

if TYPE_CHECKING:
    from capstan.study import Study
    from capstan.study.messages import Message

SURVEY_LINK, QUEUE_LINK = "survey_link", "queue_link"
OF_OCCASION = ("occasion", "visit", "due", "opens", "closes")
OF_STUDY = ("study", "today")


def built_in(message: Message) -> frozenset[str]:
    """The names that a message's wording knows beside fields and its `values`; a visit's may be blank."""
    links = {SURVEY_LINK: bool(message.survey), QUEUE_LINK: message.queue_link}
    known = {*OF_OCCASION, *OF_STUDY, *(name for name, is_asked in links.items() if is_asked)}
    return frozenset(known) - set(message.values)


def message_events(message: Message, *, study: Study, layout: Layout) -> tuple[str, ...]:
    """The unique events on which a message's logic may be evaluated; none for the participant as a whole."""
    visits = {visit.name: visit.event for visit in study.visits}
    event = visits.get(message.visit.name, "") if message.visit else message.event
    return tuple(events_by_arm(event, events=layout.events).values()) if event else ()


def variable_logic(name: str, *, message: Message, events: tuple[str, ...], layout: Layout) -> str:
    """The logic that gives a variable: the message's own `values` first, else the field of that name.

    A field is read on the message's own event, else on the only event that has its instrument; a choice
    is given by its label. Returns "" for a name that is neither.
    """
    if name in message.values:
        return message.values[name]
    if name not in layout.form_of or name in layout.checkboxes:
        return ""
    form = layout.form_of[name]
    homes = [event for event, *_ in layout.events if (event, form) in layout.designated]
    is_here = bool(events) and all(event in homes for event in events)
    if is_here or not layout.events:
        return f"[{name}:label]"
    return f"[{homes[0]}][{name}:label]" if len(homes) == 1 else ""
