"""Whether names that a study uses are in the project, and are where the study uses them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property

from capstan.arms import events_by_arm
from capstan.choices import code_of_word
from capstan.dictionary import Dictionary, Field, FieldType
from capstan.errors import LogicError
from capstan.events import EventGrid, logic_layout
from capstan.logic import Layout, Reference, check, parse


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in a study file: the place in it, and a sentence on what to do."""

    place: str
    text: str

    def __str__(self) -> str:
        """Write place and sentence in one."""
        return f"{self.place}: {self.text}"


@dataclass(frozen=True)
class Target:
    """Where something is written: the place in the study file, the events, and what is written.

    Words go into choice fields that have them and into plain text; dates into text with one of the
    `validations` (their beginnings) or with none.
    """

    place: str
    events: tuple[str, ...]
    words: tuple[str, ...] = ()
    validations: tuple[str, ...] = ()

    def takes(self, field: Field) -> bool:
        """Whether a field without choices takes it."""
        if field.type not in (FieldType.TEXT, FieldType.NOTES):
            return False
        return not field.validation or field.validation.startswith(self.validations or ("-",))


@dataclass(frozen=True, eq=False)
class Project:
    """A project's dictionary and events, to ask about names; each question yields problems or nothing."""

    dictionary: Dictionary
    grid: EventGrid

    @cached_property
    def layout(self) -> Layout:
        """The project as the logic language knows it."""
        return logic_layout(self.dictionary, grid=self.grid)

    def events_of(self, event: str) -> tuple[str, ...]:
        """The unique events that a whole or partial event name stands for."""
        if not self.grid.is_longitudinal:
            return ("",)
        return tuple(events_by_arm(event, events=self.layout.events).values())

    def check_event(self, event: str, *, place: str) -> Iterator[Problem]:
        """The event, or its part before `_arm_N`, is there."""
        if self.grid.is_longitudinal and not self.events_of(event):
            whole = self.grid.names
            parts = [name.rpartition("_arm_")[0] for name in whole]
            yield Problem(place, f"there is no event {event!r}; {nearest(event, [*whole, *parts])}.")

    def check_field(self, name: str, *, place: str, events: Sequence[str] = ()) -> Iterator[Problem]:
        """The field is there, and its instrument is designated for all of `events`."""
        found = self.dictionary.by_name.get(name)
        if found is None:
            yield Problem(place, f"there is no field {name!r}; {nearest(name, self.dictionary.by_name)}.")
            return
        for event in events:
            if (event, found.form) not in self.grid.designated:
                yield Problem(
                    place,
                    f"the instrument {found.form} of the field {name} is not designated for {event}; "
                    "designate it there in REDCap or name another field.",
                )

    def check_logic(self, text: str, *, place: str, events: Sequence[str]) -> Iterator[Problem]:
        """The expression can be read, and what it names is where it is looked for from `events`."""
        try:
            expression = parse(text)
            check(expression, self.layout)
        except LogicError as error:
            yield Problem(place, str(error))
            return
        for reference in expression.references:
            said = self._why_blank(reference, events=events)
            if said:
                yield Problem(place, str(LogicError(said, expression=text, position=reference.position)))

    def check_target(self, name: str, *, target: Target) -> Iterator[Problem]:
        """The field can be written there, and takes what is written."""
        found = self.dictionary.by_name.get(name)
        yield from self.check_field(name, place=target.place, events=target.events)
        if found is None:
            return
        if not found.is_importable or name == self.dictionary.record_field:
            yield Problem(target.place, f"the field {name} cannot be written; name one that takes imports.")
        elif any((event, found.form) in self.grid.repeating for event in target.events):
            yield Problem(target.place, f"{found.form} repeats there; name a field of another instrument.")
        elif found.choices:
            yield from _check_words(found, target=target)
        elif not target.takes(found):
            wanted = "dates" if target.validations else "text"
            yield Problem(target.place, f"the field {name} takes no {wanted}; name a text field that does.")

    def _why_blank(self, reference: Reference, *, events: Sequence[str]) -> str:
        """Why a reference finds nothing, whatever the data; "" if it can find something."""
        name, named = reference.field, reference.event
        if reference.is_smart or name == self.dictionary.record_field or "-" in named:
            return ""
        form, designated = self.layout.form_of[name], self.grid.designated
        places = (named,) if named else events
        lacking = [event for event in places if (event, form) not in designated]
        if lacking:
            homes = sorted(event for event, there in designated if there == form)
            advice = f"write [{homes[0]}][{name}]" if homes else "designate it in REDCap"
            return f"The instrument {form} of {name} is not designated for {lacking[0]}; {advice}."
        if named and not reference.instance and (named, form) in self.grid.repeating:
            return f"The instrument {form} repeats there; say which, as in [{named}][{name}][last-instance]."
        return ""


def nearest(name: str, known: Iterable[str]) -> str:
    """Advise the known name that is most like a wrong one."""
    near = get_close_matches(name, sorted(set(known)), n=1)
    return f"did you mean {near[0]!r}" if near else "check its spelling"


def _check_words(found: Field, *, target: Target) -> Iterator[Problem]:
    lacking = [word for word in target.words if code_of_word(word, found.choices) is None]
    if found.type is FieldType.CHECKBOX or not target.words:
        yield Problem(target.place, f"the field {found.name} is of choices; name a text field.")
    elif lacking:
        listed = ", ".join(f'"{word}"' for word in lacking)
        yield Problem(target.place, f"the field {found.name} has no choice for {listed}; add it in REDCap.")
