"""What cells say together: branching, calculations, time, persons."""

from __future__ import annotations

from checks.catalogue.entry import ACCEPTS, ERROR, NOTE, STORED, WARNING, WHOLE, Entry

LOGIC = {
    "missing_value": Entry(
        NOTE,
        "a field that is not required and stays blank on a begun form",
        "Enter the value, or leave it; REDCap's rule A counts both.",
        ACCEPTS,
        WHOLE,
    ),
    "required_blank": Entry(
        WARNING,
        "a required field that stays blank on a started form",
        "Enter the value in REDCap.",
        ACCEPTS,
        STORED,
    ),
    "hidden_has_value": Entry(
        WARNING,
        "a value in a field that branching logic hides",
        "See which of the two answers is wrong.",
        ACCEPTS,
        STORED,
    ),
    "logic_not_evaluated": Entry(
        NOTE,
        "branching logic, or a limit, that could not be read: not checked",
        "Nothing; look at the field yourself.",
        ACCEPTS,
    ),
    "calc_mismatch": Entry(
        WARNING,
        "a stored calculated value that differs from what its equation gives",
        "Save the form in REDCap, or run its data quality rule H, so that it calculates again.",
        "keeps the old result",
        STORED,
    ),
    "calc_input_changed": Entry(
        NOTE,
        "a calculated field that will change with this run",
        "Nothing; mind it where its result was used already.",
        "calculates it again",
        STORED,
    ),
    "status_vs_data": Entry(
        WARNING,
        "a form marked complete while required fields are blank, or while all of it is blank",
        "Fill in what is missing, or set the form to incomplete.",
        ACCEPTS,
        STORED,
    ),
    "outlier": Entry(
        NOTE,
        "a number that is far from the others of its field",
        "See whether it was mistyped; many outliers are right.",
        ACCEPTS,
        WHOLE,
    ),
    "date_order": Entry(
        ERROR,
        "dates in an order that cannot be",
        "Correct one of the dates.",
        ACCEPTS,
        "`checks.rules` of the study, and " + STORED,
    ),
    "visit_window": Entry(
        WARNING,
        "a visit on a day outside its window",
        "Correct the date, or note the deviation.",
        ACCEPTS,
        "`visits` of the study, and " + STORED,
    ),
    "age_vs_dob": Entry(
        WARNING,
        "an age that does not fit the date of birth",
        "Correct the one or the other.",
        ACCEPTS,
        "`checks.rules` of the study, and " + STORED,
    ),
    "sex_specific": Entry(
        ERROR,
        "data that only one sex can have, of another",
        "Correct the one or the other.",
        ACCEPTS,
        "`checks.rules` of the study, and " + STORED,
    ),
    "eligibility": Entry(
        WARNING,
        "a participant assigned to an arm who does not meet the criteria",
        "Check the criteria; tell the study's lead.",
        ACCEPTS,
        "`eligibility` or `checks.rules` of the study, and " + STORED,
    ),
    "randomisation_consistency": Entry(
        ERROR,
        "an assignment to an arm that would be changed or erased",
        "Leave it; an assignment is changed by hand in REDCap, with a reason.",
        ACCEPTS,
        "`arms.assigned_by` of the study, and " + STORED,
    ),
    "consent_missing": Entry(
        ERROR,
        "data of a participant without consent",
        "Enter the consent first.",
        ACCEPTS,
        "`checks.rules` of the study, and " + STORED,
    ),
    "study_rule": Entry(
        ERROR,
        "a condition of the study that does not hold",
        "The rule's own reason says it.",
        ACCEPTS,
        "`checks.rules` of the study, and " + STORED,
    ),
}

CUSTOM = Entry(
    WARNING,
    "a rule of the study's own that found something",
    "The rule's own text says it.",
    needs="`quality.rules` of the study, and " + STORED,
)
