"""The small parts of a project: arms, events, forms, what repeats, access groups, and where a value is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class RowKey(NamedTuple):
    """Where a value is; base rows have no instrument and instance 0."""

    record: str
    event_id: int
    instrument: str
    instance: int


@dataclass(frozen=True)
class Form:
    name: str
    label: str


@dataclass(frozen=True)
class Arm:
    number: int
    name: str


@dataclass(frozen=True)
class Event:
    event_id: int
    label: str
    arm_num: int
    unique_name: str
    day_offset: float = 1
    offset_min: float = 0
    offset_max: float = 0
    custom_label: str = ""
    forms: tuple[str, ...] = ()


@dataclass(frozen=True)
class Repeat:
    """A repeating form of an event, or the whole event when `form` is ''."""

    event_id: int
    form: str = ""
    custom_label: str = ""


@dataclass(frozen=True)
class Group:
    """A data access group."""

    group_id: int
    name: str
    unique_name: str
