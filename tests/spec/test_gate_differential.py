"""The gate against the sandbox on the same texts: what REDCap refuses, the gate stops; where it is stricter is said."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from gate_and_sandbox import Both
from gate_values import VALID, WRONG
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

from checks import text
from checks.refusals import refusal_check
from sandbox.server import Running

# REDCap reads these in more ways than the gate, which takes none that could be read in two, and no number
# that cannot be dialled.
LOOSER = ("date", "time", "phone", "number_1dp", "number_2dp", "number_3dp", "number_4dp")
# What is wrong with a text for its type alone.
OF_THE_TYPE = {"type_mismatch", "decimal_comma", "missing_code_unlisted"}
EXTRA = {
    "number_1dp": ["22", "22.00", "22,0", "1E+05"],
    "number_2dp_comma_decimal": ["1.25", "1,2"],
    "number_comma_decimal": ["1.5", "x", ",", "1,5e"],
    "time_hh_mm_ss": ["10:00", "25:00:00", "10:60:00", "10:00:60"],
    "time_mm_ss": ["10:60", "10", "60:00"],
    "postalcode_canada": ["12345", "K1A-0B1", "K1A0B"],
    "postalcode_australia": ["123", "12345"],
    "postalcode_uk": ["12345", "SW1A1A", "SW1A  1AA", "1SW 1AA"],
    "phone_uk": ["12345", "00 7946 0958", "+44 0", "020 7946"],
    "phone_france": ["12 34 56 78 90", "01 23 45 67 8", "0033123456789", "00 00 00 00 00"],
    "phone_australia": ["0123456789", "99999999", "+61 1 9999 9999"],
    "ssn": ["123456789", "123-45-678", "12-345-6789"],
    "email": ["a@x.-y.org", "a@y-.org", "a\u00a0b@example.org", "a@example.o", "a@b@example.org", "a@1.2"],
    "mrn_7d": ["123456", "12345678", "123456a"],
    "mrn_8d": ["1234567", "1234567 8"],
    "mrn_10d": ["123456789"],
    "mrn_generic": ["a b", "a_b", "\u00e9"],
    "vmrn": ["123", "1234567890"],
}
CHOICES = {"select_choices_or_calculations": "1, One | 2, Two | a, Letter | 01, Zero one | -9, None"}
FORMS = {
    "choice": ["1", "9", "One", "01", "001", "1.0", "A", "a", "-9", "9-", "1 ", "\u0661", "1\u200b", "1|2"],
    "drop": ["2", "Two", "02", "two", "1,2"],
    "yes": ["0", "1", "2", "yes", "Y", "01", "-1"],
    "truth": ["0", "1", "TRUE", "true", "2", "T"],
    "pain": ["0", "50", "100", "101", "-1", "1.5", "+5", "1e1", "05", "\uff15", "9999999999", "5 0"],
    "mood": ["-5", "5", "-6", "6", "0", "--5"],
    "box___1": ["0", "1", "2", "x", "01", "1.0", "-1", "TRUE", "One"],
    "box____9": ["0", "1", "-9", "9"],
    "form_complete": ["0", "2", "3", "Complete", "02", "-1", "2.0", "1 2"],
    "photo": ["scan.png"],
}
QUICK = settings(
    max_examples=1, phases=[Phase.generate], suppress_health_check=list(HealthCheck), database=None
)
RUNS = settings(QUICK, max_examples=4, deadline=None)
SIGNS = st.sampled_from(
    [*"0159aZ.,-+:/() @xeT", "\u00a0", "\u0661", "\uff15", "\u200b", "\n", "\t", "\u00e9"]
)


def fields() -> list[dict[str, str]]:
    typed = [
        {"field_name": f"t_{kind}", "text_validation_type_or_show_slider_number": kind} for kind in text.TESTS
    ]
    mood = {"text_validation_min": "-5", "text_validation_max": "5"}
    return [
        {"field_name": "record_id"},
        *typed,
        {"field_name": "choice", "field_type": "radio", **CHOICES},
        {"field_name": "drop", "field_type": "dropdown", **CHOICES},
        {"field_name": "yes", "field_type": "yesno"},
        {"field_name": "truth", "field_type": "truefalse"},
        {"field_name": "pain", "field_type": "slider"},
        {"field_name": "mood", "field_type": "slider", **mood},
        {"field_name": "box", "field_type": "checkbox", **CHOICES},
        {"field_name": "photo", "field_type": "file"},
    ]


@pytest.fixture(scope="module")
def both() -> Iterator[Both]:
    with Running() as sandbox:
        made = Both(sandbox)
        made.fields(fields())
        made.ask()
        yield made


def asked(both: Both, column: str, values: list[str]) -> Iterator[tuple[str, bool, set[str]]]:
    """For each text: whether REDCap refuses it, and the checks that stop it."""
    rows = [{"record_id": f"r{number}", column: value} for number, value in enumerate(values)]
    refused, stopped = both.refused(rows), both.stopped(rows)
    for row in rows:
        yield row[column], row["record_id"] in refused, stopped.get(row["record_id"], set())


def is_said_alike(kind: str, *, refused: bool, checks: set[str]) -> bool:
    if refused:
        return bool(checks)
    return not checks & OF_THE_TYPE or kind.startswith(LOOSER)


@pytest.mark.parametrize("kind", text.TESTS)
def test_a_wrong_text_is_refused_by_both(both: Both, kind: str) -> None:
    for value, refused, checks in asked(both, f"t_{kind}", [*WRONG.get(kind, []), *EXTRA.get(kind, ["~~"])]):
        assert checks, value
        assert is_said_alike(kind, refused=refused, checks=checks), value


@st.composite
def edited(draw: st.DrawFn, kind: str) -> str:
    """A text of a type with up to two signs put in, taken out or changed."""
    value = draw(st.one_of(VALID[kind], st.sampled_from([*WRONG.get(kind, ["0"]), *EXTRA.get(kind, ["x"])])))
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(value)))
        value = value[:place] + draw(st.one_of(st.just(""), SIGNS)) + value[place + draw(st.integers(0, 1)) :]
    return value


@pytest.mark.parametrize("kind", text.TESTS)
def test_a_text_near_the_border_is_judged_alike(both: Both, kind: str) -> None:
    @RUNS
    @given(values=st.lists(edited(kind), min_size=20, max_size=40))
    def check(values: list[str]) -> None:
        for value, refused, checks in asked(both, f"t_{kind}", values):
            assert is_said_alike(kind, refused=refused, checks=checks), (value, refused, checks)

    check()


@pytest.mark.parametrize("kind", text.TESTS)
def test_a_text_that_the_gate_lets_pass_is_taken_by_redcap(both: Both, kind: str) -> None:
    value = find(VALID[kind], lambda _: True, settings=QUICK)

    assert [(refused, checks) for _, refused, checks in asked(both, f"t_{kind}", [value])] == [(False, set())]


@pytest.mark.parametrize("column", FORMS)
def test_codes_boxes_sliders_statuses_and_files_are_judged_alike(both: Both, column: str) -> None:
    for value, refused, checks in asked(both, column, FORMS[column]):
        assert refused == bool(checks), value


@pytest.fixture(scope="module")
def lacking() -> Iterator[Both]:
    with Running() as sandbox:
        made = Both(sandbox)
        made.fields(fields())
        made.missing("-99, Refused | UNK, Unknown | 1900-01-01, No day | 9.9, No number | a, No letter")
        made.ask()
        yield made


MISSING = ["-99", "UNK", "1900-01-01", "9.9", "a"]
NEARLY_MISSING = [
    "unk",
    "UNK.",
    "-99.0",
    "- 99",
    "99",
    "\uff0d99",
    "1900-1-1",
    "9,9",
    "A",
    "UNK|a",
    "-99 | UNK",
]


@pytest.mark.parametrize("kind", text.TESTS)
def test_codes_for_missing_data_are_taken_by_both_and_others_are_no_codes(lacking: Both, kind: str) -> None:
    for value, refused, checks in asked(lacking, f"t_{kind}", MISSING):
        assert (refused, checks) == (False, set()), value
    for value, refused, checks in asked(lacking, f"t_{kind}", NEARLY_MISSING):
        assert is_said_alike(kind, refused=refused, checks=checks), value


@pytest.mark.parametrize("column", FORMS)
def test_codes_for_missing_data_stand_in_for_choices_but_in_no_box_and_no_status(
    lacking: Both, column: str
) -> None:
    takes = not column.startswith(("box", "form", "photo"))

    for value, refused, checks in asked(lacking, column, MISSING):
        assert (refused, not checks) == (not takes, takes), value
    for value, refused, checks in asked(lacking, column, [*FORMS[column], *NEARLY_MISSING]):
        assert refused == bool(checks), value


def test_what_redcap_refuses_because_of_a_lock_is_said_to_be_locked(both: Both) -> None:
    held = [{"record_id": record, "choice": "1"} for record in ("free", "closed", "signed", "other")]
    both.holds(held)
    both.lock("closed", form="form")
    both.lock("signed", form="form")
    rows = [{**row, "choice": "2"} for row in held]

    told = both.reasons(rows)

    assert not both.stopped(rows, held=held)
    assert both.refused(rows) == {"closed", "signed"}
    assert {(record, refusal_check(reason)) for record, reason in told} == {
        ("closed", "locked"),
        ("signed", "locked"),
    }
