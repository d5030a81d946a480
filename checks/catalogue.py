"""The catalogue: every check by its id, how far it reaches, and what it means in one line."""

from __future__ import annotations

from types import MappingProxyType
from typing import NamedTuple

from capstan.verdict import Severity


class Entry(NamedTuple):
    """One check: its severity and its meaning for people."""

    severity: Severity
    meaning: str


CATALOGUE = MappingProxyType(
    {
        # Structure: the table as a whole.
        "unknown_column": Entry(Severity.FATAL, "a column that the data dictionary does not have"),
        "missing_key_column": Entry(Severity.FATAL, "record id, event or repeat columns are absent"),
        "duplicate_column": Entry(Severity.FATAL, "two columns with one name"),
        # Rows: the keys.
        "record_blank": Entry(Severity.ERROR, "a record id that is blank or longer than 100 characters"),
        "record_unknown": Entry(Severity.ERROR, "a record that the project does not have"),
        "event_blank": Entry(Severity.ERROR, "no event: REDCap would take the first one, silently"),
        "event_unknown": Entry(Severity.ERROR, "an event that the project does not have"),
        "wrong_arm": Entry(Severity.ERROR, "an event of an arm where this participant may have no data"),
        "repeat_form_invalid": Entry(Severity.ERROR, "an instrument that does not repeat in this event"),
        "repeat_instance_invalid": Entry(
            Severity.ERROR, "an instance number that is wrong, missing or misplaced"
        ),
        "repeat_instance_gap": Entry(Severity.WARNING, "an instance whose predecessor does not exist"),
        "duplicate_row": Entry(Severity.ERROR, "the same record, event, instrument and instance twice"),
        # Cells: where they are.
        "field_not_in_event": Entry(Severity.ERROR, "a field whose form is not designated for the event"),
        "field_not_on_row": Entry(Severity.ERROR, "a repeating form's field on another row, or the reverse"),
        # Cells: what they hold.
        "choice_unknown": Entry(Severity.ERROR, "a code that is not among the field's choices"),
        "checkbox_value": Entry(Severity.ERROR, "a checkbox that is not 0 or 1"),
        "yesno_value": Entry(Severity.ERROR, "a yes/no or true/false field that is not 0 or 1"),
        "form_status": Entry(Severity.ERROR, "a form status that is not 0, 1 or 2"),
        "slider_value": Entry(Severity.ERROR, "a slider that is not a whole number within its range"),
        "type_mismatch": Entry(Severity.ERROR, "a value that does not have the form of its validation type"),
        "out_of_range": Entry(Severity.ERROR, "a value below the field's minimum or above its maximum"),
        "phone_e164": Entry(Severity.ERROR, "a phone number that cannot be dialled"),
        "too_long": Entry(Severity.ERROR, "a text of more than 65,000 characters"),
        "control_chars": Entry(Severity.ERROR, "control characters, or a line break in a one-line field"),
        "future_date": Entry(Severity.ERROR, "a date after today in a field that describes the past"),
        "unknown_validation": Entry(
            Severity.NOTE, "a validation type that Capstan does not know: not checked"
        ),
        # Cells: what they would change.
        "read_only_field": Entry(Severity.ERROR, "a field that this study, or REDCap, does not let us write"),
        "not_exported": Entry(Severity.ERROR, "a field that the token may not export, so no undo"),
        "overwrite_with_blank": Entry(Severity.ERROR, "a blank that would erase a value"),
        "overwrite_value": Entry(Severity.WARNING, "a value that replaces another"),
        "stale_base": Entry(Severity.ERROR, "a cell that somebody changed since the plan was made"),
        # Rows: what they say together.
        "required_blank": Entry(Severity.WARNING, "a required field that stays blank on a started form"),
        "hidden_has_value": Entry(Severity.WARNING, "a value in a field that branching logic hides"),
        "logic_not_evaluated": Entry(Severity.NOTE, "branching logic that could not be read: not checked"),
        # The run.
        "mass_change": Entry(Severity.HOLD, "more changes than the study allows one run"),
        "all_or_nothing": Entry(Severity.FATAL, "rows were stopped, and the study writes all or none"),
        "response_count": Entry(Severity.ERROR, "a cell in which REDCap does not hold what was written"),
        "moved_on": Entry(Severity.ERROR, "a cell that somebody changed since, so an undo leaves it alone"),
        "row_refused": Entry(Severity.ERROR, "a row that REDCap itself refused"),
    }
)


def severity(check: str) -> Severity:
    """How far a check reaches."""
    return CATALOGUE[check].severity
