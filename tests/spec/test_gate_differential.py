"""The gate against the sandbox on the same rows: what REDCap refuses, the gate stops, and says where it is stricter."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pandas as pd
import pytest
import requests
from gate_values import VALID, WRONG
from hypothesis import HealthCheck, Phase, find, settings

from capstan.dictionary import Dictionary
from capstan.errors import RedcapError
from capstan.events import EventGrid
from capstan.plan import keyed
from capstan.redcap import Redcap
from capstan.study import Limits, Study
from checks import text
from checks.gate import Present, Rules, judge
from sandbox.server import Running
from tasks.connections import read_structure
from tests.projects import COLUMNS

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
# REDCap reads dates in more ways than the gate, which takes none that could be read in two.
STRICTER = {
    "2020-1-1", "01/02/2020", "2020/01/02", "2020-01-01 7:05", "7:05",
    "05/06/2020", "2020-01-01 10:00",
}  # fmt: skip
EXTRA = {
    "number_1dp": ["22", "22.00", "22,0"],
    "number_2dp_comma_decimal": ["1.25", "1,2"],
    "number_comma_decimal": ["1.5", "x"],
    "time_hh_mm_ss": ["10:00", "25:00:00"],
    "time_mm_ss": ["10:60", "10"],
    "postalcode_canada": ["12345"],
    "postalcode_australia": ["123"],
    "ssn": ["123456789"],
    "mrn_7d": ["123456"],
    "mrn_10d": ["123456789"],
    "vmrn": ["123"],
}
FORMS = {
    "choice": ["1", "9", "One", "01", "1.0"],
    "yes": ["0", "1", "2", "yes"],
    "pain": ["0", "50", "100", "101", "-1", "1.5"],
    "box___1": ["0", "1", "2", "x"],
    "form_complete": ["0", "2", "3", "Complete"],
}


def fields() -> list[dict[str, str]]:
    kinds = [kind for kind in text.TESTS if kind not in ("phone_uk", "phone_france", "postalcode_uk")]
    rows = [{"field_name": "record_id", "field_type": "text"}]
    rows += [
        {"field_name": f"t_{kind}", "field_type": "text", "text_validation_type_or_show_slider_number": kind}
        for kind in kinds
    ]
    choices = {"select_choices_or_calculations": "1, One | 2, Two"}
    rows += [
        {"field_name": "choice", "field_type": "radio", **choices},
        {"field_name": "yes", "field_type": "yesno"},
        {"field_name": "pain", "field_type": "slider"},
        {"field_name": "box", "field_type": "checkbox", **choices},
    ]
    return [dict.fromkeys(COLUMNS, "") | {"form_name": "form", "field_label": "x"} | row for row in rows]


class Both:
    """One project, asked of both; the sandbox is asked with an import of one cell."""

    def __init__(self, redcap: Redcap, dictionary: Dictionary, grid: EventGrid) -> None:
        self.redcap = redcap
        study = Study.from_text(
            "study: s\ntitle: s\nredcap: {url: 'http://x/', token: {env: T}, "
            "project: {id: 1, title: s, status: development}}\nwrites: {allow: [form]}\n",
            source="study.yaml",
            environment={},
        )
        self.rules = Rules(study, dictionary, grid, NOW.date())
        blank = pd.DataFrame([dict.fromkeys(dictionary.by_column, "")], dtype="str").assign(record_id="1")
        self.present = Present(keyed(blank, record_field="record_id"), frozenset("1"))

    def refused(self, column: str, value: str) -> bool:
        row = pd.DataFrame({"record_id": ["1"], column: [value]}, dtype="str")
        try:
            self.redcap.import_records(row, record_field="record_id", overwrite=False)
        except RedcapError:
            return True
        return False

    def stopped(self, column: str, value: str) -> bool:
        row = pd.DataFrame({"record_id": ["1"], column: [value]}, dtype="str")
        limits = Limits(records=9, share=1)
        return not judge(row, present=self.present, rules=self.rules, limits=limits, now=NOW).errors.empty


@pytest.fixture(scope="module")
def both() -> Iterator[Both]:
    with Running() as sandbox:
        made = requests.post(
            f"{sandbox.redcap_url}",
            data={
                "token": sandbox.super_token,
                "content": "project",
                "format": "json",
                "data": '[{"project_title": "Types", "purpose": "0"}]',
            },
            timeout=30,
        )
        redcap = Redcap(sandbox.redcap_url, made.text.strip())
        answer = requests.post(
            sandbox.redcap_url,
            data={
                "token": made.text.strip(),
                "content": "metadata",
                "format": "csv",
                "data": pd.DataFrame(fields()).to_csv(index=False),
            },
            timeout=30,
        )
        assert answer.ok, answer.text
        yield Both(redcap, *read_structure(redcap, missing_codes=""))


def kinds() -> list[str]:
    return [
        field["field_name"].removeprefix("t_") for field in fields() if field["field_name"].startswith("t_")
    ]


@pytest.mark.parametrize("kind", kinds())
def test_a_text_that_redcap_refuses_for_its_type_is_stopped_by_the_gate(both: Both, kind: str) -> None:
    for value in [*WRONG.get(kind, []), *EXTRA.get(kind, ["~~"])]:
        stopped, refused = both.stopped(f"t_{kind}", value), both.refused(f"t_{kind}", value)

        assert stopped == refused or (stopped and value in STRICTER), value


@pytest.mark.parametrize("kind", [kind for kind in kinds() if kind in VALID])
def test_a_text_that_the_gate_lets_pass_is_taken_by_redcap(both: Both, kind: str) -> None:
    quick = settings(
        max_examples=1, phases=[Phase.generate], suppress_health_check=list(HealthCheck), database=None
    )

    value = find(VALID[kind], lambda _: True, settings=quick)

    assert not both.stopped(f"t_{kind}", value)
    assert not both.refused(f"t_{kind}", value), value


@pytest.mark.parametrize(("column", "value"), [(c, v) for c, values in FORMS.items() for v in values])
def test_codes_boxes_sliders_and_statuses_are_judged_alike(both: Both, column: str, value: str) -> None:
    assert both.stopped(column, value) == both.refused(column, value)
