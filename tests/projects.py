"""Small projects for tests, written as tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from capstan.dictionary import Dictionary
from capstan.events import EventGrid
from capstan.plan import keyed
from capstan.study import Study

COLUMNS = [
    "field_name",
    "form_name",
    "section_header",
    "field_type",
    "field_label",
    "select_choices_or_calculations",
    "field_note",
    "text_validation_type_or_show_slider_number",
    "text_validation_min",
    "text_validation_max",
    "identifier",
    "branching_logic",
    "required_field",
    "custom_alignment",
    "question_number",
    "matrix_group_name",
    "matrix_ranking",
    "field_annotation",
]

FIELDS = """
record_id   | info  | text     |                    |          |   |    |
consented   | info  | text     |                    | date_ymd |   |    |
colour      | rand  | radio    | 2, Red | 3, Green  |          |   |    |
teeth       | exam  | text     |                    | integer  | 0 | 32 |
phone       | exam  | text     |                    | phone    |   |    |
mail        | exam  | text     |                    | email    |   |    |
pain        | exam  | slider   |                    |          |   |    |
likes       | exam  | checkbox | 1, Milk | -9, None |          |   |    |
brushes     | exam  | yesno    |                    |          |   |    |
remark      | exam  | notes    |                    |          |   |    |
double      | exam  | calc     | [teeth]*2          |          |   |    |
outcome     | call  | dropdown | 1, Reached | 2, Not |        |   |    |
called      | call  | text     |                    | date_ymd |   |    |
"""


def dictionary(fields: str = FIELDS, **changes: Mapping[str, str]) -> Dictionary:
    """A dictionary from lines `name | form | type | choices | validation | min | max |`.

    `changes` gives further columns of single fields.
    """
    rows = [_row(line) for line in fields.strip().splitlines()]
    for row in rows:
        row.update(changes.get(row["field_name"], {}))
    forms = list(dict.fromkeys(row["form_name"] for row in rows))
    instruments = pd.DataFrame({"instrument_name": forms, "instrument_label": [f.title() for f in forms]})
    return Dictionary.from_frames(pd.DataFrame(rows, columns=COLUMNS).fillna(""), instruments=instruments)


def _row(line: str) -> dict[str, str]:
    name, form, kind, *middle, validation, low, high, _ = (part.strip() for part in line.split("|"))
    choices = " | ".join(part for part in middle if part)
    row = dict.fromkeys(COLUMNS, "")
    return row | {
        "field_name": name,
        "form_name": form,
        "field_type": kind,
        "field_label": name.title(),
        "select_choices_or_calculations": choices,
        "text_validation_type_or_show_slider_number": validation,
        "text_validation_min": low,
        "text_validation_max": high,
    }


def grid() -> EventGrid:
    """Three arms: baseline (info, rand), and month_6 (exam, repeating call) in arms 2 and 3."""
    events = pd.DataFrame(
        {
            "event_name": ["Baseline", "Month 6", "Month 6"],
            "arm_num": ["1", "2", "3"],
            "unique_event_name": ["baseline_arm_1", "month_6_arm_2", "month_6_arm_3"],
        }
    )
    places = [("baseline_arm_1", "info"), ("baseline_arm_1", "rand")]
    places += [(f"month_6_arm_{arm}", form) for arm in (2, 3) for form in ("exam", "call")]
    repeats = [("month_6_arm_2", "call"), ("month_6_arm_3", "call")]
    return EventGrid.from_frames(
        arms=pd.DataFrame({"arm_num": ["1", "2", "3"], "name": ["Everybody", "Red", "Green"]}),
        events=events,
        mapping=pd.DataFrame(places, columns=["unique_event_name", "form"]),
        repeating=pd.DataFrame(repeats, columns=["event_name", "form_name"]),
        forms=("info", "rand", "exam", "call"),
    )


STUDY = """
study: small
title: Small
redcap:
  url: http://127.0.0.1/api/
  token: {env: TOKEN}
  project: {id: 1, title: Small, status: development}
arms: {shared: [1], assigned_by: {event: baseline_arm_1, field: colour}}
writes: {allow: [info, rand, exam, call], limits: {records: 100, share: 1}}
checks: {not_future: [consented, called]}
"""


def study(text: str = STUDY) -> Study:
    """A study from the text of its file."""
    return Study.from_text(text, source="study.yaml", environment={})


def rows(table: str, *, columns: Iterable[str] = ()) -> pd.DataFrame:
    """A text frame from lines of cells between `|`, the first line being the header."""
    lines = [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]
    return pd.DataFrame(lines[1:], columns=[*lines[0]], dtype="str")


def export(table: str) -> pd.DataFrame:
    """A keyed frame of text from lines of cells, as an export of the small project gives it: every column."""
    told = rows(table)
    blank = {column: "" for column in dictionary().by_column if column not in told.columns}
    return keyed(told.assign(**blank), record_field="record_id")
