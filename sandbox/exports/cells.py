"""How a stored value is shown: labels, files, decimal marks (C.7, C.8)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sandbox.call import Call
from sandbox.exports.columns import TIMESTAMP
from sandbox.project.field import Column, Field, strip_tags
from sandbox.project.model import Project

Show = Callable[[str], str]
FILE_NAMES_SINCE = (13,)
PSEUDO_LABELS = {
    "redcap_event_name": "Event Name",
    "redcap_repeat_instrument": "Repeat Instrument",
    "redcap_repeat_instance": "Repeat Instance",
    "redcap_data_access_group": "Data Access Group",
    "redcap_survey_identifier": "Survey Identifier",
}


@dataclass(frozen=True)
class Style:
    """How to show values; `files` has the stored names by document id."""

    labels: bool
    checkbox_labels: bool
    decimal: str
    gray_blank: bool
    files: Mapping[str, str]
    version: tuple[int, ...]
    missing: Mapping[str, str]


def read_style(call: Call, project: Project, *, files: Mapping[str, str], version: tuple[int, ...]) -> Style:
    """Read the display parameters of an export."""
    return Style(
        labels=call.text("rawOrLabel") == "label",
        checkbox_labels=call.flag("exportCheckboxLabel"),
        decimal=call.text("decimalCharacter"),
        gray_blank=call.flag("exportBlankForGrayFormStatus"),
        files=files,
        version=version,
        missing=project.missing_codes,
    )


def blank_of(column: Column, style: Style) -> str:
    """Return what an applicable cell without a stored value shows (C.6)."""
    if column.code:
        return "0"
    return "0" if column.field.is_status and not style.gray_blank else ""


def shower(column: Column, style: Style) -> Show | None:
    """Return how to change this column's raw values, or None where they are shown as stored."""
    kind = column.field.field_type
    if kind == "file":
        return lambda doc_id: _file_name(doc_id, style)
    if style.labels and column.code:
        return _checkbox_shower(column, style)
    labels = labels_of(column.field, style) if style.labels else {}
    decimal = style.decimal if style.decimal in (",", ".") and _has_decimals(column) else ""
    if decimal:
        other = "." if decimal == "," else ","
        return lambda value: labels.get(value) or value.replace(other, decimal)
    return (lambda value: labels.get(value, value)) if labels else None


def labels_of(one: Field, style: Style) -> dict[str, str]:
    """Return labels by stored value; codes for missing data have theirs in any field."""
    return {code: strip_tags(label) for code, label in {**style.missing, **one.choices}.items()}


def combined(column: Column, style: Style) -> dict[str, str]:
    """Return what a column of combined options shows for each code; {} for other columns.

    The separator, a comma, and the heading, the field's label, were not recorded (J.1).
    """
    if column.field.field_type != "checkbox" or column.code:
        return {}
    labels = labels_of(column.field, style) if style.labels else {}
    return {code: labels.get(code, code) for code in column.field.choices}


def header_label(column: Column) -> str:
    """Return a column's heading with rawOrLabelHeaders=label."""
    label = strip_tags(column.field.field_label)
    if column.field.field_type == TIMESTAMP:
        return "Survey Timestamp"
    if column.code:
        return f"{label} (choice={strip_tags(column.field.choices[column.code])})"
    return label


def event_label(project: Project, event_id: int) -> str:
    """Return `Event 1`, with its arm where there are several (C.8)."""
    event = project.event_by_id[event_id]
    if len({one.arm_num for one in project.events}) < 2:
        return event.label
    arm = next((one.name for one in project.arms if one.number == event.arm_num), "")
    return f"{event.label} (Arm {event.arm_num}: {arm})"


def form_label(project: Project, form: str) -> str:
    """Return an instrument's label; '' for rows without one."""
    return next((strip_tags(one.label) for one in project.forms if one.name == form), form)


def _file_name(doc_id: str, style: Style) -> str:
    return style.files.get(doc_id, "") if style.version >= FILE_NAMES_SINCE else "[document]"


def _checkbox_shower(column: Column, style: Style) -> Show:
    on = strip_tags(column.field.choices[column.code]) if style.checkbox_labels else "Checked"
    off = "" if style.checkbox_labels else "Unchecked"
    return lambda value: on if value == "1" else off


def _has_decimals(column: Column) -> bool:
    return column.field.field_type == "calc" or column.field.validation.startswith("number")
