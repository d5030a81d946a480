"""REDCap's data quality rules by meaning: one fault of each in a clean project is found, there and alone."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import NamedTuple

import pandas as pd
import pytest

from capstan.dictionary import Dictionary
from capstan.events import Event, EventGrid
from capstan.plan import KEY_NAMES, keyed
from checks.case import Rules
from checks.catalogue import CATALOGUE
from checks.quality.audit import LISTED_NOTES, Audited, audit
from checks.quality.redcap_rules import RULES
from tests.projects import dictionary, study

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
STUDY = """
study: s
title: S
redcap: {url: 'http://x/', token: {env: T}, project: {id: 1, title: S, status: development}}
"""
FIELDS = """
record_id | base  | text     |                     |             |     |     |
born      | base  | text     |                     | date_dmy    |     |     |
sex       | base  | radio    | 1, Girl | 2, Boy    |             |     |     |
twin      | base  | yesno    |                     |             |     |     |
note      | base  | notes    |                     |             |     |     |
weight    | visit | text     |                     | number      | 1   | 99  |
pain      | visit | slider   |                     |             |     |     |
takes     | visit | checkbox | a, Pill | b, Syrup  |             |     |     |
reason    | visit | text     |                     |             |     |     |
scan      | visit | file     |                     |             |     |     |
double    | visit | calc     | round([weight]*2,1) |             |     |     |
heavy     | visit | text     |                     |             |     |     |
next_on   | visit | text     |                     | date_ymd    |     |     |
drug      | drugs | dropdown | 1, One | 2, Two     |             |     |     |
dose      | drugs | text     |                     | integer     |     |     |
"""
MORE: Mapping[str, Mapping[str, str]] = {
    "sex": {"required_field": "y"},
    "reason": {"branching_logic": "[pain] > 50"},
    "heavy": {"field_annotation": "@CALCTEXT(if([weight] > 40, 'heavy, (very)', 'light')) @READONLY"},
    "next_on": {"field_annotation": "@CALCDATE([start_arm_1][born], 10, 'd')"},
    "dose": {"required_field": "y"},
}
GRID = EventGrid(
    (Event("start_arm_1", "Start", "1"), Event("visit_arm_1", "Visit", "1")),
    {"1": "Everybody"},
    frozenset({("start_arm_1", "base"), ("visit_arm_1", "visit"), ("visit_arm_1", "drugs")}),
    frozenset({("visit_arm_1", "drugs")}),
)
MISSING = {"-88": "Unknown"}


def project() -> Dictionary:
    return replace(dictionary(FIELDS, **MORE), missing_codes=MISSING)


def clean(seed: int, *, records: int = 30) -> pd.DataFrame:
    """A project in which nothing is wrong: every shown field of every begun form has a right value."""
    chance = random.Random(seed)
    rows = [row for number in range(1, records + 1) for row in _record(str(number), chance)]
    columns = list(dict.fromkeys(["record_id", *KEY_NAMES, *project().by_column]))
    return keyed(pd.DataFrame(rows, columns=columns, dtype="str").fillna(""), record_field="record_id")


def _record(record: str, chance: random.Random) -> list[dict[str, str]]:
    day = date(2020, 1, chance.randint(1, 20))
    # Evenly spread numbers lie within two standard deviations of their mean.
    weight = chance.randint(300, 500) / 10
    pain = chance.randint(0, 100)
    base = {
        "record_id": record,
        "redcap_event_name": "start_arm_1",
        "born": day.isoformat(),
        "sex": chance.choice("12"),
        "twin": chance.choice("01"),
        "note": "nothing",
        "base_complete": chance.choice("012"),
    }
    visit = {
        "record_id": record,
        "redcap_event_name": "visit_arm_1",
        "weight": f"{weight}",
        "pain": str(pain),
        "takes___a": "1",
        "takes___b": chance.choice("01"),
        "reason": "hurts" if pain > 50 else "",
        "scan": "[document]",
        "double": f"{weight * 2:g}",
        "heavy": "heavy, (very)" if weight > 40 else "light",
        "next_on": f"2020-01-{day.day + 10}",
        "visit_complete": "2",
    }
    drugs = [
        {
            **{name: visit[name] for name in ("record_id", "redcap_event_name")},
            "redcap_repeat_instrument": "drugs",
            "redcap_repeat_instance": str(instance),
            "drug": chance.choice("12"),
            "dose": str(chance.randint(10, 20)),
            "drugs_complete": "2",
        }
        for instance in range(1, chance.randint(1, 3) + 1)
    ]
    return [base, visit, *drugs]


def audited(frame: pd.DataFrame, *, more: str = "", fields: Dictionary | None = None) -> Audited:
    rules = Rules(study(STUDY + more), fields or project(), GRID, NOW.date())
    return audit(frame, rules=rules, now=NOW)


def places(found: Audited) -> set[tuple[str, ...]]:
    told = found.verdicts[found.verdicts["record"] != ""]
    return set(map(tuple, told[["record", "event", "instance", "field", "check"]].to_numpy()))


class Fault(NamedTuple):
    """One wrong cell of record 7, and what must be said: REDCap's letters and the check."""

    event: str
    field: str
    value: str
    letters: str
    check: str
    instance: str = ""
    said_of: str = ""


FAULTS = [
    Fault("start_arm_1", "note", "", "A", "missing_value"),
    Fault("start_arm_1", "twin", "", "A", "missing_value"),
    Fault("visit_arm_1", "scan", "", "A", "missing_value"),
    Fault("visit_arm_1", "takes___a", "0", "A", "missing_value", said_of="takes"),
    Fault("start_arm_1", "sex", "", "AB", "required_blank"),
    Fault("visit_arm_1", "dose", "", "AB", "required_blank", instance="1"),
    Fault("visit_arm_1", "dose", "many", "C", "type_mismatch", instance="1"),
    Fault("visit_arm_1", "dose", "TRUE", "C", "spreadsheet_damage", instance="1"),
    Fault("visit_arm_1", "dose", "44", "E", "outlier", instance="1"),
    Fault("visit_arm_1", "reason", "hurts", "F", "hidden_has_value"),
    Fault("start_arm_1", "sex", "3", "G", "choice_unknown"),
    Fault("start_arm_1", "sex", "TRUE", "G", "spreadsheet_damage"),
    Fault("start_arm_1", "twin", "2", "G", "yesno_value"),
    Fault("visit_arm_1", "takes___a", "2", "G", "checkbox_value"),
    Fault("visit_arm_1", "visit_complete", "3", "G", "form_status"),
    Fault("visit_arm_1", "drug", "9", "G", "choice_unknown", instance="1"),
    Fault("visit_arm_1", "double", "80.5", "H", "calc_mismatch"),
    Fault("visit_arm_1", "double", "", "H", "calc_mismatch"),
    Fault("visit_arm_1", "heavy", "fat", "H", "calc_mismatch"),
    Fault("visit_arm_1", "next_on", "2020-02-28", "H", "calc_mismatch"),
    Fault("start_arm_1", "note", "-88", "I", "missing_code"),
    Fault("visit_arm_1", "dose", "-88", "I", "missing_code", instance="1"),
]


def spoil(frame: pd.DataFrame, fault: Fault) -> pd.DataFrame:
    """Put one wrong value into record 7; a value that is hidden goes where it is hidden."""
    chosen = (
        (frame["record_id"] == "7")
        & (frame["redcap_event_name"] == fault.event)
        & (frame["redcap_repeat_instance"] == fault.instance)
    )
    told = frame.copy()
    told.loc[chosen, fault.field] = fault.value
    hidden = fault.field == "reason"
    if hidden:
        told.loc[chosen, "pain"] = "40"
    if fault.field.startswith("takes"):
        told.loc[chosen, "takes___b"] = "0"
    return told


@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_found_in_a_clean_project(seed: int) -> None:
    found = audited(clean(seed))

    assert not places(found)
    assert found.letters == dict.fromkeys("ABCDEFGHI", 0)
    assert (found.rows_found, found.accepted) == (0, 0)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.letters}-{fault.field}-{fault.value}")
def test_one_fault_is_found_at_its_place_under_its_letter_and_nothing_else(fault: Fault) -> None:
    found = audited(spoil(clean(11), fault))

    field = fault.said_of or fault.field
    assert places(found) == {("7", fault.event, fault.instance, field, fault.check)}
    assert "".join(letter for letter, count in found.letters.items() if count) == fault.letters
    assert found.checks == {fault.check: 1}


def test_what_is_out_of_range_is_rule_d_and_makes_its_calculations_wrong() -> None:
    frame = clean(3)
    row = frame.index[(frame["record_id"] == "7") & (frame["weight"] != "")]
    frame.loc[row, ["weight", "double", "heavy"]] = ["99.5", "199", "heavy, (very)"]

    found = audited(frame)

    assert found.checks["out_of_range"] == found.letters["D"] == 1
    # It is far from the others too, and so is what is calculated from it.
    assert found.checks == {"out_of_range": 1, "outlier": 2}


def test_a_fault_in_a_row_hides_no_other_fault_of_the_row() -> None:
    frame = spoil(spoil(clean(4), FAULTS[10]), FAULTS[0])
    frame = spoil(frame, FAULTS[12])

    found = audited(frame)

    assert found.letters == dict.fromkeys("ABCDEFGHI", 0) | {"A": 1, "G": 2}


def test_a_form_without_data_and_a_hidden_field_have_no_blanks() -> None:
    frame = clean(5)
    visit = frame["redcap_event_name"].eq("visit_arm_1") & frame["redcap_repeat_instrument"].eq("")
    columns = [name for name, item in project().by_column.items() if item.form == "visit"]
    frame.loc[visit, columns] = ""
    frame.loc[visit, ["takes___a", "takes___b", "visit_complete"]] = "0"

    assert not places(audited(frame))


def test_a_required_field_that_logic_hides_is_not_blank() -> None:
    fields = replace(
        dictionary(FIELDS, **{**MORE, "reason": {"branching_logic": "[pain] > 50", "required_field": "y"}}),
        missing_codes=MISSING,
    )

    assert not places(audited(clean(6), fields=fields))


def test_a_finished_form_with_a_blank_required_field_is_one_finding() -> None:
    frame = spoil(clean(7), Fault("start_arm_1", "sex", "", "AB", "required_blank"))
    frame.loc[frame["base_complete"] != "", "base_complete"] = "2"

    assert audited(frame).checks == {"required_blank": 1}


def numbers(values: list[str]) -> pd.DataFrame:
    frame = clean(1, records=len(values))
    is_visit = frame["weight"] != ""
    frame.loc[is_visit, "double"] = ""
    frame.loc[is_visit, "pain"] = values
    frame.loc[is_visit, "reason"] = ["x" if float(value or 0) > 50 else "" for value in values]
    return frame


@pytest.mark.parametrize(
    ("values", "count"),
    [
        (["40"] * 30, 0),
        (["40"] * 29 + ["41"], 1),
        (["40"] * 18 + ["90"], 0),
        (["40"] * 19 + ["90"], 1),
        (["40"] * 30 + ["-88"], 0),
        (["40"] * 10 + ["90"] * 10, 0),
        ([""] * 30, 0),
    ],
    ids=["constant", "nearly constant", "too few", "just enough", "missing code", "two heaps", "blank"],
)
def test_an_outlier_is_more_than_two_standard_deviations_from_the_mean(values: list[str], count: int) -> None:
    found = audited(numbers(values))

    assert sum(place[3] == "pain" and place[4] == "outlier" for place in places(found)) == count


def test_around_the_median_wild_values_do_not_hide_each_other() -> None:
    values = [str(40 + number % 5) for number in range(26)] + ["95", "96", "97", "98"]

    around_mean = audited(numbers(values), more="quality: {outliers: {deviations: 3}}")
    around_median = audited(numbers(values), more="quality: {outliers: {deviations: 3, around: median}}")

    assert sum(place[3] == "pain" for place in places(around_mean) if place[4] == "outlier") == 0
    assert sum(place[3] == "pain" for place in places(around_median) if place[4] == "outlier") == 4


def test_a_number_too_large_to_be_squared_is_an_outlier() -> None:
    frame = spoil(clean(8), Fault("visit_arm_1", "dose", "9" * 200, "E", "outlier", instance="1"))

    assert ("7", "visit_arm_1", "1", "dose", "outlier") in places(audited(frame))


CUSTOM = """
quality:
  rules:
    - {id: light, finds: "[weight] < 31", text: Is light., field: weight}
    - {id: girl, finds: "[start_arm_1][sex] = '1' and [weight] > 49", text: Girl., severity: note}
    - {id: once, finds: "[start_arm_1][twin] = '1' and [visit_arm_1][pain] > 90", text: Once., severity: error}
    - {id: drugs, finds: "[dose] > 19 and [drug] = '1'", text: Drugs.}
    - {id: second, finds: "[current-instance] = 2", text: Second., event: visit}
"""


def test_custom_rules_find_where_their_logic_is_true() -> None:
    frame = clean(9, records=60)
    base = frame[frame["sex"] != ""].set_index("record_id")
    visit = frame[frame["weight"] != ""].set_index("record_id")
    weight, pain = visit["weight"].astype(float), visit["pain"].astype(float)

    found = audited(frame, more=CUSTOM)

    told = found.verdicts[found.verdicts["check"].str.startswith("custom_")]
    records = {check: set(part["record"]) for check, part in told.groupby("check")}
    assert records["custom_light"] == set(weight.index[weight < 31])
    assert records["custom_girl"] == set(weight.index[(weight > 49) & (base["sex"] == "1")])
    assert records["custom_once"] == set(pain.index[(pain > 90) & (base["twin"] == "1")])
    assert set(told.loc[told["check"] == "custom_once", "event"]) == {"start_arm_1"}
    drugs = frame[(frame["drug"] == "1") & (frame["dose"] == "20")]
    assert found.checks["custom_drugs"] == len(drugs)
    assert found.checks["custom_second"] == (frame["redcap_repeat_instance"] == "2").sum()
    severities = dict(zip(told["check"], told["severity"], strict=True))
    assert (severities["custom_once"], severities["custom_girl"]) == ("error", "note")
    assert set(told.loc[told["check"] == "custom_light", "field"]) == {"weight"}


def test_a_rule_that_cannot_be_computed_is_told_and_stops_nothing() -> None:
    rules = (
        "quality: {rules: [{id: gone, finds: \"[gone] = '1'\", text: x}, {id: odd, finds: '[dose', text: x}]}"
    )

    found = audited(spoil(clean(10), FAULTS[0]), more=rules)

    assert found.checks == {"missing_value": 1}
    notes = found.verdicts[found.verdicts["check"] == "logic_not_evaluated"]
    assert len(notes) == 2
    assert set(notes["record"]) == {""}


@pytest.mark.parametrize(("until", "count"), [("2026-06-01", 0), ("2026-05-31", 1)])
def test_an_exception_holds_through_its_last_day(until: str, count: int) -> None:
    exception = f"{{check: hidden_has_value, field: reason, reason: Known., until: {until}}}"
    fault = next(fault for fault in FAULTS if fault.letters == "F")

    found = audited(spoil(clean(2), fault), more=f"quality: {{exceptions: [{exception}]}}")

    assert (found.letters["F"], len(places(found)), found.accepted) == (count, count, 1 - count)


def test_an_exception_at_another_field_accepts_nothing() -> None:
    exception = "{check: missing_value, field: twin, reason: Known., until: 2026-12-31}"

    found = audited(spoil(clean(2), FAULTS[0]), more=f"quality: {{exceptions: [{exception}]}}")

    assert (found.letters["A"], found.accepted) == (1, 0)


def test_the_conditions_of_imports_are_asked_of_all_that_is_held() -> None:
    rule = (
        "{id: young, check: date_order, when: \"[double] <> ''\", "
        "expect: \"[start_arm_1][born] < '2020-01-15'\", reason: Too late.}"
    )
    frame = clean(12)

    found = audited(frame, more=f"checks: {{rules: [{rule}]}}")

    assert found.checks["date_order"] == (frame["born"] >= "2020-01-15").sum()
    assert {place[1] for place in places(found)} == {"visit_arm_1"}


def test_findings_come_in_study_order_and_notes_beyond_a_limit_are_only_counted() -> None:
    frame = clean(13, records=LISTED_NOTES + 500)
    frame["note"] = ""
    frame.loc[frame["record_id"] == "9", "sex"] = frame.loc[frame["record_id"] == "9", "sex"].replace(
        {"1": "7", "2": "7"}
    )

    found = audited(frame)

    assert found.checks["missing_value"] == LISTED_NOTES + 500
    listed = found.verdicts["check"] == "missing_value"
    assert LISTED_NOTES <= listed.sum() < LISTED_NOTES + 10
    assert found.verdicts["record"].astype(int).is_monotonic_increasing
    assert found.verdicts.loc[found.verdicts["record"] == "9", "field"].tolist() == ["sex", "note"]


def test_an_empty_project_has_no_findings() -> None:
    found = audited(clean(1).iloc[:0])

    assert not places(found)
    assert sum(found.letters.values()) == 0


def test_a_form_may_have_lost_its_place_and_its_data_are_still_judged() -> None:
    grid = replace(GRID, designated=GRID.designated - {("visit_arm_1", "visit")})
    rules = Rules(study(STUDY), project(), grid, NOW.date())

    found = audit(spoil(clean(14), FAULTS[0]), rules=rules, now=NOW)

    assert found.checks["missing_value"] == 1
    assert found.checks["field_not_in_event"] > 100


@pytest.mark.parametrize(
    "annotation",
    ["@CALCTEXT([weight]", "@CALCDATE([born], 3)", "@CALCTEXT([user-name])", "@CALCTEXT(odd(1))"],
)
def test_an_equation_that_cannot_be_told_is_said_and_finds_nothing(annotation: str) -> None:
    fields = replace(
        dictionary(FIELDS, **{**MORE, "heavy": {"field_annotation": annotation}}), missing_codes=MISSING
    )

    found = audited(clean(15), fields=fields)

    assert not places(found)
    notes = found.verdicts[found.verdicts["check"] == "logic_not_evaluated"]
    assert notes["field"].tolist() == ["heavy"]


def test_every_letter_has_checks_of_the_catalogue() -> None:
    assert "".join(RULES) == "ABCDEFGHI"
    assert {check for rule in RULES.values() for check in rule.checks} <= set(CATALOGUE)
    assert all(CATALOGUE[check].severity.value == "note" for letter in "EI" for check in RULES[letter].checks)


CLASSIC = """
record_id | form | text     |              |         |   |    |
teeth     | form | text     |              | integer | 0 | 32 |
double    | form | calc     | [teeth]*2    |         |   |    |
"""


def classic(*rows: tuple[str, str, str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["record_id", "teeth", "double"], dtype="str")
    return keyed(frame.assign(form_complete="2"), record_field="record_id")


def audited_classic(frame: pd.DataFrame, *, more: str = "") -> Audited:
    grid = EventGrid((), {}, frozenset({("", "form")}), frozenset())
    rules = Rules(study(STUDY + more), dictionary(CLASSIC), grid, NOW.date())
    return audit(frame, rules=rules, now=NOW)


def test_a_project_without_events_is_judged_alike() -> None:
    rule = "quality: {rules: [{id: few, finds: '[teeth] < 3', text: Few.}]}"

    found = audited_classic(classic(("1", "2", "4"), ("2", "40", "80"), ("3", "20", "41")), more=rule)

    assert places(found) == {
        ("1", "", "", "", "custom_few"),
        ("2", "", "", "teeth", "out_of_range"),
        ("3", "", "", "double", "calc_mismatch"),
    }


def test_ids_that_differ_in_a_blank_alone_break_nothing() -> None:
    found = audited_classic(classic(("1", "2", "4"), ("1 ", "", "")))

    assert {place[3:] for place in places(found)} == {
        ("teeth", "missing_value"),
        ("form_complete", "status_vs_data"),
    }


def test_logic_knows_the_access_group_and_other_columns_are_no_data() -> None:
    rule = "quality: {rules: [{id: north, finds: \"[record-dag-name] = 'north'\", text: North.}]}"
    frame = classic(("1", "2", "4"), ("2", "2", "4")).assign(
        redcap_data_access_group=["north", "south"], redcap_survey_identifier="x"
    )

    assert places(audited_classic(frame, more=rule)) == {("1", "", "", "", "custom_north")}


def test_a_column_that_the_export_lacks_is_not_judged() -> None:
    found = audited_classic(classic(("1", "2", "9")).drop(columns="teeth"))

    assert not places(found)
    assert found.verdicts["check"].tolist() == ["logic_not_evaluated"]
