"""Calculated values and branching that real servers recorded (redcap-api G.5, I)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest

from capstan.logic import Layout, Table, check, parse

DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
ODM = "{http://www.cdisc.org/ns/odm/v1.3}"
REDCAP = "{https://projectredcap.org}"
NOW = datetime(2024, 1, 1, tzinfo=UTC)
KEYS = ("redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance")

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the recordings are not beside the project")


def _items(folder):
    """Give the form, the definition and the field of every item, in project order."""
    root = ElementTree.parse(DATA / folder / "project.xml").getroot()
    groups = {one.get("OID"): one for one in root.iter(f"{ODM}ItemGroupDef")}
    items = {one.get("OID"): one for one in root.iter(f"{ODM}ItemDef")}
    return [
        (form.get(f"{REDCAP}FormName"), items[item.get("ItemOID")])
        for form in root.iter(f"{ODM}FormDef")
        for group in form.iter(f"{ODM}ItemGroupRef")
        for item in groups[group.get("ItemGroupOID")].iter(f"{ODM}ItemRef")
    ]


def _layout(folder):
    root = ElementTree.parse(DATA / folder / "project.xml").getroot()
    items = _items(folder)
    events = [
        (
            one.get(f"{REDCAP}UniqueEventName"),
            one.get(f"{REDCAP}EventName"),
            int(one.get(f"{REDCAP}ArmNum")),
            "",
        )
        for one in root.iter(f"{ODM}StudyEventDef")
    ]
    checkboxes: dict[str, dict[str, str]] = {}
    for _, item in items:
        name, _, code = item.get("OID").partition("___")
        if code:
            checkboxes.setdefault(name, {})[code] = item.get("OID")
    return Layout(
        record_field=items[0][1].get(f"{REDCAP}Variable"),
        form_of={item.get(f"{REDCAP}Variable"): form for form, item in items},
        checkboxes=checkboxes,
        events=tuple(events),
    )


def _records(folder):
    recorded = DATA / folder / "recorded.json"
    if recorded.exists():
        rows = json.loads(recorded.read_text(encoding="utf-8"))["records"]
        data = pd.DataFrame(rows).astype("str")
    else:
        data = pd.read_csv(DATA / folder / "data.csv", dtype="str", keep_default_na=False)
    return data.assign(**{key: "" for key in KEYS if key not in data})


def _attributes(name):
    return [
        (path.parent.relative_to(DATA).as_posix(), item.get(f"{REDCAP}Variable"), item.get(REDCAP + name))
        for path in sorted(DATA.glob("**/project.xml"))
        for _, item in _items(path.parent.relative_to(DATA))
        if item.get(REDCAP + name)
    ]


@pytest.mark.parametrize(
    ("folder", "field", "recorded"),
    [
        ("golden/simple", "bmi", 5),
        ("golden/decimal-comma", "bmi", 4),
        ("golden/longitudinal", "bmi", 3),
        ("golden/longitudinal", "bmi2", 3),
        ("golden/repeating-events", "registration_age", 100),
    ],
)
def test_every_recorded_calculated_value_is_computed(folder, field, recorded):
    text = next(text for its, name, text in _attributes("Calculation") if (its, name) == (folder, field))
    data, layout = _records(folder), _layout(folder)

    given = Table(data, layout).calculate(parse(text), now=NOW)

    assert given.tolist() == data[field].tolist()
    assert (data[field] != "").sum() == recorded


def test_every_calculation_and_branching_of_the_projects_is_read_and_names_known_fields():
    found = _attributes("Calculation") + _attributes("BranchingLogic")

    for folder, _, text in found:
        check(parse(text), _layout(folder))

    assert len(found) == 14


def test_a_calculation_without_references_has_its_value_in_every_row():
    data = _records("golden/validation-types-1")

    given = Table(data, _layout("golden/validation-types-1")).calculate(parse("3+4"), now=NOW)

    assert set(given) == {"7"}
