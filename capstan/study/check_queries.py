"""Checks the query instrument of a study file: it repeats where it is needed, and its fields take text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from capstan.choices import code_of_word
from capstan.dictionary import Field, FieldType
from capstan.project_names import Problem, Project, nearest
from capstan.study.targets import check_writable

if TYPE_CHECKING:
    from capstan.study import Study
    from capstan.study.quality_queries import QueryInstrument

_PLACE = "quality.queries.instrument"
# What each field takes beside text without validation, by the beginning of its validation.
_TAKES = {"number": ("integer", "number"), "opened": ("datetime_", "date_")}
_STATES = ("open", "answered", "dismissed", "closed")


def check_queries(study: Study, project: Project) -> Iterator[Problem]:
    """The instrument is there, repeats on its event, and its fields take what is written."""
    instrument = study.quality.queries.instrument
    if instrument is None:
        return
    if instrument.event:
        yield from project.check_event(instrument.event, place=f"{_PLACE}.event")
    if instrument.name not in project.dictionary.forms:
        told = nearest(instrument.name, project.dictionary.forms)
        yield Problem(f"{_PLACE}.name", f"there is no instrument {instrument.name!r}; {told}.")
        return
    yield from _check_events(instrument, project=project)
    yield from _check_fields(instrument, study=study, project=project)


def _check_events(instrument: QueryInstrument, *, project: Project) -> Iterator[Problem]:
    """A blank event is that of the finding; events without the instrument have no rows then."""
    designated = [event for event, form in project.grid.designated if form == instrument.name]
    events = project.events_of(instrument.event) if instrument.event else tuple(designated)
    for event in events:
        where = f" on {event}" if event else ""
        if event not in designated:
            yield Problem(
                f"{_PLACE}.name", f"{instrument.name} is not designated for {event}; designate it in REDCap."
            )
        elif not {(event, instrument.name), (event, "")} & project.grid.repeating:
            yield Problem(
                f"{_PLACE}.name",
                f"{instrument.name} does not repeat{where}, and a record may have several queries; make it "
                "repeat in REDCap.",
            )


def _check_fields(instrument: QueryInstrument, *, study: Study, project: Project) -> Iterator[Problem]:
    for part, name in instrument.fields.model_dump().items():
        if not name:
            continue
        place, field = f"{_PLACE}.fields.{part}", project.dictionary.by_name.get(name)
        if field is None or field.form != instrument.name:
            names = [each.name for each in project.dictionary.fields if each.form == instrument.name]
            yield Problem(place, f"{instrument.name} has no field {name!r}; {nearest(name, names)}.")
        elif said := _why_not(field, part=part):
            yield Problem(place, said)
        else:
            yield from check_writable(name, place=place, study=study, project=project)


def _why_not(field: Field, *, part: str) -> str:
    """Why a field cannot take what is written; "" if it can."""
    if part == "state" and field.choices and field.type is not FieldType.CHECKBOX:
        lacking = [word for word in _STATES if code_of_word(word, field.choices) is None]
        listed = ", ".join(lacking)
        return f"the field {field.name} has no choice for {listed}; add it in REDCap." if lacking else ""
    is_text = field.type in (FieldType.TEXT, FieldType.NOTES) and field.is_importable
    if is_text and (not field.validation or field.validation.startswith(_TAKES.get(part, ("-",)))):
        return ""
    return f"the field {field.name} does not take this; name a text field that does."
