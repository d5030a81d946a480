"""Checks where messages and replies are written down: instruments that repeat, and fields that take it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from capstan.choices import code_of_word
from capstan.dictionary import Field, FieldType
from capstan.project_names import Problem, Project, nearest
from capstan.study.targets import check_writable

if TYPE_CHECKING:
    from capstan.study import Study
    from capstan.study.messages import Inbound, Message

_TEXT, _TIME = (), ("datetime_", "date_")
# What each field takes beside text without validation, by the beginning of its validation.
_LOG_TAKES = {
    "number": ("phone",),
    "message": _TEXT,
    "sid": _TEXT,
    "status": _TEXT,
    "error_code": ("integer", "number"),
    "sent_at": _TIME,
    "updated_at": _TIME,
}
_INBOUND_TAKES = {"sender": ("phone",), "text": _TEXT, "received_at": _TIME, "sid": _TEXT}
# What becomes of every message in the end; a choice field must have them.
_LAST_STATUSES = ("delivered", "undelivered", "failed")


def check_log(
    message: Message, *, study: Study, project: Project, place: str, events: tuple[str, ...]
) -> Iterator[Problem]:
    """The log's instrument is on the event, repeats if it must, and its fields take what is written."""
    log = message.log
    if log is None:
        return
    if log.event:
        yield from project.check_event(log.event, place=f"{place}.event")
        events = project.events_of(log.event)
    elif not events and project.grid.is_longitudinal:
        yield Problem(f"{place}.event", "the message has no event, so the log needs one; name it.")
    yield from _check_form(log.instrument, project=project, place=f"{place}.instrument", events=events)
    if log.new_instance:
        yield from _check_repeats(
            log.instrument, project=project, place=f"{place}.new_instance", events=events
        )
    fields = {f"{place}.fields.{part}": name for part, name in log.fields.model_dump().items()}
    takes = {f"{place}.fields.{part}": kinds for part, kinds in _LOG_TAKES.items()}
    yield from _check_fields(fields, log.instrument, takes=takes, study=study, project=project)
    if log.complete:
        status = f"{log.instrument}_complete"
        yield from check_writable(status, place=f"{place}.complete", study=study, project=project)


def check_inbound_log(inbound: Inbound, *, study: Study, project: Project) -> Iterator[Problem]:
    """Replies become new instances of an instrument that repeats."""
    if not inbound.instrument:
        return
    if inbound.event or project.grid.is_longitudinal:
        yield from project.check_event(inbound.event, place="inbound.event")
    events = project.events_of(inbound.event)
    place = "inbound.instrument"
    yield from _check_form(inbound.instrument, project=project, place=place, events=events)
    yield from _check_repeats(inbound.instrument, project=project, place=place, events=events)
    fields = {f"inbound.fields.{part}": name for part, name in inbound.fields.model_dump().items()}
    takes = {f"inbound.fields.{part}": kinds for part, kinds in _INBOUND_TAKES.items()}
    yield from _check_fields(fields, inbound.instrument, takes=takes, study=study, project=project)


def _check_form(name: str, *, project: Project, place: str, events: tuple[str, ...]) -> Iterator[Problem]:
    forms = project.dictionary.forms
    if name not in forms:
        yield Problem(place, f"there is no instrument {name!r}; {nearest(name, forms)}.")
        return
    for event in events:
        if (event, name) not in project.grid.designated:
            yield Problem(place, f"{name} is not designated for {event}; designate it there in REDCap.")


def _check_repeats(name: str, *, project: Project, place: str, events: tuple[str, ...]) -> Iterator[Problem]:
    repeating = project.grid.repeating
    for event in events or ("",):
        if name in project.dictionary.forms and not {(event, name), (event, "")} & repeating:
            where = f" on {event}" if event else ""
            yield Problem(
                place,
                f"{name} does not repeat{where}, so that a second message would overwrite the first; make it "
                "repeat in REDCap, or set new_instance: false to keep only the last.",
            )


def _check_fields(
    fields: Mapping[str, str],
    instrument: str,
    *,
    takes: Mapping[str, tuple[str, ...]],
    study: Study,
    project: Project,
) -> Iterator[Problem]:
    for place, name in fields.items():
        if not name:
            continue
        field = project.dictionary.by_name.get(name)
        if field is None or field.form != instrument:
            names = [each.name for each in project.dictionary.fields if each.form == instrument]
            yield Problem(place, f"{instrument} has no field {name!r}; {nearest(name, names)}.")
        elif said := _why_not(field, place=place, takes=takes[place]):
            yield Problem(place, said)
        else:
            yield from check_writable(name, place=place, study=study, project=project)


def _why_not(field: Field, *, place: str, takes: tuple[str, ...]) -> str:
    """Why a field cannot take what is written; "" if it can."""
    if field.choices and place.endswith(".status") and field.type is not FieldType.CHECKBOX:
        lacking = [word for word in _LAST_STATUSES if code_of_word(word, field.choices) is None]
        listed = ", ".join(lacking)
        return f"the field {field.name} has no choice for {listed}; add it in REDCap." if lacking else ""
    is_text = field.type in (FieldType.TEXT, FieldType.NOTES) and field.is_importable
    if is_text and (not field.validation or field.validation.startswith(takes or ("-",))):
        return ""
    return f"the field {field.name} does not take this; name a text field that does."
