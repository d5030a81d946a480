"""Redesign: what changed in a project's structure since a run, told apart by what it does to data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

from capstan.dictionary import Dictionary, Field
from capstan.events import EventGrid
from capstan.structure import Structure


class Kind(StrEnum):
    """How something changed."""

    LABEL = "label only"
    NEW_CHOICE = "new choice"
    NEW_FIELD = "new field"
    NEW_PLACE = "new event, arm or form"
    LOGIC = "logic, calculation or annotation"
    VERSION = "REDCap version"
    REMOVED_FIELD = "removed field"
    REMOVED_CHOICE = "removed choice"
    MOVED_FIELD = "moved to another form"
    OTHER_TYPE = "other type"
    REMOVED_PLACE = "removed event, arm or form"
    OTHER_REPEATS = "other repeats"


# What was right before is right after these.
HARMLESS = frozenset({Kind.LABEL, Kind.NEW_CHOICE, Kind.NEW_FIELD, Kind.NEW_PLACE, Kind.LOGIC, Kind.VERSION})


class Change(NamedTuple):
    """One change: its kind, and the field, form, event or arm where it is."""

    kind: Kind
    place: str

    def __str__(self) -> str:
        """Write it as in `part_age: other type`."""
        return f"{self.place}: {self.kind}"

    @property
    def is_harmless(self) -> bool:
        """Whether data and rules that fitted before fit after it."""
        return self.kind in HARMLESS


def changes_between(then: Structure, now: Structure) -> tuple[Change, ...]:
    """List what changed, those first that can make data or rules wrong."""
    found = [
        *_fields(then.dictionary, now.dictionary),
        *_labels(then.dictionary.forms, now.dictionary.forms, what="instrument"),
        *_places(then.grid, now.grid),
    ]
    if then.version != now.version:
        found.append(Change(Kind.VERSION, f"{then.version} to {now.version}"))
    return tuple(sorted(found, key=lambda change: (change.is_harmless, change)))


def _fields(then: Dictionary, now: Dictionary) -> Iterator[Change]:
    for name in then.by_name.keys() - now.by_name.keys():
        yield Change(Kind.REMOVED_FIELD, name)
    for name in now.by_name.keys() - then.by_name.keys():
        yield Change(Kind.NEW_FIELD, name)
    for name in then.by_name.keys() & now.by_name.keys():
        was, is_ = then.by_name[name], now.by_name[name]
        if was != is_:
            yield from (Change(kind, name) for kind in _kinds(was, is_))


def _kinds(was: Field, is_: Field) -> Iterator[Kind]:
    """How one field changed; several kinds at once are possible."""
    if was.form != is_.form:
        yield Kind.MOVED_FIELD
    if values_of(was) != values_of(is_):
        yield Kind.OTHER_TYPE
    if was.choices.keys() - is_.choices.keys():
        yield Kind.REMOVED_CHOICE
    if is_.choices.keys() - was.choices.keys():
        yield Kind.NEW_CHOICE
    shared = was.choices.keys() & is_.choices.keys()
    if was.label != is_.label or any(was.choices[code] != is_.choices[code] for code in shared):
        yield Kind.LABEL
    if _rules_of(was) != _rules_of(is_):
        yield Kind.LOGIC


def values_of(field: Field) -> tuple[str, ...]:
    """What says which values a field takes, beside its choices."""
    return (field.type, field.validation, field.minimum, field.maximum)


def _rules_of(field: Field) -> tuple[object, ...]:
    return (field.calculation, field.branching, field.annotation, field.required, field.identifier)


def _places(then: EventGrid, now: EventGrid) -> Iterator[Change]:
    was, is_ = ({event.name: event.label for event in grid.events} for grid in (then, now))
    yield from _labels(was, is_, what="event")
    yield from _labels(then.arms, now.arms, what="arm")
    lost, won = then.designated - now.designated, now.designated - then.designated
    for kind, places in (
        (Kind.REMOVED_PLACE, lost),
        (Kind.NEW_PLACE, won),
        (Kind.OTHER_REPEATS, then.repeating ^ now.repeating),
    ):
        yield from (
            Change(kind, f"form {form or '(all)'} of event {event or '(none)'}") for event, form in places
        )


def _labels(was: Mapping[str, str], is_: Mapping[str, str], *, what: str) -> Iterator[Change]:
    for name in was.keys() | is_.keys():
        if name not in is_:
            yield Change(Kind.REMOVED_PLACE, f"{what} {name}")
        elif name not in was:
            yield Change(Kind.NEW_PLACE, f"{what} {name}")
        elif was[name] != is_[name]:
            yield Change(Kind.LABEL, f"{what} {name}")
