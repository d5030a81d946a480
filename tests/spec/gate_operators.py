"""One way to spoil a good table for each check of the catalogue, on a project that has everything to spoil."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pandas as pd

from capstan.dictionary import Dictionary
from capstan.plan import keyed
from capstan.study import Limits
from checks.case import Present, Rules
from checks.gate import judge
from checks.judgement import Judgement
from tests.projects import dictionary, grid, rows, study

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
FIELDS = """
record_id   | info  | text     |                     |            |   |       |
consented   | info  | text     |                     | date_ymd   |   |       |
dob         | info  | text     |                     | date_ymd   |   |       |
initials    | info  | text     |                     |            |   |       |
sex         | info  | radio    | 1, Female | 2, Male |            |   |       |
mobile      | info  | text     |                     | phone      |   |       |
mail        | info  | text     |                     | email      |   |       |
colour      | rand  | radio    | 2, Red | 3, Green   |            |   |       |
teeth       | exam  | text     |                     | integer    | 0 | 32    |
weight      | exam  | text     |                     | number     |   |       |
age         | exam  | text     |                     | integer    |   |       |
seen        | exam  | text     |                     | date_ymd   |   |       |
asked       | exam  | text     |                     | date_ymd   |   | today |
pain        | exam  | slider   |                     |            |   |       |
likes       | exam  | checkbox | 1, Milk | -9, None  |            |   |       |
brushes     | exam  | yesno    |                     |            |   |       |
pregnant    | exam  | yesno    |                     |            |   |       |
remark      | exam  | notes    |                     |            |   |       |
line        | exam  | text     |                     |            |   |       |
must        | exam  | text     |                     |            |   |       |
hid         | exam  | text     |                     |            |   |       |
riddle      | exam  | text     |                     |            |   |       |
clinic      | exam  | sql      | select 1            |            |   |       |
strange     | exam  | text     |                     | our_own    |   |       |
double      | exam  | calc     | [teeth]*2           |            |   |       |
outcome     | call  | dropdown | 1, Reached | 2, Not |            |   |       |
"""
STUDY = """
study: small
title: Small
redcap:
  url: http://127.0.0.1/api/
  token: {env: TOKEN}
  project: {id: 1, title: Small, status: development}
arms: {shared: [1], assigned_by: {event: baseline_arm_1, field: colour}}
visits:
  - {name: half year, event: month_6, anchor: "[baseline_arm_1][consented]", after: 6 months,
     window: [-60d, +60d], done_when: "[exam_complete] = '2'", took_place: seen}
eligibility:
  event: baseline_arm_1
  criteria: [{id: consent, rule: "[consented] >= '2025-01-01'", reason: consented too early}]
writes: {allow: [info, rand, exam, call], protect: [line], limits: {records: 100, share: 1, same_value: 2}}
checks:
  not_future: [seen]
  not_before: {seen: 2025-01-01}
  record_id: "[0-9]+"
  unique: [mobile]
  same_person: [dob, initials]
  rules:
    - {id: order, check: date_order, forms: [exam], when: "[seen] <> ''", reason: The exam is before the consent.,
       expect: "[seen] >= [baseline_arm_1][consented]"}
    - {id: age, check: age_vs_dob, when: "[age] <> ''", reason: The age does not fit the birth.,
       expect: "abs(rounddown(datediff([baseline_arm_1][dob], '2026-06-01', 'y'), 0) - [age]) <= 1"}
    - {id: women, check: sex_specific, when: "[pregnant] = '1'", reason: Only women can be pregnant.,
       expect: "[baseline_arm_1][sex] = '1'"}
    - {id: consent, check: consent_missing, forms: [exam, call], reason: There is no consent.,
       expect: "[baseline_arm_1][consented] <> ''"}
    - {id: pain, reason: Pain needs a remark., when: "[pain] > 50", expect: "[remark] <> ''"}
"""
HELD = """
record_id | redcap_event_name | redcap_repeat_instrument | redcap_repeat_instance | consented  | dob        | initials | sex | mobile         | colour | must | teeth | exam_complete | outcome
1         | baseline_arm_1    |                          |                        | 2025-12-01 | 2020-03-04 | AB       | 1   | (415) 555-0101 | 2      |      |       |               |
1         | month_6_arm_2     |                          |                        |            |            |          |     |                |        | x    | 20    | 0             |
1         | month_6_arm_2     | call                     | 1                      |            |            |          |     |                |        |      |       |               | 1
2         | baseline_arm_1    |                          |                        | 2025-12-01 | 2020-05-06 | CD       | 2   | (415) 555-0102 | 3      |      |       |               |
2         | month_6_arm_3     |                          |                        |            |            |          |     |                |        | x    |       | 0             |
3         | baseline_arm_1    |                          |                        | 2024-12-01 | 2020-07-08 | EF       | 2   |                |        |      |       |               |
4         | baseline_arm_1    |                          |                        |            | 2020-07-09 | GH       | 2   |                | 2      |      |       |               |
4         | month_6_arm_2     |                          |                        |            |            |          |     |                |        | x    |       | 0             |
"""
GOOD = """
record_id | redcap_event_name | redcap_repeat_instrument | redcap_repeat_instance | weight | seen       | brushes | initials
1         | month_6_arm_2     |                          |                        | 21.5   | 2026-05-20 | 1       |
2         | month_6_arm_3     |                          |                        | 19     | 2026-05-21 | 0       |
3         | baseline_arm_1    |                          |                        |        |            |         | EG
"""  # fmt: skip


def project() -> Dictionary:
    """A dictionary with a field for each check, and one code for missing data."""
    told = dictionary(
        FIELDS,
        must={"required_field": "y"},
        hid={"branching_logic": "[brushes] = '1'"},
        riddle={"branching_logic": "[brushes] = = '1'"},
    )
    return replace(told, missing_codes={"-8": "Unknown"})


def held() -> pd.DataFrame:
    """What the project holds, as an export has it: every column."""
    told = rows(HELD)
    blank = {column: "" for column in project().by_column if column not in told.columns}
    return keyed(told.assign(**blank), record_field="record_id")


def good() -> pd.DataFrame:
    """Three rows that nothing speaks against."""
    return rows(GOOD)


WEIGHED = {True: "20", False: ""}
OLD = Limits(share=1, records=100, same_value=2)


@dataclass(frozen=True)
class Spoilt:
    """A table with one thing wrong: `at` are the keys that a verdict must name, `field` the column."""

    table: pd.DataFrame
    at: tuple[str, str, str, str] = ("1", "month_6_arm_2", "", "")
    field: str = ""
    present: pd.DataFrame = dataclasses.field(default_factory=held)
    groups: dict[str, str] | None = None
    limits: Limits = OLD
    text: str = STUDY
    blanks_erase: bool = False

    def only_last(self) -> Spoilt:
        """The last row alone, with the columns that it fills."""
        last = self.table.iloc[[-1]]
        named = [
            name
            for name in last.columns
            if last[name].item() or name == self.field or name in last.columns[:4]
        ]
        return replace(self, table=last[named].reset_index(drop=True))

    def judged(self) -> Judgement:
        """What the gate says."""
        rules = Rules(study(self.text), project(), grid(), NOW.date())
        records = frozenset(self.present["record_id"])
        present = Present(self.present, records, identifiers=self.present, groups=self.groups)
        return judge(
            self.table,
            present=present,
            rules=rules,
            limits=self.limits,
            now=NOW,
            blanks_erase=self.blanks_erase,
        )


NOWHERE = ("", "", "", "")
ONE, TWO = ("1", "month_6_arm_2", "", ""), ("2", "month_6_arm_3", "", "")
BASE3 = ("3", "baseline_arm_1", "", "")
NEW = Limits(share=1, records=100, new_records=9, same_value=2)


def cell(column: str, value: str, *, row: int = 0, **more: object) -> Spoilt:
    """The good table with one cell of another value; the verdict is on that cell."""
    table = good()
    if column not in table.columns:
        table[column] = ""
    table.loc[row, column] = value
    at = [ONE, TWO, BASE3][row]
    return replace(Spoilt(table, at=at, field=column), **more)


def row(
    values: dict[str, str], *, field_: str = "", at: tuple[str, ...] | None = None, **more: object
) -> Spoilt:
    """The good table with one row more; the verdict is on it."""
    table = (
        pd.concat([good(), pd.DataFrame([values], dtype="str")], ignore_index=True).fillna("").astype("str")
    )
    names = ("record_id", "redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance")
    where = at or tuple(values.get(name, "") for name in names)
    return replace(Spoilt(table, at=where, field=field_), **more)


def call(instance: str, *, instrument: str = "call", **values: str) -> dict[str, str]:
    """A row of the repeating instrument of record 1."""
    return {
        "record_id": "1",
        "redcap_event_name": "month_6_arm_2",
        "redcap_repeat_instrument": instrument,
        "redcap_repeat_instance": instance,
        **(values or {"outcome": "2"}),
    }


def at(record: str, event: str, **values: str) -> dict[str, str]:
    """A row that does not repeat."""
    return {"record_id": record, "redcap_event_name": event, **values}


def header(column: str) -> Spoilt:
    """The good table with a column more."""
    return Spoilt(good().assign(**{column: ""}), at=NOWHERE, field=column)


def with_held(place: int, column: str, value: str) -> pd.DataFrame:
    """What the project holds, with another value in one cell."""
    frame = held()
    frame.loc[place, column] = value
    return frame


def again(**values: str) -> Spoilt:
    """The first row a second time, with other values."""
    table = good()
    return Spoilt(pd.concat([table, table.iloc[[0]].assign(**values)], ignore_index=True), at=ONE)


OPERATORS: dict[str, Callable[[], Spoilt]] = {
    "unknown_column": lambda: header("tooth"),
    "missing_key_column": lambda: Spoilt(
        good().drop(columns="redcap_event_name"), at=NOWHERE, field="redcap_event_name"
    ),
    "duplicate_column": lambda: Spoilt(
        pd.concat([good(), good()[["weight"]]], axis=1), at=NOWHERE, field="weight"
    ),
    "record_blank": lambda: row(at("", "baseline_arm_1", initials="X")),
    "record_id_format": lambda: row(at("7a", "baseline_arm_1", initials="X"), limits=NEW),
    "record_unknown": lambda: row(at("7", "baseline_arm_1", initials="X")),
    "record_exists": lambda: Spoilt(
        good().iloc[[0]], at=ONE, text=STUDY.replace("protect: [line]", "protect: [line], only_new: true")
    ),
    "event_blank": lambda: row(at("3", "", initials="X")),
    "event_unknown": lambda: row(at("3", "month_7_arm_2", teeth="3")),
    "wrong_arm": lambda: row(at("1", "month_6_arm_3", teeth="3")),
    "cross_arm_presence": lambda: Spoilt(
        good(),
        at=("1", "month_6_arm_3", "", ""),
        present=pd.concat([held(), held().iloc[[4]].assign(record_id="1")], ignore_index=True),
    ),
    "repeat_form_invalid": lambda: row(call("1", instrument="exam", teeth="3")),
    "repeat_instance_invalid": lambda: row(call("1.5")),
    "repeat_instance_gap": lambda: row(call("3")),
    "duplicate_row": lambda: again(weight="22"),
    "new_record_incomplete": lambda: new_record(),
    "rests_on_stopped": lambda: chain(30),
    "field_not_in_event": lambda: cell("teeth", "3", row=2),
    "field_not_on_row": lambda: cell("outcome", "2"),
    "choice_unknown": lambda: cell("colour", "Blue", row=2),
    "checkbox_value": lambda: cell("likes___1", "2"),
    "yesno_value": lambda: cell("brushes", "2"),
    "form_status": lambda: cell("exam_complete", "3"),
    "slider_value": lambda: cell("pain", "101"),
    "sql_choice": lambda: cell("clinic", "1", at=NOWHERE),
    "type_mismatch": lambda: cell("weight", "heavy"),
    "out_of_range": lambda: cell("asked", "2026-06-02"),
    "decimal_comma": lambda: cell("weight", "21,5"),
    "unknown_validation": lambda: cell("strange", "x", at=NOWHERE),
    "too_long": lambda: cell("remark", "x" * 65_001),
    "text_cut": lambda: cell("remark", "x" * 32_767),
    "control_chars": lambda: cell("remark", "a\x07b"),
    "mojibake": lambda: cell("remark", "MÃ¼ller"),
    "formula_injection": lambda: cell("remark", "=HYPERLINK(1)"),
    "spreadsheet_damage": lambda: cell("seen", "2026-05-20 00:00:00"),
    "phone_e164": lambda: cell("mobile", "555-0101", row=2),
    "email_shape": lambda: cell("mail", "info@example.org", row=2),
    "missing_code": lambda: cell("teeth", "-8", row=1),
    "missing_code_unlisted": lambda: cell("weight", "UNK"),
    "missing_number": lambda: cell("weight", "-999"),
    "free_text_identifier": lambda: cell("remark", "call 415-555-0101"),
    "future_date": lambda: cell("seen", "2026-06-02"),
    "too_old_date": lambda: cell("seen", "2024-05-20"),
    "required_blank": lambda: cell("weight", "3", present=with_held(1, "must", ""), field="must"),
    "hidden_has_value": lambda: cell("hid", "x", row=1),
    "logic_not_evaluated": lambda: cell("riddle", "x", at=NOWHERE),
    "calc_mismatch": lambda: cell("line", "", field="double", present=with_held(1, "double", "41")),
    "calc_input_changed": lambda: cell("teeth", "3", row=1, at=NOWHERE, field="double"),
    "status_vs_data": lambda: cell(
        "exam_complete", "2", present=with_held(1, "must", ""), field="must"
    ),
    "date_order": lambda: cell("seen", "2025-11-30", field=""),
    "visit_window": lambda: cell("seen", "2026-02-01"),
    "age_vs_dob": lambda: cell("age", "16", field=""),
    "sex_specific": lambda: cell("pregnant", "1", row=1, field=""),
    "eligibility": lambda: cell("colour", "2", row=2),
    "randomisation_consistency": lambda: row(at("1", "baseline_arm_1", colour="3"), field_="colour"),
    "consent_missing": lambda: row(at("4", "month_6_arm_2", teeth="3")),
    "study_rule": lambda: cell("pain", "51", field=""),
    "read_only_field": lambda: cell("line", "x"),
    "not_exported": lambda: cell("teeth", "3", present=held().drop(columns="teeth")),
    "overwrite_with_blank": lambda: cell("teeth", "", blanks_erase=True),
    "overwrite_value": lambda: cell("teeth", "21"),
    "verified_or_complete_changed": lambda: cell(
        "weight", "3", present=with_held(1, "exam_complete", "2"), field=""
    ),
    "dag_mismatch": lambda: cell(
        "redcap_data_access_group", "north", groups={"1": "south", "2": "south", "3": "south"}
    ),
    "identifier_collision": lambda: cell("mobile", "415 555 0101", row=2),
    "probable_duplicate_person": lambda: row(
        at("4", "baseline_arm_1", dob="2020-03-04", initials="ab"), limits=NEW
    ),
    "mass_change": lambda: Spoilt(good(), at=NOWHERE, limits=Limits(records=2, share=1)),
    "value_collapse": lambda: Spoilt(
        good().assign(weight="5", seen="").iloc[:2],
        at=NOWHERE,
        field="weight",
        present=held().assign(weight=held()["redcap_event_name"].isin(["month_6_arm_2", "month_6_arm_3"]).map(WEIGHED)),
        limits=Limits(records=100, share=1, same_value=1),
    ),
    "all_or_nothing": lambda: cell(
        "weight",
        "heavy",
        at=NOWHERE,
        field="",
        text=STUDY.replace("protect: [line]", "protect: [line], stop_run_on_rejection: true"),
    ),
}  # fmt: skip


def new_record(**wrong: str) -> Spoilt:
    """A new record whose first row is stopped, so that its next one is too."""
    later = pd.DataFrame([at("7", "month_6_arm_2", weight="3", must="x")], dtype="str")
    first = row(at("7", "baseline_arm_1", **{"sex": "9", "consented": "2025-12-01", **wrong}), limits=NEW)
    table = pd.concat([first.table, later], ignore_index=True).fillna("").astype("str")
    text = STUDY.replace("shared: [1]", "shared: [1, 2]").replace("forms: [exam, call], ", "forms: [call], ")
    return replace(first, table=table, at=("7", "month_6_arm_2", "", ""), text=text)


def chain(length: int) -> Spoilt:
    """Calls that each rest on the one before, of which the first is wrong; the verdict is on the last."""
    calls = [call(str(instance), outcome="2") for instance in range(2, length + 1)]
    calls[0]["outcome"] = "7"
    table = pd.concat([good(), pd.DataFrame(calls, dtype="str")], ignore_index=True).fillna("").astype("str")
    rule = """    - {id: calls, forms: [call], reason: The call before is missing., when: "[current-instance] > 1",
       expect: "[outcome][previous-instance] <> ''"}
"""
    return Spoilt(table, at=("1", "month_6_arm_2", "call", str(length)), text=STUDY + rule)


# A cell that REDCap loses although it says yes: no server that can be had here does that.
UNSEEN = {"response_count"}
# What only a write, or two readings of the project, can show: the test that shows it.
ELSEWHERE = {
    "dictionary_drift": "spec/test_gate_catalogue.py",
    "missing_value": "spec/test_quality_rules.py",
    "outlier": "spec/test_quality_rules.py",
    "stale_base": "spec/test_gate_catalogue.py",
    "locked": "spec/test_gate_catalogue.py",
    "moved_on": "flows/test_writing.py",
    "row_refused": "flows/test_writing.py",
    "roster_unknown": "flows/test_partner_status.py",
    "roster_shared": "flows/test_partner_status.py",
    "roster_contradiction": "flows/test_partner_status.py",
    "roster_value": "flows/test_partner_status.py",
    "roster_absent": "flows/test_partner_status.py",
}
