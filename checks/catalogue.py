"""The catalogue: every check by its id, how far it reaches, what it means, and what to do about it."""

from __future__ import annotations

from types import MappingProxyType
from typing import NamedTuple

from capstan.verdict import Severity


class Entry(NamedTuple):
    """One check, for people: severity, meaning in one line, what to do, what REDCap would do by itself.

    `needs` says what the check must know beyond the table and the data dictionary.
    """

    severity: Severity
    meaning: str
    remedy: str = ""
    redcap: str = ""
    needs: str = ""


_F, _H, _E, _W, _N = Severity.FATAL, Severity.HOLD, Severity.ERROR, Severity.WARNING, Severity.NOTE
_REFUSES, _ACCEPTS, _IGNORES = "refuses the import", "accepts it silently", "ignores the value"
_STORED = "what REDCap holds"

_STRUCTURE = {
    "unknown_column": Entry(
        _F,
        "a column that the data dictionary does not have",
        "Correct the column's name, or remove it; a checkbox has one column for each code.",
        _REFUSES,
    ),
    "missing_key_column": Entry(
        _F,
        "record id, event or repeat columns are absent",
        "Add the column: it says where each row belongs.",
        "refuses it, or takes the first event",
    ),
    "duplicate_column": Entry(_F, "two columns with one name", "Remove one of the two.", "keeps one of them"),
    "dictionary_drift": Entry(
        _F,
        "a field that the run uses changed in the project since the last run",
        "Look at what changed, mend the study or the file, then `capstan drift STUDY --accept`.",
        _ACCEPTS,
        "the project's structure at the last run",
    ),
}
_ROWS = {
    "record_blank": Entry(
        _E,
        "a record id that is blank, longer than 100 characters, or has control characters",
        "Give the participant's id.",
        _REFUSES,
    ),
    "record_id_format": Entry(
        _E,
        "a new record id that is not of the study's form, or has a wrong check digit",
        "Correct the id; spreadsheets drop leading zeros.",
        _ACCEPTS,
        "`checks.record_id` and `checks.record_id_digit` of the study",
    ),
    "record_unknown": Entry(
        _E,
        "a record that the project does not have",
        "Correct the id, or allow new records with `max_new_records`.",
        "creates the record",
        "the ids of all records",
    ),
    "record_exists": Entry(
        _E,
        "a record that is there already, where runs may only add new ones",
        "Give a new id, or take `writes.only_new` out of the study.",
        "overwrites the record",
        "the ids of all records",
    ),
    "event_blank": Entry(
        _E,
        "no event: REDCap would take the first one, silently",
        "Name the event of the row.",
        "takes the first event",
    ),
    "event_unknown": Entry(
        _E, "an event that the project does not have", "Use the event's unique name.", _REFUSES
    ),
    "wrong_arm": Entry(
        _E,
        "an event of an arm where this participant may have no data",
        "Use the event of the participant's own arm; `--fix suggested` names it where there is one.",
        _ACCEPTS,
        "the participant's arm: `arms` of the study and " + _STORED,
    ),
    "cross_arm_presence": Entry(
        _W,
        "a record that already has data in an arm where it may have none",
        "Look at the record in REDCap; move the data to the right arm, or delete them there.",
        _ACCEPTS,
        "the participant's arm: `arms` of the study and " + _STORED,
    ),
    "repeat_form_invalid": Entry(
        _E,
        "an instrument that does not repeat in this event",
        "Leave the repeat columns blank, or let the instrument repeat in REDCap.",
        _REFUSES,
    ),
    "repeat_instance_invalid": Entry(
        _E,
        "an instance number that is wrong, missing or misplaced",
        "Give a whole number from 1, or `new`, on repeating rows and on no others.",
        "refuses it; takes a blank on a repeating event as 1",
    ),
    "repeat_instance_gap": Entry(
        _W,
        "an instance whose predecessor does not exist",
        "See whether a row was left out.",
        _ACCEPTS,
        _STORED,
    ),
    "duplicate_row": Entry(
        _E,
        "the same record, event, instrument and instance twice",
        "Keep one of the rows; where all agree, the surplus is only a warning.",
        "keeps the last one silently",
    ),
    "new_record_incomplete": Entry(
        _E,
        "a row of a new record whose first row was stopped",
        "Correct the first row; the record comes in whole.",
        _ACCEPTS,
        "the ids of all records",
    ),
    "rests_on_stopped": Entry(
        _E,
        "a row of a record in which many rows were stopped, each for the one before",
        "Correct the row that was stopped first; the others come in.",
        _ACCEPTS,
        _STORED,
    ),
}
_PLACES = {
    "field_not_in_event": Entry(
        _E,
        "a field whose form is not designated for the event",
        "Correct the event, or designate the form in REDCap.",
        _REFUSES,
    ),
    "field_not_on_row": Entry(
        _E,
        "a repeating form's field on another row, or the reverse",
        "Put the field on the row of its own instrument.",
        _REFUSES,
    ),
}
_VALUES = {
    "choice_unknown": Entry(
        _E, "a code that is not among the field's choices", "Give the code, not the label.", _REFUSES
    ),
    "checkbox_value": Entry(_E, "a checkbox that is not 0 or 1", "Give 1 for checked, 0 for not.", _REFUSES),
    "yesno_value": Entry(
        _E,
        "a yes/no or true/false field that is not 0 or 1",
        "Give 1 for yes or true, 0 for no or false.",
        _REFUSES,
    ),
    "form_status": Entry(
        _E,
        "a form status that is not 0, 1 or 2",
        "Give 0 (incomplete), 1 (unverified) or 2 (complete).",
        _REFUSES,
    ),
    "slider_value": Entry(
        _E,
        "a slider that is not a whole number within its range",
        "Give a whole number within the range.",
        _REFUSES,
    ),
    "sql_choice": Entry(
        _N,
        "a field whose choices come from a query: not checked",
        "Nothing; REDCap judges the value on import.",
        _REFUSES,
    ),
    "type_mismatch": Entry(
        _E,
        "a value that does not have the form of its validation type",
        "Write it as the type wants: dates as YYYY-MM-DD, exact decimals, plain digits.",
        "refuses most; it reads dates with slashes as it is set to",
    ),
    "out_of_range": Entry(
        _E,
        "a value below the field's minimum or above its maximum",
        "Correct the value, or enter it in REDCap, where somebody confirms it.",
        _ACCEPTS,
    ),
    "decimal_comma": Entry(
        _E,
        "a number with a comma where the field has a point, or the reverse",
        "Write the number with the field's own mark.",
        _REFUSES,
    ),
    "unknown_validation": Entry(
        _N,
        "a validation type that Capstan does not know: not checked",
        "Nothing; REDCap judges the value on import.",
        _REFUSES,
    ),
    "too_long": Entry(_E, "a text of more than 65,000 characters", "Shorten the text.", _REFUSES),
    "text_cut": Entry(
        _W,
        "a text of exactly 32,767 characters, where a spreadsheet cuts",
        "See in the source whether its end is missing.",
        _ACCEPTS,
    ),
    "control_chars": Entry(
        _E, "control characters, or a line break in a one-line field", "Remove them.", _ACCEPTS
    ),
    "mojibake": Entry(
        _W, "letters garbled by a wrong encoding", "Export the source as UTF-8 and import again.", _ACCEPTS
    ),
    "formula_injection": Entry(
        _N,
        "a text that a spreadsheet would take for a formula",
        "Mind it where the data are exported to a spreadsheet.",
        _ACCEPTS,
    ),
    "spreadsheet_damage": Entry(
        _E,
        "a value that a spreadsheet rewrote",
        "Format the column as text in the spreadsheet and export again.",
        "refuses what the type does not admit",
    ),
    "phone_e164": Entry(
        _E, "a phone number that cannot be dialled", "Give the number with its area code.", _ACCEPTS
    ),
    "email_shape": Entry(
        _W,
        "an office's address, or a misspelt domain",
        "Ask the participant for the right address.",
        _ACCEPTS,
    ),
    "missing_code": Entry(
        _N,
        "one of the project's codes for missing data",
        "Nothing; such codes pass every other check of values.",
        _ACCEPTS,
    ),
    "missing_code_unlisted": Entry(
        _E,
        "a word for missing data that the project does not list",
        "Leave the cell blank, or list the code in REDCap.",
        _REFUSES,
    ),
    "missing_number": Entry(
        _W,
        "a number such as -999 that the project does not list as missing data",
        "Leave the cell blank, or list the code in REDCap.",
        _ACCEPTS,
    ),
    "free_text_identifier": Entry(
        _W,
        "a phone number, address or long number in a notes field",
        "Move it to a field that is marked as an identifier.",
        _ACCEPTS,
    ),
    "future_date": Entry(
        _E,
        "a date after today in a field that describes the past",
        "Correct the date.",
        _ACCEPTS,
        "`checks.not_future` of the study",
    ),
    "too_old_date": Entry(
        _W,
        "a date before the earliest that the study admits",
        "Correct the date; the year may be wrong.",
        _ACCEPTS,
        "`checks.not_before` of the study",
    ),
}
_LOGIC = {
    "required_blank": Entry(
        _W,
        "a required field that stays blank on a started form",
        "Enter the value in REDCap.",
        _ACCEPTS,
        _STORED,
    ),
    "hidden_has_value": Entry(
        _W,
        "a value in a field that branching logic hides",
        "See which of the two answers is wrong.",
        _ACCEPTS,
        _STORED,
    ),
    "logic_not_evaluated": Entry(
        _N,
        "branching logic, or a limit, that could not be read: not checked",
        "Nothing; look at the field yourself.",
        _ACCEPTS,
    ),
    "calc_mismatch": Entry(
        _W,
        "a stored calculated value that differs from what its equation gives",
        "Save the form in REDCap, or run its data quality rule H, so that it calculates again.",
        "keeps the old result",
        _STORED,
    ),
    "calc_input_changed": Entry(
        _N,
        "a calculated field that will change with this run",
        "Nothing; mind it where its result was used already.",
        "calculates it again",
        _STORED,
    ),
    "status_vs_data": Entry(
        _W,
        "a form marked complete while required fields are blank, or while all of it is blank",
        "Fill in what is missing, or set the form to incomplete.",
        _ACCEPTS,
        _STORED,
    ),
    "date_order": Entry(
        _E,
        "dates in an order that cannot be",
        "Correct one of the dates.",
        _ACCEPTS,
        "`checks.rules` of the study, and " + _STORED,
    ),
    "visit_window": Entry(
        _W,
        "a visit on a day outside its window",
        "Correct the date, or note the deviation.",
        _ACCEPTS,
        "`visits` of the study, and " + _STORED,
    ),
    "age_vs_dob": Entry(
        _W,
        "an age that does not fit the date of birth",
        "Correct the one or the other.",
        _ACCEPTS,
        "`checks.rules` of the study, and " + _STORED,
    ),
    "sex_specific": Entry(
        _E,
        "data that only one sex can have, of another",
        "Correct the one or the other.",
        _ACCEPTS,
        "`checks.rules` of the study, and " + _STORED,
    ),
    "eligibility": Entry(
        _W,
        "a participant assigned to an arm who does not meet the criteria",
        "Check the criteria; tell the study's lead.",
        _ACCEPTS,
        "`eligibility` or `checks.rules` of the study, and " + _STORED,
    ),
    "randomisation_consistency": Entry(
        _E,
        "an assignment to an arm that would be changed or erased",
        "Leave it; an assignment is changed by hand in REDCap, with a reason.",
        _ACCEPTS,
        "`arms.assigned_by` of the study, and " + _STORED,
    ),
    "consent_missing": Entry(
        _E,
        "data of a participant without consent",
        "Enter the consent first.",
        _ACCEPTS,
        "`checks.rules` of the study, and " + _STORED,
    ),
    "study_rule": Entry(
        _E,
        "a condition of the study that does not hold",
        "The rule's own reason says it.",
        _ACCEPTS,
        "`checks.rules` of the study, and " + _STORED,
    ),
}
_CHANGES = {
    "read_only_field": Entry(
        _E,
        "a field that this study, or REDCap, does not let us write",
        "Leave the column out, or allow the field in `writes`.",
        "ignores calculated fields and refuses files; knows nothing of the study's own list",
    ),
    "not_exported": Entry(
        _E,
        "a field that the token may not export, so no undo",
        "Ask for the right to export it.",
        _ACCEPTS,
        _STORED,
    ),
    "overwrite_with_blank": Entry(
        _E,
        "a blank that would erase a value",
        "Leave the cell out, or allow it with `max_blanked`.",
        "erases the value where it is told to overwrite",
        _STORED,
    ),
    "overwrite_value": Entry(
        _W, "a value that replaces another", "See whether the new one is right.", _ACCEPTS, _STORED
    ),
    "verified_or_complete_changed": Entry(
        _W,
        "a change on a form that is marked complete or unverified",
        "Tell who marked it.",
        _ACCEPTS,
        _STORED,
    ),
    "stale_base": Entry(
        _E,
        "a cell that somebody changed since the plan was made",
        "Run again.",
        _ACCEPTS,
        "what REDCap holds just before the write",
    ),
    "locked": Entry(
        _E,
        "a form or record that is locked in REDCap",
        "Unlock it in REDCap, or leave the row out.",
        _REFUSES,
        "REDCap's own answer: no export shows locks",
    ),
    "dag_mismatch": Entry(
        _E,
        "an access group that is not the record's own",
        "Correct the group, or move the record in REDCap; Capstan moves none.",
        "moves the record, or refuses a user of a group",
        "the access group of each record",
    ),
    "identifier_collision": Entry(
        _E,
        "a value of a unique field that another record has, here or in the project",
        "One of the two ids is wrong; correct it.",
        "refuses only its secondary unique field",
        "`checks.unique` of the study, and those fields of all records",
    ),
    "probable_duplicate_person": Entry(
        _W,
        "two records that look like one person",
        "Compare the two; merge them by hand if they are one.",
        _ACCEPTS,
        "`checks.same_person` of the study, and those fields of all records",
    ),
}
_RUN = {
    "mass_change": Entry(
        _H,
        "more changes than the study allows one run",
        "Look at the plan and approve it, or raise the limit for one run.",
        _ACCEPTS,
        _STORED,
    ),
    "value_collapse": Entry(
        _H,
        "one value that would replace others in many records",
        "A broken join looks like this. Look at the plan; approve it if it is meant.",
        _ACCEPTS,
        _STORED,
    ),
    "all_or_nothing": Entry(
        _F, "rows were stopped, and the study writes all or none", "Correct the stopped rows and run again."
    ),
    "response_count": Entry(
        _E,
        "a cell in which REDCap does not hold what was written",
        "Look at the cell in REDCap, then run again.",
        "says nothing",
        "what REDCap holds after the write",
    ),
    "moved_on": Entry(
        _E,
        "a cell that somebody changed since, so an undo leaves it alone",
        "Look at the cell in REDCap.",
        "",
        _STORED,
    ),
    "row_refused": Entry(
        _E,
        "a row that REDCap itself refused",
        "Its reason is REDCap's own; correct the row.",
        _REFUSES,
        "REDCap's own answer",
    ),
}

_IS_ROSTER = "a partner's roster"
_PARTNERS = {
    "roster_unknown": Entry(
        _E,
        "somebody in a partner's roster whom REDCap does not have",
        "Ask the partner who it is, or enter the participant's id in REDCap.",
        "",
        _IS_ROSTER,
    ),
    "roster_shared": Entry(
        _E,
        "a partner's id that several records have",
        "Correct the id in REDCap: each participant has one.",
        "",
        _IS_ROSTER,
    ),
    "roster_contradiction": Entry(
        _E,
        "a participant who stands in a partner's roster twice, with different values",
        "Ask the partner which row is right.",
        "",
        _IS_ROSTER,
    ),
    "roster_value": Entry(
        _E,
        "a value in a partner's roster for which the field has no choice",
        "Say in `values` of the study's comparison what it means, or add the choice in REDCap.",
        "",
        _IS_ROSTER,
    ),
    "roster_absent": Entry(
        _E,
        "a participant with a partner's id whom its roster lacks",
        "Ask the partner whether the participant left, or correct the id in REDCap.",
        "",
        _IS_ROSTER,
    ),
}

CATALOGUE = MappingProxyType(
    {**_STRUCTURE, **_ROWS, **_PLACES, **_VALUES, **_LOGIC, **_CHANGES, **_RUN, **_PARTNERS}
)


def severity(check: str) -> Severity:
    """How far a check reaches."""
    return CATALOGUE[check].severity
