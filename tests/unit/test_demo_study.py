"""The demo study: its project, its people, and its file of good and bad rows."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import NamedTuple

import pandas as pd
import pytest
import requests
from lxml import etree

from capstan.dictionary import Dictionary
from capstan.eligibility import EligibilityStatus, check_eligibility
from capstan.events import EventGrid, logic_layout
from capstan.logic import Table
from capstan.plan import compare, keyed
from capstan.redcap import Redcap
from capstan.study import Limits
from capstan.study.check import check_study
from capstan.verdict import Severity, of_severity
from capstan.visits import VisitStatus, compute_visits
from capstan.visits.writes import wanted_values
from checks.case import Present, Rules
from checks.catalogue import CATALOGUE
from checks.gate import judge
from checks.judgement import Judgement
from studies.demo.generate import import_rows, main, project_xml
from studies.demo.mistakes import KEYS
from tests.unit.demo_project import demo_dictionary, demo_grid, demo_study

TODAY = date(2026, 7, 1)
NOW = datetime(2026, 7, 1, 19, 0, tzinfo=UTC)
NAMES = {"o": "http://www.cdisc.org/ns/odm/v1.3", "r": "https://projectredcap.org"}


class Loaded(NamedTuple):
    """The demo project as the sandbox gives it."""

    dictionary: Dictionary
    grid: EventGrid
    frame: pd.DataFrame


@pytest.fixture(scope="module")
def loaded() -> Iterator[Loaded]:
    """The demo project, loaded into the sandbox and read back through the API."""
    server = pytest.importorskip("sandbox.server")
    with server.Running() as running:
        answer = requests.post(f"{running.control_url}projects", json={"xml": project_xml(TODAY)}, timeout=60)
        redcap = Redcap(running.redcap_url, answer.json()["token"])
        dictionary = Dictionary.from_frames(redcap.metadata(), instruments=redcap.instruments())
        grid = EventGrid.from_frames(
            arms=redcap.arms(),
            events=redcap.events(),
            mapping=redcap.form_event_mapping(),
            repeating=redcap.repeating(),
            forms=tuple(dictionary.forms),
        )
        yield Loaded(dictionary, grid, keyed(redcap.records(), record_field="record_id"))


def judged(loaded: Loaded, text: str) -> Judgement:
    """What the gate says of an import file."""
    rules = Rules(demo_study(), loaded.dictionary, loaded.grid, TODAY)
    present = Present(loaded.frame, frozenset(loaded.frame["record_id"]))
    wanted = pd.read_csv(io.StringIO(text), dtype="str", keep_default_na=False)
    return judge(wanted, present=present, rules=rules, limits=Limits(share=1), now=NOW)


def test_the_same_day_and_seed_give_the_same_files() -> None:
    assert project_xml(TODAY, participants=25) == project_xml(TODAY, participants=25)
    assert import_rows(TODAY) == import_rows(TODAY)


def test_another_seed_gives_other_people() -> None:
    assert project_xml(TODAY, participants=25, seed=1) != project_xml(TODAY, participants=25, seed=2)


def test_every_reference_in_the_xml_leads_somewhere() -> None:
    root = etree.fromstring(project_xml(TODAY, participants=20).encode())

    for reference, target in (
        ("StudyEvent", "StudyEventDef"),
        ("Form", "FormDef"),
        ("ItemGroup", "ItemGroupDef"),
        ("Item", "ItemDef"),
        ("CodeList", "CodeList"),
    ):
        used = set(root.xpath(f"//@{reference}OID"))
        assert used
        assert used == set(root.xpath(f"//o:{target}/@OID", namespaces=NAMES)) & used


def test_all_people_are_invented_and_none_can_be_called() -> None:
    root = etree.fromstring(project_xml(TODAY).encode())

    def values(field: str) -> list[str]:
        return root.xpath("//o:ItemData[@ItemOID=$field]/@Value", namespaces=NAMES, field=field)

    numbers, addresses = values("part_mobile_number"), values("part_email")
    assert len(numbers) > 50
    assert all(re.fullmatch(r"\([2-9][0-9]{2}\) 555-01[0-9]{2}", number) for number in numbers)
    assert len(addresses) > 50
    assert all(address.endswith("@example.org") for address in addresses)
    assert any(not name.isascii() for name in values("part_first_name"))


@pytest.mark.parametrize("today", [TODAY, date(2028, 2, 29), date(2026, 12, 31)])
def test_no_day_of_the_past_is_in_the_future(today: date) -> None:
    root = etree.fromstring(project_xml(today).encode())

    for field in ("exam_date", "pfu_contact_date", "part_consent_date", "rand_date", "part_withdraw_date"):
        days = root.xpath("//o:ItemData[@ItemOID=$field]/@Value", namespaces=NAMES, field=field)
        assert days
        assert max(days) <= today.isoformat()


def test_both_files_are_written_where_they_are_wanted(tmp_path, capsys) -> None:
    names = [str(tmp_path / "project.xml"), str(tmp_path / "import.csv")]

    assert main(names) == 0
    assert (tmp_path / "project.xml").read_text(encoding="utf-8").startswith("<?xml")
    assert (tmp_path / "import.csv").read_text(encoding="utf-8").startswith("record_id,")
    assert main(names[:1]) == 2
    assert "project.xml import.csv" in capsys.readouterr().err


def test_a_bad_row_differs_from_a_good_one_and_stands_alone() -> None:
    file = import_rows(TODAY)

    rows = list(csv.DictReader(io.StringIO(file.text)))

    keys = Counter(tuple(row[key] for key in KEYS) for row in rows)
    assert len(rows) - len(file.expected) == 40
    assert set(file.expected.values()) <= set(CATALOGUE)
    assert [count for count in keys.values() if count > 1] == [2]


def test_too_few_participants_are_refused() -> None:
    with pytest.raises(ValueError, match="raise `participants`"):
        import_rows(TODAY, participants=30)


def test_the_loaded_project_is_the_one_that_was_written(loaded: Loaded) -> None:
    wanted = demo_dictionary()

    assert loaded.dictionary.forms == wanted.forms
    assert loaded.dictionary.fields == wanted.fields
    assert loaded.grid.designated == demo_grid().designated
    assert loaded.grid.repeating == demo_grid().repeating
    assert loaded.grid.arms == demo_grid().arms
    assert loaded.frame["record_id"].nunique() == 120


def test_the_study_fits_the_loaded_project(loaded: Loaded) -> None:
    assert check_study(demo_study(), loaded.dictionary, grid=loaded.grid) == []


@pytest.mark.parametrize("today", [TODAY, date(2027, 1, 4), date(2028, 2, 29)])
def test_every_visit_status_occurs_at_both_visits(loaded: Loaded, today: date) -> None:
    layout = logic_layout(loaded.dictionary, grid=loaded.grid)
    frame = frame_of_xml(project_xml(today, participants=60), columns=list(loaded.frame.columns))
    now = datetime(today.year, today.month, today.day, 19, 0, tzinfo=UTC)

    visits = compute_visits(demo_study(), frame, layout=layout, now=now)

    found = set(zip(visits["visit"], visits["status"], strict=True))
    assert found >= {("12 month", status.value) for status in VisitStatus}
    assert found >= {("6 month", status.value) for status in VisitStatus}


def test_every_eligibility_status_occurs(loaded: Loaded) -> None:
    layout = logic_layout(loaded.dictionary, grid=loaded.grid)

    result = check_eligibility(demo_study(), Table(loaded.frame, layout), now=NOW)

    assert set(result.participants["status"]) == {status.value for status in EligibilityStatus}
    assert (result.criteria[["met", "not_met"]].to_numpy() > 0).all()


def test_the_first_run_is_within_the_limits_and_passes_the_gate(loaded: Loaded) -> None:
    study, layout = demo_study(), logic_layout(loaded.dictionary, grid=loaded.grid)
    visits = compute_visits(study, loaded.frame, layout=layout, now=NOW)
    wanted = wanted_values(study, visits, frame=loaded.frame, layout=layout, now=NOW)
    rules = Rules(study, loaded.dictionary, loaded.grid, TODAY)
    present = Present(loaded.frame, frozenset(loaded.frame["record_id"]))

    result = judge(wanted, present=present, rules=rules, limits=study.writes.limits, now=NOW)

    assert result.errors.empty, result.errors
    assert len(result.plan.cells) == len(compare(wanted, present=loaded.frame, record_field="record_id"))


def test_the_gate_stops_each_bad_row_for_its_reason_and_no_good_row(loaded: Loaded) -> None:
    file = import_rows(TODAY)
    rows = list(csv.DictReader(io.StringIO(file.text)))

    found = of_severity(judged(loaded, file.text).verdicts, Severity.ERROR, Severity.FATAL, Severity.HOLD)

    stopped = {
        (row["record"], row["event"], row["instrument"], row["instance"], row["check"])
        for row in found.to_dict("records")
    }
    expected = {(*(rows[number][key] for key in KEYS), check) for number, check in file.expected.items()}
    assert expected <= stopped
    assert {key[:4] for key in stopped} == {key[:4] for key in expected}


def frame_of_xml(text: str, *, columns: list[str]) -> pd.DataFrame:
    """The rows of a project XML, read plainly; only for values without choices of their own."""
    rows: dict[tuple[str, ...], dict[str, str]] = {}
    repeating = {"phone_follow_up", "sms_survey_log"}
    for form in etree.fromstring(text.encode()).iterfind(".//o:FormData", NAMES):
        event = form.getparent()
        name = form.get("FormOID").removeprefix("Form.")
        instance = (name, form.get("FormRepeatKey")) if name in repeating else ("", "")
        record = event.getparent().get("SubjectKey")
        key = (record, event.get(f"{{{NAMES['r']}}}UniqueEventName"), *instance)
        values = {item.get("ItemOID"): item.get("Value") for item in form.iterfind(".//o:ItemData", NAMES)}
        rows.setdefault(key, {}).update(values)
    filled = [
        dict.fromkeys(columns, "") | values | dict(zip(KEYS, key, strict=True))
        for key, values in rows.items()
    ]
    return pd.DataFrame(filled, columns=columns, dtype="str")
