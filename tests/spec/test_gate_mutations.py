"""The gate by properties: valid rows pass untouched, and one spoilt cell is always seen, on its row alone."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from gate_operators import OPERATORS
from gate_values import spoilt, valid_text
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capstan.dictionary import Dictionary, Field, FieldType
from capstan.events import EventGrid
from capstan.plan import keyed
from capstan.redcap import Redcap
from capstan.study import Limits, Study
from capstan.verdict import Decision
from checks.case import Present, Rules
from checks.gate import judge
from checks.judgement import Judgement
from sandbox.server import Running
from studies.demo.generate import project_xml
from tasks.connections import read_structure

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
PROJECTS = (
    "arm-multiple-delete", "checkboxes-1", "dag", "decimal-comma", "longitudinal", "repeating-events",
    "repeating-instruments", "simple", "survey", "validation-types-1", "caps-demo",
)  # fmt: skip
# Real values that break their own dictionary: a height out of range, line breaks in a one-line field.
KNOWN = {"simple": {"out_of_range"}, "repeating-events": {"control_chars"}}
GOLDEN = ("repeating-events", "validation-types-1", "longitudinal", "arm-multiple-delete", "checkboxes-1")
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
LIMITS = Limits(records=10_000, share=1, new_records=0)
RUNS = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


@dataclass(frozen=True)
class World:
    """A project, and records of which two are in each arm; no record holds anything but its id."""

    rules: Rules
    present: Present
    arm_of: dict[str, str]

    @property
    def dictionary(self) -> Dictionary:
        return self.rules.dictionary

    @property
    def grid(self) -> EventGrid:
        return self.rules.grid

    def judge(self, table: pd.DataFrame) -> Judgement:
        return judge(table, present=self.present, rules=self.rules, limits=LIMITS, now=NOW)


@cache
def world(name: str) -> World:
    """A project through a sandbox, as any study would see it."""
    if name == "demo":
        xml = project_xml(date(2026, 6, 1), participants=20)
    else:
        path = (SHARED / "caps-demo" if name == "caps-demo" else SHARED / "golden" / name) / "project.xml"
        if not path.exists():
            pytest.skip(f"{path.name} of {name} is not here")
        xml = path.read_text(encoding="utf-8")
    with Running() as sandbox:
        token = new_project(sandbox, xml)
        dictionary, grid = read_structure(Redcap(sandbox.redcap_url, token), missing_codes="")
    return made_world(dictionary, grid)


@cache
def filled_world(name: str) -> World:
    """A project with all of its records, as an export has them."""
    path = (SHARED / "caps-demo" if name == "caps-demo" else SHARED / "golden" / name) / "project.xml"
    if not path.exists():
        pytest.skip(f"{path.name} of {name} is not here")
    with Running() as sandbox:
        redcap = Redcap(sandbox.redcap_url, new_project(sandbox, path.read_text(encoding="utf-8")))
        dictionary, grid = read_structure(redcap, missing_codes="")
        export = keyed(redcap.records(), record_field=dictionary.record_field)
    made = made_world(dictionary, grid)
    return World(made.rules, Present(export, frozenset(export[dictionary.record_field])), made.arm_of)


def new_project(sandbox: Running, xml: str) -> str:
    import requests

    loaded = requests.post(f"{sandbox.control_url}projects", json={"xml": xml, "title": "T"}, timeout=60)
    return str(loaded.json()["token"])


def made_world(dictionary: Dictionary, grid: EventGrid) -> World:
    names = list(dictionary.forms) + [f.name for f in dictionary.fields if "@READONLY" in f.action_tags]
    text = (
        "study: s\ntitle: s\nredcap: {url: 'http://x/', token: {env: T}, "
        "project: {id: 1, title: s, status: development}}\n"
        f"writes: {{allow: [{', '.join(names)}]}}\n"
    )
    study = Study.from_text(text, source="study.yaml", environment={})
    arms = list(dict.fromkeys(event.arm for event in grid.events)) or [""]
    arm_of = {f"{arm or 0}0{number}": arm for arm in arms for number in (1, 2)}
    first = {event.arm: event.name for event in reversed(grid.events)} or {"": ""}
    rows = [{dictionary.record_field: r, "redcap_event_name": first[arm]} for r, arm in arm_of.items()]
    told = pd.DataFrame(rows, dtype="str")
    blank = {column: "" for column in dictionary.by_column if column not in told.columns}
    frame = keyed(told.assign(**blank), record_field=dictionary.record_field)
    rules = Rules(study, dictionary, grid, NOW.date())
    return World(rules, Present(frame, frozenset(arm_of)), arm_of)


Row = dict[str, str]


@st.composite
def valid_rows(draw: st.DrawFn, name: str) -> list[Row]:
    """One valid row for each of some records, each with one to five fields of one possible place."""
    here = world(name)
    records = draw(st.lists(st.sampled_from(sorted(here.arm_of)), min_size=2, max_size=4, unique=True))
    return [draw(valid_row(here, record)) for record in records]


@st.composite
def valid_row(draw: st.DrawFn, here: World, record: str) -> Row:
    event, instrument, forms = draw(st.sampled_from(places(here, here.arm_of[record])))
    instance = "1" if instrument or (event, "") in here.grid.repeating else ""
    fields = [f for f in here.dictionary.fields if f.form in forms and writable(here, f)]
    chosen = draw(st.lists(st.sampled_from(fields), min_size=1, max_size=5, unique_by=lambda f: f.name))
    row = {
        here.dictionary.record_field: record,
        "redcap_event_name": event,
        "redcap_repeat_instrument": instrument,
        "redcap_repeat_instance": instance,
    }
    for field in chosen:
        texts = valid_text(field)
        assert texts is not None
        row[draw(st.sampled_from(field.columns))] = draw(texts)
    return row


def writable(here: World, field: Field) -> bool:
    return (
        field.name != here.dictionary.record_field
        and field.is_importable
        and bool(field.columns)
        and field.type is not FieldType.SQL
        and valid_text(field) is not None
    )


def places(here: World, arm: str) -> list[tuple[str, str, frozenset[str]]]:
    """(event, repeat instrument, forms that may have values there) of one arm."""
    found = []
    for event in here.grid.names:
        if here.grid.arm_of.get(event, "") != arm:
            continue
        forms = {f for f in here.grid.forms_of(event) if any(writable(here, x) for x in of_form(here, f))}
        repeating = {form for form in forms if (event, form) in here.grid.repeating}
        if forms - repeating:
            found.append((event, "", frozenset(forms - repeating)))
        found += [(event, form, frozenset({form})) for form in sorted(repeating)]
    return found


def of_form(here: World, form: str) -> list[Field]:
    return [field for field in here.dictionary.fields if field.form == form]


def table(rows: list[Row]) -> pd.DataFrame:
    return pd.DataFrame(rows, dtype="str").fillna("").astype("str")


def keys(here: World, row: Row) -> tuple[str, ...]:
    return tuple(row[name] for name in list(row)[:4])


def stopped(judgement: Judgement) -> dict[tuple[str, ...], set[str]]:
    found: dict[tuple[str, ...], set[str]] = {}
    for *where, check in judgement.errors[["record", "event", "instrument", "instance", "check"]].to_numpy():
        found.setdefault(tuple(where), set()).add(check)
    return found


@pytest.mark.parametrize("name", ["demo", *PROJECTS])
def test_valid_rows_are_never_stopped(name: str) -> None:
    world(name)

    @RUNS
    @given(rows=valid_rows(name))
    def check(rows: list[Row]) -> None:
        judgement = world(name).judge(table(rows))

        assert judgement.errors.empty, judgement.errors.drop(columns="reason").to_string()
        assert judgement.decision is Decision.APPLY

    check()


@pytest.mark.parametrize("name", ["demo", "caps-demo", *GOLDEN])
def test_one_spoilt_row_is_always_stopped_for_its_reason_and_no_other_row_is(name: str) -> None:
    world(name)

    @RUNS
    @given(rows=valid_rows(name), data=st.data())
    def check(rows: list[Row], data: st.DataObject) -> None:
        here = world(name)
        at = data.draw(st.integers(0, len(rows) - 1))
        wrong, expected = data.draw(st.sampled_from(list(mutants(here, rows[at]))))
        spoilt_rows = [*rows[:at], wrong, *rows[at + 1 :]]

        found = stopped(here.judge(table(spoilt_rows)))

        assert expected in found[keys(here, wrong)]
        assert set(found) == {keys(here, wrong)}

    check()


def mutants(here: World, row: Row) -> Iterator[tuple[Row, str]]:
    """The row with one thing wrong, and the check that must see it."""
    yield from key_mutants(here, row)
    forms = {here.dictionary.by_column[column].form for column in list(row)[4:]}
    for field in here.dictionary.fields:
        if field.form in forms and field.name != here.dictionary.record_field:
            for text, check in spoilt(field):
                yield {**row, field.columns[0]: text}, check


def key_mutants(here: World, row: Row) -> Iterator[tuple[Row, str]]:
    record_field, grid = here.dictionary.record_field, here.grid
    arm = here.arm_of[row[record_field]]
    # A code that a blank or a 0 would not change is nothing to judge: give the row a value that counts.
    sure = {**row, **sure_value(here, row)}
    yield {**sure, record_field: ""}, "record_blank"
    yield {**sure, record_field: "x" * 101}, "record_blank"
    yield {**sure, record_field: "nobody"}, "record_unknown"
    if grid.is_longitudinal:
        yield {**sure, "redcap_event_name": "no_such_event"}, "event_unknown"
        yield {**sure, "redcap_event_name": ""}, "event_blank"
        other = next((e.name for e in grid.events if e.arm != arm and same_forms(here, row, e.name)), None)
        if other:
            yield {**sure, "redcap_event_name": other}, "wrong_arm"
    else:
        yield {**sure, "redcap_event_name": "baseline_arm_1"}, "event_unknown"
    yield (
        {**sure, "redcap_repeat_instrument": "no_such_form", "redcap_repeat_instance": "1"},
        "repeat_form_invalid",
    )
    repeats = row["redcap_repeat_instance"] != ""
    for instance in ("0", "-1", "1.5", "01", "") if repeats else ("1",):
        yield {**sure, "redcap_repeat_instance": instance}, "repeat_instance_invalid"
    yield from field_mutants(here, sure)


def field_mutants(here: World, row: Row) -> Iterator[tuple[Row, str]]:
    """A field of a form that does not belong to the event, or to the row."""
    event, instrument = row["redcap_event_name"], row["redcap_repeat_instrument"]
    for form in here.dictionary.forms:
        field = next(
            (f for f in of_form(here, form) if writable(here, f) and f.type is FieldType.NOTES), None
        )
        if field is None:
            continue
        if (event, form) not in here.grid.designated:
            yield {**row, field.name: "text"}, "field_not_in_event"
        elif instrument not in ("", form) or (not instrument and (event, form) in here.grid.repeating):
            yield {**row, field.name: "text"}, "field_not_on_row"


def same_forms(here: World, row: Row, event: str) -> bool:
    forms = {here.dictionary.by_column[column].form for column in list(row)[4:]}
    instrument = row["redcap_repeat_instrument"]
    repeats = {form for form in forms if (event, form) in here.grid.repeating}
    fits = forms <= here.grid.forms_of(event) and repeats == ({instrument} if instrument else set())
    return fits and (
        bool(row["redcap_repeat_instance"]) == bool(instrument or (event, "") in here.grid.repeating)
    )


def sure_value(here: World, row: Row) -> Row:
    """A cell of the row's own form that surely differs from what the project holds."""
    form = here.dictionary.by_column[list(row)[4]].form
    return {f"{form}_complete": "2"}


def test_every_check_of_rows_and_cells_has_a_mutant_somewhere() -> None:
    here = world("demo")
    rows = [
        {
            "record_id": record,
            "redcap_event_name": event,
            "redcap_repeat_instrument": instrument,
            "redcap_repeat_instance": "1" if instrument else "",
            f"{sorted(forms)[0]}_complete": "2",
        }
        for event, instrument, forms in places(here, "2") + places(here, "1")
        for record in [next(r for r, arm in here.arm_of.items() if arm == here.grid.arm_of[event])]
    ]

    seen = {check for row in rows for _, check in mutants(here, row)}

    of_one_row = {"record_blank", "record_unknown", "event_unknown", "wrong_arm", "repeat_form_invalid"}
    of_one_cell = {"field_not_in_event", "field_not_on_row", "choice_unknown", "type_mismatch", "too_long"}
    assert of_one_row | of_one_cell <= seen
    assert seen <= set(OPERATORS)


@pytest.mark.parametrize("name", PROJECTS)
def test_real_rows_judged_against_themselves_are_unchanged(name: str) -> None:
    here = filled_world(name)

    judgement = here.judge(here.present.frame)

    assert judgement.plan.is_empty
    assert judgement.errors.empty
    assert judgement.counts()["rows_unchanged"] == len(here.present.frame)


@pytest.mark.parametrize("name", PROJECTS)
def test_real_rows_without_what_no_import_takes_come_back_into_an_empty_project(name: str) -> None:
    """What REDCap itself has accepted is stopped for its values alone, and for known ones."""
    here = filled_world(name)
    record_field = here.dictionary.record_field
    takes = [c for c, f in here.dictionary.by_column.items() if f.is_importable and f.name != record_field]
    wanted = here.present.frame[
        [*here.present.frame.columns[:4], *(c for c in takes if c in here.present.frame)]
    ]
    nothing = Present(here.present.frame.iloc[:0], frozenset())

    judgement = judge(
        wanted,
        present=nothing,
        rules=here.rules,
        limits=Limits(records=10**6, share=1, new_records=10**6),
        now=NOW,
    )

    assert set(judgement.errors["check"]) <= KNOWN.get(name, set()) | {"wrong_arm", "new_record_incomplete"}
    assert (
        judgement.rows_in
        == judgement.rows_accepted + judgement.rows_rejected + judgement.counts()["rows_unchanged"]
    )


def test_a_project_read_from_its_own_export_has_a_dictionary_and_a_grid() -> None:
    here: Any = world("demo")
    with (Path("studies/demo/dictionary.csv")).open(encoding="utf-8", newline="") as file:
        names = [row["field_name"] for row in csv.DictReader(file)]

    assert [f.name for f in here.dictionary.fields if f.type is not FieldType.FORM_STATUS] == names
