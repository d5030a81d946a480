"""The event grid: which form belongs to which event, what repeats where, and which event is in which arm."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd

from capstan.dictionary import Dictionary, FieldType
from capstan.logic import Layout
from capstan.plan import KEY_NAMES


@dataclass(frozen=True)
class Event:
    """One event; `arm` is the number of its arm as text, and `offset_days` its day offset or "".

    `id` is the number by which REDCap's pages know it, "" where the server does not tell. It is no part of
    what people redesign, so events that differ in nothing else are the same.
    """

    name: str
    label: str
    arm: str
    offset_days: str = ""
    id: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True)
class EventGrid:
    """Where a form may have data.

    A classic project has no events; its single place is the event `""`. `repeating` has (event, form),
    with the form `""` where the whole event repeats.
    """

    events: tuple[Event, ...]
    arms: Mapping[str, str]
    designated: frozenset[tuple[str, str]]
    repeating: frozenset[tuple[str, str]]

    @classmethod
    def from_frames(
        cls,
        *,
        arms: pd.DataFrame,
        events: pd.DataFrame,
        mapping: pd.DataFrame,
        repeating: pd.DataFrame,
        forms: tuple[str, ...],
    ) -> EventGrid:
        """Build the grid from the API's arm, event, mapping and repeating exports (all text).

        The frames of a classic project are empty.
        """
        blank = pd.Series("", index=events.index)
        told = [events.get(name, blank) for name in ("day_offset", "event_id")]
        listed = zip(events["unique_event_name"], events["event_name"], events["arm_num"], *told, strict=True)
        places = zip(mapping["unique_event_name"], mapping["form"], strict=True)
        where = repeating.get("event_name", pd.Series("", index=repeating.index))
        return cls(
            events=tuple(Event(*map(str, event)) for event in listed),
            arms={str(n): str(name) for n, name in zip(arms["arm_num"], arms["name"], strict=True)},
            designated=frozenset(places) if len(events) else frozenset(("", form) for form in forms),
            repeating=frozenset(zip(where, repeating["form_name"], strict=True)),
        )

    @property
    def is_longitudinal(self) -> bool:
        """Whether the project has events."""
        return bool(self.events)

    @property
    def has_repeats(self) -> bool:
        """Whether any instrument or event repeats."""
        return bool(self.repeating)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The unique event names in project order; `("",)` for a classic project."""
        return tuple(event.name for event in self.events) or ("",)

    @cached_property
    def arm_of(self) -> Mapping[str, str]:
        """The arm number of each event."""
        return {event.name: event.arm for event in self.events}

    def forms_of(self, event: str) -> frozenset[str]:
        """The forms designated for an event."""
        return frozenset(form for place, form in self.designated if place == event)

    def key_columns(self, record_field: str) -> tuple[str, ...]:
        """The key columns that this project's flat exports and imports have."""
        event = KEY_NAMES[:1] if self.is_longitudinal else ()
        return (record_field, *event, *(KEY_NAMES[1:] if self.has_repeats else ()))

    @cached_property
    def digest(self) -> str:
        """A hash of all that the grid says, to see drift between plan and write."""
        parts = (self.events, sorted(self.arms.items()), sorted(self.designated), sorted(self.repeating))
        return hashlib.sha256(repr(parts).encode()).hexdigest()


def logic_layout(dictionary: Dictionary, *, grid: EventGrid) -> Layout:
    """Say the project to the logic language, which knows neither dictionary nor grid."""
    boxes = [item for item in dictionary.fields if item.type is FieldType.CHECKBOX]
    return Layout(
        record_field=dictionary.record_field,
        form_of={item.name: item.form for item in dictionary.fields},
        checkboxes={box.name: dict(zip(box.choices, box.columns, strict=True)) for box in boxes},
        choices={item.name: item.choices for item in dictionary.fields if item.choices},
        events=logic_events(grid),
        designated=grid.designated,
        repeating=grid.repeating,
        forms=dictionary.forms,
        validation={item.name: item.validation for item in dictionary.fields if item.validation},
        missing_codes=frozenset(dictionary.missing_codes),
    )


def logic_events(grid: EventGrid) -> tuple[tuple[str, str, int, str], ...]:
    """The events as (unique name, label, arm number, arm name), in project order."""
    return tuple((e.name, e.label, int(e.arm), grid.arms.get(e.arm, "")) for e in grid.events)
