"""Where an imported row goes: record, event, instrument, instance (D.2, D.6)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sandbox.errors import BAD_FORMAT, ApiError, unknown_events, unknown_fields
from sandbox.exports.columns import PSEUDO
from sandbox.imports.payload import Row
from sandbox.model import Project, RowKey

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
# These three texts were never recorded (J.1).
BAD_INSTANCE = "redcap_repeat_instance must be a whole number greater than 0, or 'new'."
NO_RECORD = "The record ID field must have a value."
LONG_RECORD = "The record ID may have no more than 100 characters."
MAX_RECORD = 100


class RowError(NamedTuple):
    """One line of the error block (D.8)."""

    record: str
    field: str
    value: str
    message: str


@dataclass
class Placed:
    """One payload row with its place; `is_complete` is False when a repeating row lacks its instance."""

    key: RowKey
    given: str
    cells: Row
    is_complete: bool = True
    group: str | None = None
    errors: list[RowError] = field(default_factory=list)


def check_columns(project: Project, names: Iterable[str]) -> None:
    """Refuse the whole request when a column is no field (D.4 rule 1)."""
    allowed = {f"{form}_timestamp" for form in project.surveys} | set(PSEUDO)
    unknown = [name for name in names if name not in project.column_by_name and name not in allowed]
    if unknown:
        raise unknown_fields(unknown)


def check_events(project: Project, rows: Sequence[Row]) -> None:
    """Refuse the whole request when an event is not the project's (D.2 rule 3)."""
    if not project.is_longitudinal:
        return
    named = dict.fromkeys(row.get("redcap_event_name", "").strip() for row in rows)
    unknown = [name for name in named if name and name not in project.event_by_name]
    if unknown:
        raise unknown_events(unknown)


def from_eav(project: Project, rows: Sequence[Row]) -> list[Row]:
    """Turn lines of one value each into rows like those of a flat payload."""
    found: dict[tuple[str, ...], Row] = {}
    leads = PSEUDO[:3]
    for row in rows:
        if "record" not in row or "field_name" not in row:
            raise ApiError(BAD_FORMAT)
        where = (row["record"].strip(), *(row.get(name, "").strip() for name in leads))
        flat = found.setdefault(where, dict(zip((project.id_field, *leads), where, strict=True)))
        if row["field_name"] != project.id_field:
            flat[row["field_name"]] = row.get("value", "")
    return list(found.values())


def place_row(project: Project, row: Row) -> Placed:
    """Work out a row's place; what is wrong with it becomes row errors."""
    record = row.get(project.id_field, "").strip()
    cells = {name: value for name, value in row.items() if name in project.column_by_name}
    cells.pop(project.id_field, None)
    event_id = _event_id(project, row)
    instrument = row.get("redcap_repeat_instrument", "").strip()
    instance = row.get("redcap_repeat_instance", "").strip()
    placed = Placed(RowKey(record, event_id, "", 0), record, cells, group=row.get("redcap_data_access_group"))
    if len(record) > MAX_RECORD or not record:
        message = LONG_RECORD if record else NO_RECORD
        placed.errors.append(RowError(record, project.id_field, record, message))
    _place_instance(project, placed, instrument=instrument, instance=instance)
    return placed


def number_new(placed: Sequence[Placed], used: dict[tuple[str, int, str], int]) -> None:
    """Give rows with the instance `new` the numbers after the highest one in use.

    `used` holds the highest instance by record, event and instrument, and is counted up.
    """
    for row in placed:
        where = (row.key.record, row.key.event_id, row.key.instrument)
        if row.key.instance < 0:
            row.key = row.key._replace(instance=used.get(where, 0) + 1)
        used[where] = max(used.get(where, 0), row.key.instance)


def _event_id(project: Project, row: Row) -> int:
    name = row.get("redcap_event_name", "").strip() if project.is_longitudinal else ""
    # Without a name the project's first event is meant (D.2 rule 2).
    return project.event_by_name[name].event_id if name else project.ordered_events[0].event_id


def _place_instance(project: Project, placed: Placed, *, instrument: str, instance: str) -> None:
    event_id = placed.key.event_id
    if (event_id, "") in project.repeating and not instrument:
        number = _instance_number(placed, instance or "1")
        placed.key = placed.key._replace(instance=number)
    elif instrument and (event_id, instrument) in project.repeating:
        placed.is_complete = bool(instance)
        number = _instance_number(placed, instance) if instance else 0
        placed.key = placed.key._replace(instrument=instrument, instance=number)
    else:
        record = placed.key.record
        if instrument:
            placed.errors.append(RowError(record, "redcap_repeat_instrument", instrument, BAD_INSTRUMENT))
        if instance:
            placed.errors.append(RowError(record, "redcap_repeat_instance", instance, NO_INSTANCE))


def _instance_number(placed: Placed, text: str) -> int:
    if text == "new":
        return -1
    if text.isascii() and text.isdecimal() and int(text) > 0:
        return int(text)
    placed.errors.append(RowError(placed.key.record, "redcap_repeat_instance", text, BAD_INSTANCE))
    return 0
