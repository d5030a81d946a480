"""A form of a record on its way between the store and a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.data.places import Place, find_place
from sandbox.pages.asked import Asked
from sandbox.pages.grid import locked_forms
from sandbox.pages.moments import typed
from sandbox.project.field import Column
from sandbox.project.model import Project
from sandbox.state import State
from sandbox.storage.rows import load_rows

PREFIX = "value-"
Values = Mapping[str, str]


@dataclass(frozen=True)
class Entry:
    """A form of a record as it is stored; values are by export column."""

    project: Project
    place: Place
    values: Values
    is_new: bool
    is_locked: bool

    @property
    def columns(self) -> list[Column]:
        """The columns that a person can fill in."""
        project = self.project
        return [
            column
            for column in project.columns
            if column.field.form_name == self.place.form
            and column.field.field_name != project.id_field
            and not column.field.is_calculated
            and column.field.field_type != "file"
        ]


def open_entry(state: State, asked: Asked) -> Entry:
    """Find the form that an address names; a new record's form is blank."""
    project = asked.project(state)
    place = find_place(
        project,
        asked.text("id"),
        form=asked.text("form"),
        event=_event_name(project, asked),
        instance=asked.number("instance"),
    )
    rows = load_rows(state.store, project, records=[place.record])
    key = place.key(project)
    locked = locked_forms(state.store, project, keys=[*rows, key])
    return Entry(project, place, rows.get(key, {}), not rows, (key, place.form) in locked)


def typed_values(entry: Entry, form: Values) -> dict[str, str]:
    """Return what was typed by column, dates as they are stored; what is missing was left blank."""
    return {
        column.name: typed(column.field.validation, form.get(PREFIX + column.name, ""))
        for column in entry.columns
    }


def changed(entry: Entry, given: Values) -> dict[str, str]:
    """Return the values that differ from what is stored; the others need no check."""
    blank = {column.name: "0" if column.code else "" for column in entry.columns}
    return {
        name: value
        for name, value in given.items()
        if (value or blank[name]) != (_lines(entry.values.get(name, "")) or blank[name])
    }


def address_of(place: Place) -> dict[str, object]:
    """Return a form's address as query values."""
    return {
        "id": place.record,
        "event": place.event.unique_name,
        "form": place.form,
        "instance": place.instance,
    }


def _lines(text: str) -> str:
    # A browser sends line breaks as CR LF, whatever the record has.
    return text.replace("\r\n", "\n").replace("\n", "\r\n")


def _event_name(project: Project, asked: Asked) -> str:
    """Return the event's unique name; REDCap's own addresses have its number."""
    event = project.event_by_id.get(asked.number("event_id", 0))
    return asked.text("event") if event is None else event.unique_name
