"""What a run changes, and how it went."""

from __future__ import annotations

from checks.catalogue.entry import ACCEPTS, ERROR, FATAL, HOLD, REFUSES, STORED, WARNING, Entry

CHANGES = {
    "read_only_field": Entry(
        ERROR,
        "a field that this study, or REDCap, does not let us write",
        "Leave the column out, or allow the field in `writes`.",
        "ignores calculated fields and refuses files; knows nothing of the study's own list",
    ),
    "not_exported": Entry(
        ERROR,
        "a field that the token may not export, so no undo",
        "Ask for the right to export it.",
        ACCEPTS,
        STORED,
    ),
    "overwrite_with_blank": Entry(
        ERROR,
        "a blank that would erase a value",
        "Leave the cell out, or allow it with `max_blanked`.",
        "erases the value where it is told to overwrite",
        STORED,
    ),
    "overwrite_value": Entry(
        WARNING, "a value that replaces another", "See whether the new one is right.", ACCEPTS, STORED
    ),
    "verified_or_complete_changed": Entry(
        WARNING,
        "a change on a form that is marked complete or unverified",
        "Tell who marked it.",
        ACCEPTS,
        STORED,
    ),
    "stale_base": Entry(
        ERROR,
        "a cell that somebody changed since the plan was made",
        "Run again.",
        ACCEPTS,
        "what REDCap holds just before the write",
    ),
    "locked": Entry(
        ERROR,
        "a form or record that is locked in REDCap",
        "Unlock it in REDCap, or leave the row out.",
        REFUSES,
        "REDCap's own answer: no export shows locks",
    ),
    "dag_mismatch": Entry(
        ERROR,
        "an access group that is not the record's own",
        "Correct the group, or move the record in REDCap; Capstan moves none.",
        "moves the record, or refuses a user of a group",
        "the access group of each record",
    ),
    "identifier_collision": Entry(
        ERROR,
        "a value of a unique field that another record has, here or in the project",
        "One of the two ids is wrong; correct it.",
        "refuses only its secondary unique field",
        "`checks.unique` of the study, and those fields of all records",
    ),
    "probable_duplicate_person": Entry(
        WARNING,
        "two records that look like one person",
        "Compare the two; merge them by hand if they are one.",
        ACCEPTS,
        "`checks.same_person` of the study, and those fields of all records",
    ),
}
RUN = {
    "mass_change": Entry(
        HOLD,
        "more changes than the study allows one run",
        "Look at the plan and approve it, or raise the limit for one run.",
        ACCEPTS,
        STORED,
    ),
    "value_collapse": Entry(
        HOLD,
        "one value that would replace others in many records",
        "A broken join looks like this. Look at the plan; approve it if it is meant.",
        ACCEPTS,
        STORED,
    ),
    "all_or_nothing": Entry(
        FATAL,
        "rows were stopped, and the study writes all or none",
        "Correct the stopped rows and run again.",
    ),
    "response_count": Entry(
        ERROR,
        "a cell in which REDCap does not hold what was written",
        "Look at the cell in REDCap, then run again.",
        "says nothing",
        "what REDCap holds after the write",
    ),
    "moved_on": Entry(
        ERROR,
        "a cell that somebody changed since, so an undo leaves it alone",
        "Look at the cell in REDCap.",
        "",
        STORED,
    ),
    "row_refused": Entry(
        ERROR,
        "a row that REDCap itself refused",
        "Its reason is REDCap's own; correct the row.",
        REFUSES,
        "REDCap's own answer",
    ),
}
