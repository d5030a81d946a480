"""What a cell holds by itself."""

from __future__ import annotations

from checks.catalogue.entry import ACCEPTS, ERROR, NOTE, REFUSES, WARNING, Entry

VALUES = {
    "choice_unknown": Entry(
        ERROR, "a code that is not among the field's choices", "Give the code, not the label.", REFUSES
    ),
    "checkbox_value": Entry(
        ERROR, "a checkbox that is not 0 or 1", "Give 1 for checked, 0 for not.", REFUSES
    ),
    "yesno_value": Entry(
        ERROR,
        "a yes/no or true/false field that is not 0 or 1",
        "Give 1 for yes or true, 0 for no or false.",
        REFUSES,
    ),
    "form_status": Entry(
        ERROR,
        "a form status that is not 0, 1 or 2",
        "Give 0 (incomplete), 1 (unverified) or 2 (complete).",
        REFUSES,
    ),
    "slider_value": Entry(
        ERROR,
        "a slider that is not a whole number within its range",
        "Give a whole number within the range.",
        REFUSES,
    ),
    "sql_choice": Entry(
        NOTE,
        "a field whose choices come from a query: not checked",
        "Nothing; REDCap judges the value on import.",
        REFUSES,
    ),
    "type_mismatch": Entry(
        ERROR,
        "a value that does not have the form of its validation type",
        "Write it as the type wants: dates as YYYY-MM-DD, exact decimals, plain digits.",
        "refuses most; it reads dates with slashes as it is set to",
    ),
    "out_of_range": Entry(
        ERROR,
        "a value below the field's minimum or above its maximum",
        "Correct the value, or enter it in REDCap, where somebody confirms it.",
        ACCEPTS,
    ),
    "decimal_comma": Entry(
        ERROR,
        "a number with a comma where the field has a point, or the reverse",
        "Write the number with the field's own mark.",
        REFUSES,
    ),
    "unknown_validation": Entry(
        NOTE,
        "a validation type that Capstan does not know: not checked",
        "Nothing; REDCap judges the value on import.",
        REFUSES,
    ),
    "too_long": Entry(ERROR, "a text of more than 65,000 characters", "Shorten the text.", REFUSES),
    "text_cut": Entry(
        WARNING,
        "a text of exactly 32,767 characters, where a spreadsheet cuts",
        "See in the source whether its end is missing.",
        ACCEPTS,
    ),
    "control_chars": Entry(
        ERROR, "control characters, or a line break in a one-line field", "Remove them.", ACCEPTS
    ),
    "mojibake": Entry(
        WARNING,
        "letters garbled by a wrong encoding",
        "Export the source as UTF-8 and import again.",
        ACCEPTS,
    ),
    "formula_injection": Entry(
        NOTE,
        "a text that a spreadsheet would take for a formula",
        "Mind it where the data are exported to a spreadsheet.",
        ACCEPTS,
    ),
    "spreadsheet_damage": Entry(
        ERROR,
        "a value that a spreadsheet rewrote",
        "Format the column as text in the spreadsheet and export again.",
        "refuses what the type does not admit",
    ),
    "phone_e164": Entry(
        ERROR, "a phone number that cannot be dialled", "Give the number with its area code.", ACCEPTS
    ),
    "email_shape": Entry(
        WARNING,
        "an office's address, or a misspelt domain",
        "Ask the participant for the right address.",
        ACCEPTS,
    ),
    "missing_code": Entry(
        NOTE,
        "one of the project's codes for missing data",
        "Nothing; such codes pass every other check of values.",
        ACCEPTS,
    ),
    "missing_code_unlisted": Entry(
        ERROR,
        "a word for missing data that the project does not list",
        "Leave the cell blank, or list the code in REDCap.",
        REFUSES,
    ),
    "missing_number": Entry(
        WARNING,
        "a number such as -999 that the project does not list as missing data",
        "Leave the cell blank, or list the code in REDCap.",
        ACCEPTS,
    ),
    "free_text_identifier": Entry(
        WARNING,
        "a phone number, address or long number in a notes field",
        "Move it to a field that is marked as an identifier.",
        ACCEPTS,
    ),
    "future_date": Entry(
        ERROR,
        "a date after today in a field that describes the past",
        "Correct the date.",
        ACCEPTS,
        "`checks.not_future` of the study",
    ),
    "too_old_date": Entry(
        WARNING,
        "a date before the earliest that the study admits",
        "Correct the date; the year may be wrong.",
        ACCEPTS,
        "`checks.not_before` of the study",
    ),
}
