"""What an expression may name: fields, choices, events, and which instruments repeat where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Event(NamedTuple):
    """One event of a longitudinal project; plain tuples in this order do as well."""

    name: str
    label: str
    arm_number: int
    arm_name: str


@dataclass(frozen=True)
class Layout:
    """A project as plain data, made by whoever knows its dictionary.

    `form_of` has every field that holds data, the record-id field and `<form>_complete` included, and its
    form. `checkboxes` maps field and code to the export column, `choices` field and code to the label.
    `events` are (unique name, label, arm number, arm name) in project order, none for a classic project.
    `designated` and `repeating` hold (event, form): form `""` is a repeating event, event `""` a classic
    project. `forms` maps form to label, `validation` field to its validation type.
    """

    record_field: str
    form_of: Mapping[str, str]
    checkboxes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    choices: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    events: tuple[tuple[str, str, int, str], ...] = ()
    designated: frozenset[tuple[str, str]] = frozenset()
    repeating: frozenset[tuple[str, str]] = frozenset()
    forms: Mapping[str, str] = field(default_factory=dict)
    validation: Mapping[str, str] = field(default_factory=dict)
    missing_codes: frozenset[str] = frozenset()
