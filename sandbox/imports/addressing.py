"""Where an imported row goes: record, event, instrument, instance (D.2, D.6)."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

from sandbox.errors import BAD_FORMAT, ApiError, unknown_events, unknown_fields
from sandbox.exports.columns import PSEUDO
from sandbox.payload import Row
from sandbox.project.model import Project
from sandbox.project.names import name_problem
from sandbox.project.parts import RowKey

BAD_INSTRUMENT = (
    "redcap_repeat_instrument must be the unique form name of a Repeating Instrument. It currently does not "
    "match the unique form name of any Repeating Instruments.  Please fix this in the data import file and "
    "try again."
)
NO_INSTANCE = (
    "redcap_repeat_instance cannot have a value since this instrument or event is not a repeating instrument "
    "or repeating event, respectively.  The redcap_repeat_instance field must be left blank for this row of "
    "data."
)
# These texts were never recorded (J.1).
BAD_INSTANCE = "redcap_repeat_instance must be a whole number greater than 0, or 'new'."
NO_EVENTS = "The project has no events."
NEW = -1
_INSTANCE = re.compile(r"0*[1-9][0-9]{0,8}")


class RowError(NamedTuple):
    """One line of the error block (D.8)."""

    record: str
    field: str
    value: str
    message: str


@dataclass
class Placed:
    """One payload row with its place; `is_complete` is False when a repeating row lacks its instance.

    `given` is the record as the payload calls it, and `cells` are all of its columns.
    """

    key: RowKey
    given: str
    cells: Row
    is_complete: bool = True
    group: str | None = None
    errors: list[RowError] = field(default_factory=list)

    def refuse(self, name: str, value: str, *, message: str) -> None:
        self.errors.append(RowError(self.given, name, value, message))


def place_rows(project: Project, rows: Sequence[Row]) -> list[Placed]:
    """Work out the places of all rows; what is wrong with one becomes its row errors.

    Raises `ApiError` for what REDCap refuses alone and first: unknown columns and events.
    """
    if not project.events:
        raise ApiError(NO_EVENTS)
    if any(project.id_field not in row for row in rows):
        raise ApiError(BAD_FORMAT)
    _check_columns(project, dict.fromkeys(chain.from_iterable(rows)))
    if project.is_longitudinal:
        _check_events(project, rows)
    return [_place_row(project, row) for row in rows]


def _check_columns(project: Project, names: Collection[str]) -> None:
    allowed = {f"{form}_timestamp" for form in project.surveys} | set(PSEUDO)
    unknown = [name for name in names if name not in project.column_by_name and name not in allowed]
    if unknown:
        raise unknown_fields(unknown)


def _check_events(project: Project, rows: Sequence[Row]) -> None:
    named = dict.fromkeys(row.get("redcap_event_name", "").strip() for row in rows)
    unknown = [name for name in named if name and name not in project.event_by_name]
    if unknown:
        raise unknown_events(unknown)


def _place_row(project: Project, row: Row) -> Placed:
    record = row[project.id_field].strip()
    key = RowKey(record, _event_id(project, row), "", 0)
    placed = Placed(key, record, row, group=row.get("redcap_data_access_group"))
    problem = name_problem(record)
    if problem:
        placed.refuse(project.id_field, record, message=problem)
    instrument = row.get("redcap_repeat_instrument", "").strip()
    instance = row.get("redcap_repeat_instance", "").strip()
    if instrument or instance or project.is_repeating:
        _place_instance(project, placed, instrument=instrument, instance=instance)
    return placed


def _event_id(project: Project, row: Row) -> int:
    name = row.get("redcap_event_name", "").strip() if project.is_longitudinal else ""
    # Without a name the project's first event is meant (D.2 rule 2).
    return project.event_by_name[name].event_id if name else project.ordered_events[0].event_id


def _place_instance(project: Project, placed: Placed, *, instrument: str, instance: str) -> None:
    event_id = placed.key.event_id
    if (event_id, "") in project.repeating and not instrument:
        placed.key = placed.key._replace(instance=_instance_number(placed, instance or "1"))
    elif instrument and (event_id, instrument) in project.repeating:
        placed.is_complete = bool(instance)
        number = _instance_number(placed, instance) if instance else 0
        placed.key = placed.key._replace(instrument=instrument, instance=number)
    else:
        if instrument:
            placed.refuse("redcap_repeat_instrument", instrument, message=BAD_INSTRUMENT)
        if instance:
            placed.refuse("redcap_repeat_instance", instance, message=NO_INSTANCE)


def _instance_number(placed: Placed, text: str) -> int:
    if text == "new":
        return NEW
    if _INSTANCE.fullmatch(text):
        return int(text)
    placed.refuse("redcap_repeat_instance", text, message=BAD_INSTANCE)
    return 0
