"""Suggestions for odd texts: one that can only be meant so, or none; never a guess."""

from __future__ import annotations

import pytest
from gate_operators import NEW, Spoilt, at, cell, good, row

from capstan.dictionary import Field, FieldType
from checks.corrections import corrections
from checks.suggestions import suggested
from checks.text import TESTS

DIALLED = "(415) 555-0177"


def text_field(validation: str) -> Field:
    return Field("f", "form", FieldType.TEXT, validation=validation)


def radio(**choices: str) -> Field:
    return Field(
        "f",
        "form",
        FieldType.RADIO,
        choices={code.removeprefix("c"): label for code, label in choices.items()},
    )


def meant(field: Field, value: str, *, order: str = "") -> set[str]:
    """What may be meant and is admitted: by the choices, else by the text's own type."""
    fits = field.choices.__contains__ if field.choices else TESTS[field.validation]
    return {told for told in corrections(field, value, order=order) if fits(told)}


@pytest.mark.parametrize(
    ("validation", "value", "right"),
    [
        ("date_ymd", "2026-5-9", "2026-05-09"),
        ("date_ymd", "20260509", "2026-05-09"),
        ("date_ymd", "31.12.2025", "2025-12-31"),
        ("date_ymd", "12/31/2025", "2025-12-31"),
        ("date_ymd", "05/05/2026", "2026-05-05"),
        ("date_ymd", "9-May-2026", "2026-05-09"),
        ("date_ymd", "May 9, 2026", "2026-05-09"),
        ("date_ymd", "2024-02-29T00:00:00", "2024-02-29"),
        ("date_ymd", "\uff12\uff10\uff12\uff16-05-09", "2026-05-09"),
        ("datetime_ymd", "2026-05-09 7:05", "2026-05-09 07:05"),
        ("datetime_ymd", "31/12/2025 07:05:00", "2025-12-31 07:05"),
        ("datetime_seconds_ymd", "2026-05-09T07:05", "2026-05-09 07:05:00"),
        ("time", "4:32", "04:32"),
        ("time", "4:32:00", "04:32"),
        ("time_mm_ss", "4:32", "04:32"),
        ("time_mm_ss", "0:04:32", "04:32"),
        ("time_mm_ss", "00:04:00", "04:00"),
        ("time_hh_mm_ss", "4:32:10", "04:32:10"),
        ("number", "1,5", "1.5"),
        ("number", "-0,25", "-0.25"),
        ("number", "1234,5", "1234.5"),
        ("number_comma_decimal", "1.5", "1,5"),
        ("number_2dp", "1.5", "1.50"),
        ("number_2dp", "1,5", "1.50"),
        ("number_1dp", "3", "3.0"),
        ("number_1dp", "1.50", "1.5"),
        ("integer", "21.0", "21"),
        ("integer", "\uff15", "5"),
        ("phone", "415/555/0177", DIALLED),
        ("phone", "+1 (415) 555/0177", DIALLED),
        ("phone", "415 - 555 - 0177", DIALLED),
        ("phone", "tel: 415.555.0177", DIALLED),
        ("phone_uk", "020/7946/0958", "020 7946 0958"),
        ("phone_france", "+33 (0)1 23 45 67 89", "01 23 45 67 89"),
        ("email", "a @ example.org", "a@example.org"),
        ("email", "<a@example.org>", "a@example.org"),
        ("zipcode", "1234", "01234"),
    ],
)
def test_what_can_only_be_meant_so_is_the_one_correction(validation: str, value: str, right: str) -> None:
    assert meant(text_field(validation), value) == {right}


@pytest.mark.parametrize(
    ("validation", "value"),
    [
        ("date_ymd", "05/06/2026"),
        ("date_ymd", "5.6.2026"),
        ("date_ymd", "2026111"),
        ("date_ymd", "05/06/26"),
        ("date_ymd", "2026-02-30"),
        ("date_ymd", "2026-13-01"),
        ("date_ymd", "2026-05-09 10:30"),
        ("date_ymd", "May 2026"),
        ("date_ymd", "45797"),
        ("date_ymd", "yesterday"),
        ("datetime_ymd", "2026-05-09"),
        ("datetime_ymd", "2026-05-09 07:05:30"),
        ("datetime_ymd", "05/06/2026 07:05"),
        ("datetime_ymd", "2026-05-09 24:00"),
        ("time", "432"),
        ("time", "4:32:10"),
        ("time", "24:00"),
        ("time", "4:5"),
        ("time_mm_ss", "4:32:00"),
        ("time_mm_ss", "90:00"),
        ("time_hh_mm_ss", "4:32"),
        ("number", "1,234"),
        ("number", "1.234,5"),
        ("number", "1,234,567"),
        ("number", "5 000"),
        ("number", "ca. 5"),
        ("number", "1_000"),
        ("number_comma_decimal", "1.234"),
        ("number_1dp", "1.55"),
        ("number_2dp", "1,234"),
        ("integer", "2.5"),
        ("integer", "5\u00b2"),
        ("integer", "1,000"),
        ("phone", "+57 321 423 4567"),
        ("phone", "+52 415 555 0101"),
        ("phone", "555-0101"),
        ("phone", "(415) 555-0101, (415) 555-0102"),
        ("phone", "4155550101 4155550102"),
        ("phone", "415 555 01012"),
        ("phone", "415-555-0101 or home"),
        ("phone_uk", "+33 1 23 45 67 89"),
        ("email", "a b@example.org"),
        ("email", "a@exa mple.org"),
        ("email", "a@example.org b@example.org"),
        ("email", "a@example"),
        ("zipcode", "12"),
        ("zipcode", "123456"),
    ],
)
def test_what_may_be_meant_otherwise_is_not_guessed(validation: str, value: str) -> None:
    assert meant(text_field(validation), value) == set()


@pytest.mark.parametrize(
    ("order", "value", "right"),
    [
        ("dmy", "05/06/2026", {"2026-06-05"}),
        ("mdy", "05/06/2026", {"2026-05-06"}),
        ("dmy", "5.6.2026", {"2026-06-05"}),
        ("mdy", "31/12/2025", {"2025-12-31"}),
        ("dmy", "31/02/2026", set()),
    ],
)
def test_dates_with_slashes_are_read_as_the_study_says(order: str, value: str, right: set[str]) -> None:
    assert meant(text_field("date_dmy"), value, order=order) == right


@pytest.mark.parametrize(
    ("field", "value", "right"),
    [
        (radio(c1="Yes", c2="No"), "yes", {"1"}),
        (radio(c1="Yes", c2="No"), "01", {"1"}),
        (radio(c1="Yes", c2="No"), "2.0", {"2"}),
        (radio(c1="Yes", c2="No"), "\uff12", {"2"}),
        (radio(ca="Left", cb="Right"), "A", {"a"}),
        (radio(c1="Other", c2="Other"), "other", {"1", "2"}),
        (radio(c1="2", c2="3"), "2.0", {"1", "2"}),
        (radio(c1="x", c01="y"), "001", {"1", "01"}),
        (radio(c1="Yes"), "0000000010", set()),
        (radio(c1="Yes", c2="No"), "Yes, No", set()),
        (radio(c1="Yes", c2="No"), "Ye", set()),
        (radio(c1="Yes", c2="No"), "3", set()),
    ],
)
def test_a_code_is_found_by_its_label_or_its_look_and_two_are_none(
    field: Field, value: str, right: set[str]
) -> None:
    assert meant(field, value) == right


@pytest.mark.parametrize("value", ["2;3", "2.5", "Blue", "23", "-2"])
def test_no_code_is_suggested_for_a_text_that_fits_none(value: str) -> None:
    spoilt = cell("colour", value, row=2)

    assert suggested(spoilt.table, spoilt.judged()).equals(spoilt.table)


@pytest.mark.parametrize(
    ("record", "event", "right"),
    [
        ("1", "month_6_arm_3", "month_6_arm_2"),
        ("1", "MONTH 6", "month_6_arm_2"),
        ("1", "month_6_arm_02", "month_6_arm_2"),
        ("1", " month_6 ", "month_6_arm_2"),
        ("2", "month_6_arm_2", "month_6_arm_3"),
        ("3", "month_6_arm_2", "month_6_arm_2"),
        ("3", "Month 6", "Month 6"),
        ("1", "Baseline", "Baseline"),
        ("1", "baseline_arm_2", "baseline_arm_2"),
        ("1", "month_7_arm_3", "month_7_arm_3"),
        ("1", "month 6 baseline", "month 6 baseline"),
    ],
)
def test_only_an_event_of_the_own_arm_that_has_the_form_is_suggested(
    record: str, event: str, right: str
) -> None:
    spoilt = row(at(record, event, teeth="3"))

    table = suggested(spoilt.table, spoilt.judged())

    assert table["redcap_event_name"].iloc[-1].strip() == right.strip()
    assert table["redcap_event_name"].iloc[:-1].tolist() == good()["redcap_event_name"].tolist()


@pytest.mark.parametrize(
    ("record", "right"),
    [("001", "1"), ("1\u200b", "1"), ("\uff11", "1"), ("11", "11"), ("1a", "1a"), ("", "")],
)
def test_a_record_that_looks_like_one_is_suggested(record: str, right: str) -> None:
    spoilt = row(at(record, "baseline_arm_1", initials="X"))

    assert suggested(spoilt.table, spoilt.judged())["record_id"].iloc[-1] == right


def test_a_new_record_that_may_be_created_is_not_taken_for_another() -> None:
    spoilt = row(at("11", "baseline_arm_1", sex="9"), limits=NEW)

    table = suggested(spoilt.table, spoilt.judged())

    assert table["record_id"].iloc[-1] == "11"


def test_a_corrected_table_is_not_corrected_again() -> None:
    spoilt = row(at("001", "Month 6", teeth="3.0"))

    once = suggested(spoilt.table, spoilt.judged())
    twice = suggested(once, Spoilt(once).judged())

    assert suggested(twice, Spoilt(twice).judged()).equals(twice)
