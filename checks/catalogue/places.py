"""Where a cell is: header, keys, arm, form."""

from __future__ import annotations

from checks.catalogue.entry import ACCEPTS, ERROR, FATAL, REFUSES, STORED, WARNING, Entry

STRUCTURE = {
    "unknown_column": Entry(
        FATAL,
        "a column that the data dictionary does not have",
        "Correct the column's name, or remove it; a checkbox has one column for each code.",
        REFUSES,
    ),
    "missing_key_column": Entry(
        FATAL,
        "record id, event or repeat columns are absent",
        "Add the column: it says where each row belongs.",
        "refuses it, or takes the first event",
    ),
    "duplicate_column": Entry(
        FATAL, "two columns with one name", "Remove one of the two.", "keeps one of them"
    ),
    "dictionary_drift": Entry(
        FATAL,
        "a field that the run uses changed in the project since the last run",
        "Look at what changed, mend the study or the file, then `capstan drift STUDY --accept`.",
        ACCEPTS,
        "the project's structure at the last run",
    ),
}
ROWS = {
    "record_blank": Entry(
        ERROR,
        "a record id that is blank, longer than 100 characters, or has control characters",
        "Give the participant's id.",
        REFUSES,
    ),
    "record_id_format": Entry(
        ERROR,
        "a new record id that is not of the study's form or access group, or has a wrong check digit",
        "Correct the id; spreadsheets drop leading zeros.",
        ACCEPTS,
        "`checks.record_id`, `record_id_digit` and `record_id_groups` of the study",
    ),
    "record_unknown": Entry(
        ERROR,
        "a record that the project does not have",
        "Correct the id, or allow new records with `max_new_records`.",
        "creates the record",
        "the ids of all records",
    ),
    "record_exists": Entry(
        ERROR,
        "a record that is there already, where runs may only add new ones",
        "Give a new id, or take `writes.only_new` out of the study.",
        "overwrites the record",
        "the ids of all records",
    ),
    "event_blank": Entry(
        ERROR,
        "no event: REDCap would take the first one, silently",
        "Name the event of the row.",
        "takes the first event",
    ),
    "event_unknown": Entry(
        ERROR, "an event that the project does not have", "Use the event's unique name.", REFUSES
    ),
    "wrong_arm": Entry(
        ERROR,
        "an event of an arm where this participant may have no data",
        "Use the event of the participant's own arm; `--fix suggested` names it where there is one.",
        ACCEPTS,
        "the participant's arm: `arms` of the study and " + STORED,
    ),
    "cross_arm_presence": Entry(
        WARNING,
        "a record that already has data in an arm where it may have none",
        "Look at the record in REDCap; move the data to the right arm, or delete them there.",
        ACCEPTS,
        "the participant's arm: `arms` of the study and " + STORED,
    ),
    "repeat_form_invalid": Entry(
        ERROR,
        "an instrument that does not repeat in this event",
        "Leave the repeat columns blank, or let the instrument repeat in REDCap.",
        REFUSES,
    ),
    "repeat_instance_invalid": Entry(
        ERROR,
        "an instance number that is wrong, missing or misplaced",
        "Give a whole number from 1, or `new`, on repeating rows and on no others.",
        "refuses it; takes a blank on a repeating event as 1",
    ),
    "repeat_instance_gap": Entry(
        WARNING,
        "an instance whose predecessor does not exist",
        "See whether a row was left out.",
        ACCEPTS,
        STORED,
    ),
    "duplicate_row": Entry(
        ERROR,
        "the same record, event, instrument and instance twice",
        "Keep one of the rows; where all agree, the surplus is only a warning.",
        "keeps the last one silently",
    ),
    "new_record_incomplete": Entry(
        ERROR,
        "a row of a new record whose first row was stopped",
        "Correct the first row; the record comes in whole.",
        ACCEPTS,
        "the ids of all records",
    ),
    "rests_on_stopped": Entry(
        ERROR,
        "a row of a record in which many rows were stopped, each for the one before",
        "Correct the row that was stopped first; the others come in.",
        ACCEPTS,
        STORED,
    ),
}
PLACES = {
    "field_not_in_event": Entry(
        ERROR,
        "a field whose form is not designated for the event",
        "Correct the event, or designate the form in REDCap.",
        REFUSES,
    ),
    "field_not_on_row": Entry(
        ERROR,
        "a repeating form's field on another row, or the reverse",
        "Put the field on the row of its own instrument.",
        REFUSES,
    ),
}
