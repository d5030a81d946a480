"""The checks of one imported cell, in REDCap's order (D.4, D.6)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from sandbox.exports.cells import event_label
from sandbox.imports.addressing import Placed, RowError
from sandbox.imports.validation import GENERIC, Checked, check_text
from sandbox.model import Column, Field, Project

NOT_DESIGNATED = (
    "This field ('{0}') exists on an instrument that is not designated for the event named '{1}'. You are "
    "not allowed to import data for this field into this event."
)
NO_REPEAT_COLUMNS = (
    "This field ('{0}') exists on a Repeating Instrument named '{1}'. However, the fields "
    "'redcap_repeat_instance' and/or 'redcap_repeat_instrument' for this row of data have no value, which "
    "are both required for importing data into a Repeating Instrument.  You are not allowed to import data "
    "for this field into a non-repeating instrument."
)
# The next two texts were never recorded (J.1, D.4 rule 3).
OTHER_INSTRUMENT = (
    "This field ('{0}') does not exist on the Repeating Instrument named '{1}'.  You are not allowed to "
    "import data for this field into this row of data."
)
IS_FILE = "This field ('{0}') is a File Upload field. Its value cannot be changed by a data import."
_INTEGER = re.compile(r"-?[0-9]+")


@dataclass
class CellChecker:
    """Judges cells of one import; equal values of a column are judged once."""

    project: Project
    date_format: str
    _judged: dict[tuple[str, str], Checked] = field(default_factory=dict)

    def check_row(self, row: Placed) -> Iterator[tuple[Column, str]]:
        """Yield the cells of a row that may be imported; errors go into the row."""
        for name, value in row.cells.items():
            column = self.project.column_by_name[name]
            if column.field.is_calculated:
                continue
            if value.strip() == "":
                # Blanks are welcome everywhere, so that a full export can be imported again.
                if self.project.is_applicable(row.key, column.field.form_name) and row.is_complete:
                    yield column, ""
                continue
            checked = self._check(column, value, row=row)
            if checked.message:
                row.errors.append(RowError(row.key.record, name, value, checked.message))
            else:
                yield column, checked.value

    def _check(self, column: Column, value: str, *, row: Placed) -> Checked:
        misplaced = self._misplaced(column.field, row)
        if misplaced:
            return Checked(value, misplaced)
        known = self._judged.get((column.name, value))
        if known is None:
            known = self._judged[column.name, value] = self._judge(column, value)
        return known

    def _misplaced(self, one: Field, row: Placed) -> str:
        form, key = one.form_name, row.key
        if self.project.is_applicable(key, form) and row.is_complete:
            return ""
        if not self.project.is_designated(key.event_id, form):
            return NOT_DESIGNATED.format(one.field_name, event_label(self.project, key.event_id))
        if (key.event_id, form) in self.project.repeating and (not key.instrument or key.instrument == form):
            return NO_REPEAT_COLUMNS.format(one.field_name, form)
        return OTHER_INSTRUMENT.format(one.field_name, key.instrument)

    def _judge(self, column: Column, value: str) -> Checked:
        one = column.field
        kind, trimmed = one.field_type, value.strip()
        if kind == "file":
            return Checked(value, IS_FILE.format(one.field_name))
        if trimmed in self.project.missing_codes and not column.code:
            return Checked(trimmed)
        if kind == "checkbox":
            return Checked(trimmed, "" if trimmed in ("0", "1") else _no_category(column.name))
        if kind in ("radio", "dropdown", "yesno", "truefalse"):
            return Checked(trimmed, "" if trimmed in one.choices else _no_category(one.field_name))
        if kind == "slider":
            return Checked(trimmed, "" if _is_on_slider(one, trimmed) else GENERIC)
        if kind == "text" and one.validation:
            return check_text(one.validation, value, date_format=self.date_format)
        return Checked(value)


def _no_category(name: str) -> str:
    return f"The value is not a valid category for {name}"


def _is_on_slider(one: Field, value: str) -> bool:
    if not _INTEGER.fullmatch(value):
        return False
    low, high = (
        text if _INTEGER.fullmatch(text) else ""
        for text in (one.text_validation_min, one.text_validation_max)
    )
    return int(low or 0) <= int(value) <= int(high or 100)
