"""What a project is: arms, events, forms, fields and who repeats."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from sandbox.project.field import Column, Field, columns_of, parse_choices, status_field
from sandbox.project.parts import Arm, Event, Form, Group, Repeat, RowKey

# More events or access groups than any study has; to find names for their namesakes would take too long.
MAX_EVENTS = 2000
# Where the data of a project are that has lost all its events; no event has its number.
ONLY_EVENT = Event(0, "Event 1", 1, "event_1_arm_1")


@dataclass(frozen=True)
class Project:
    """Everything about a project but its data, people and log."""

    project_id: int
    title: str
    longitudinal: bool
    arms: tuple[Arm, ...]
    events: tuple[Event, ...]
    forms: tuple[Form, ...]
    fields: tuple[Field, ...]
    repeats: tuple[Repeat, ...] = ()
    groups: tuple[Group, ...] = ()
    surveys: tuple[str, ...] = ()
    settings: dict[str, str] = field(default_factory=dict)
    extra_xml: tuple[str, ...] = ()
    created: str = ""
    production_time: str = ""
    in_production: bool = False

    @property
    def id_field(self) -> str:
        return self.fields[0].field_name

    @property
    def is_longitudinal(self) -> bool:
        """REDCap calls a project longitudinal only once it has a second event or arm (B.8)."""
        return self.longitudinal and max(len(self.events), len(self.arms)) > 1

    @cached_property
    def live_repeats(self) -> tuple[Repeat, ...]:
        """What repeats in events that show, in the order of events and forms."""
        order, forms = self.event_order, self.form_order
        found = (one for one in self.repeats if one.event_id in self.event_by_id)
        return tuple(sorted(found, key=lambda one: (order[one.event_id], forms.get(one.form, -1))))

    @property
    def is_repeating(self) -> bool:
        return bool(self.live_repeats)

    @cached_property
    def fields_of(self) -> dict[str, list[Field]]:
        """Each form's fields in order, and its status field as the last."""
        found: dict[str, list[Field]] = {form.name: [] for form in self.forms}
        for one in self.fields:
            found.setdefault(one.form_name, []).append(one)
        for form in self.forms:
            found[form.name].append(status_field(form.name))
        return found

    @cached_property
    def all_fields(self) -> tuple[Field, ...]:
        """The fields in order, each form followed by its status field."""
        return tuple(one for form in self.forms for one in self.fields_of[form.name])

    @cached_property
    def field_by_name(self) -> dict[str, Field]:
        return {one.field_name: one for one in self.all_fields}

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The data columns of a flat export in order (C.2), without pseudo columns."""
        return tuple(column for one in self.all_fields for column in columns_of(one))

    @cached_property
    def column_by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}

    @cached_property
    def column_of(self) -> dict[tuple[str, str], Column]:
        return {(column.field.field_name, column.code): column for column in self.columns}

    @cached_property
    def ordered_events(self) -> tuple[Event, ...]:
        """The events that show, by arm and day: a classic project has its first only, and always one."""
        found = sorted(self.events, key=lambda one: (one.arm_num, one.day_offset))
        return tuple(found if self.is_longitudinal else found[:1]) or (ONLY_EVENT,)

    @cached_property
    def event_by_id(self) -> dict[int, Event]:
        return {one.event_id: one for one in self.ordered_events}

    @cached_property
    def event_by_name(self) -> dict[str, Event]:
        return {one.unique_name: one for one in self.ordered_events}

    @cached_property
    def event_order(self) -> dict[int, int]:
        return {one.event_id: index for index, one in enumerate(self.ordered_events)}

    @cached_property
    def form_order(self) -> dict[str, int]:
        return {form.name: index for index, form in enumerate(self.forms)}

    @cached_property
    def repeating(self) -> frozenset[tuple[int, str]]:
        """Pairs of event and form; the form is '' where the whole event repeats."""
        return frozenset((one.event_id, one.form) for one in self.repeats)

    @cached_property
    def missing_codes(self) -> dict[str, str]:
        text = self.settings.get("MissingDataCodes", "").replace("\n", "|")
        return parse_choices(text)

    def is_designated(self, event_id: int, form: str) -> bool:
        """Tell whether the form is filled in at the event; in a classic project all are."""
        event = self.event_by_id.get(event_id)
        return event is not None and (not self.is_longitudinal or form in event.forms)

    def repeats_at(self, event_id: int, form: str) -> bool:
        """Tell whether the form has instances at the event: it repeats itself, or the whole event does."""
        return (event_id, form) in self.repeating or (event_id, "") in self.repeating

    def is_applicable(self, key: RowKey, form: str) -> bool:
        """Tell whether a row holds the form's cells at all (C.6)."""
        place = (key.event_id, key.instrument, key.instance > 0, form)
        known = self._applicable.get(place)
        if known is None:
            known = self._applicable[place] = self._find_applicable(key, form)
        return known

    @cached_property
    def _applicable(self) -> dict[tuple[int, str, bool, str], bool]:
        return {}

    def _find_applicable(self, key: RowKey, form: str) -> bool:
        if not self.is_designated(key.event_id, form):
            return False
        if key.instrument:
            return key.instrument == form
        # A repeating event takes all its forms with it; elsewhere a repeating form has rows of its own.
        return key.instance > 0 or (key.event_id, form) not in self.repeating
