"""Every validation type of text: what it takes, and the words in which it refuses the rest (D.5)."""

from __future__ import annotations

import pytest

from sandbox.imports.validation import GENERIC, text_rule

INTEGER = "This value you provided is not an integer. Please try again."
TIME = (
    "The value entered must be a time value in the following format HH:MM within the range 00:00-23:59 "
    "(e.g., 04:32 or 23:19)."
)
EMAIL = "Email address is not properly formatted."
PHONE = "This field must be a 10 digit U.S. phone number (like 415 555 1212). Please re-enter it now."
ZIP = "This field must be a 5 or 9 digit U.S. ZIP Code (like 94043). Please re-enter it now."
VMRN = (
    "The value entered is not a valid Vanderbilt Medical Record Number (i.e. 4- to 9-digit number, excluding "
    "leading zeros). Please try again."
)
# Type, values that it takes, values that it refuses, and its words.
TYPES = [
    ("integer", "5 -5 +5 007 99999999999999999999", "1.0 1,0 five 1e3 - 5-", INTEGER),
    ("number", "5 5. .5 -1.5 +2 1e5 1.5E-3", "1,5 . e5 1.2.3 NaN 0x1", GENERIC),
    ("number_1dp", "22.0 -1.5 .5", "22 22.00 22. 1,5", GENERIC),
    ("number_2dp", "22.00 0.12", "22 22.0 22.000", GENERIC),
    ("number_3dp", "22.000", "22.00 22.0000", GENERIC),
    ("number_4dp", "22.0000", "22.000 22.00000", GENERIC),
    ("number_comma_decimal", "5 5,5 ,5 1,5e3", "5.5 1,2,3", GENERIC),
    ("number_1dp_comma_decimal", "22,0", "22.0 22 22,00", GENERIC),
    ("number_2dp_comma_decimal", "22,00", "22,0 22.00", GENERIC),
    ("number_3dp_comma_decimal", "22,000", "22,00", GENERIC),
    ("number_4dp_comma_decimal", "22,0000", "22,000", GENERIC),
    ("time", "4:32 04:32 23:59 00:00", "24:00 12:60 12 12:5 12:00:00", TIME),
    ("time_hh_mm_ss", "04:32:59 23:00:00", "04:32 24:00:00 04:32:60", GENERIC),
    ("time_mm_ss", "00:00 59:59", "60:00 59:60 1:2:3", GENERIC),
    ("email", "joe@user.com j.o+e@a-b.co.uk", "joe joe@ @user.com joe@user a@b@c.de", EMAIL),
    ("phone", "4155551212 (415)555-1212 415-555-1212x12 1-415-555-1212", "5551212 115-555-1212 415", PHONE),
    ("phone_australia", "0298765432 +61298765432", "12 98765432", GENERIC),
    ("phone_france", "0123456789 +33123456789", "123456789 012345678", GENERIC),
    ("phone_uk", "02079460018 +442079460018", "1 2079460018", GENERIC),
    ("zipcode", "94043 94043-1234", "9404 940431234 94043-12", ZIP),
    ("postalcode_australia", "2000", "200 20000 abcd", GENERIC),
    ("postalcode_canada", "K1A0B1 k1a0b1", "K1A K1A-0B1 111", GENERIC),
    ("postalcode_french", "75001", "7500 750011", GENERIC),
    ("postalcode_germany", "10115", "1011 D-10115", GENERIC),
    ("postalcode_uk", "SW1A1AA M11AE", "SW1A 1AA1", GENERIC),
    ("ssn", "123-45-6789", "123456789 123-45-678", GENERIC),
    ("alpha_only", "abc ABC", "abc1 a-b é", GENERIC),
    ("mrn_7d", "1234567", "123456 12345678", GENERIC),
    ("mrn_8d", "12345678", "1234567 123456789", GENERIC),
    ("mrn_10d", "1234567890", "123456789 12345678901", GENERIC),
    ("mrn_generic", "abc-12", "a_b a.b", GENERIC),
    ("vmrn", "1234 123456789", "123 1234567890 abcd", VMRN),
]


@pytest.mark.parametrize(("validation", "good", "bad", "words"), TYPES)
def test_a_type_takes_its_own_values_as_they_are(validation: str, good: str, bad: str, words: str) -> None:
    rule = text_rule(validation)

    assert rule is not None
    assert [rule.read(value) for value in good.split()] == good.split()
    assert {rule.read(value) for value in bad.split()} == {None}
    assert rule.message == words


@pytest.mark.parametrize(
    ("validation", "clock"), [("date", ""), ("datetime", " H:M"), ("datetime_seconds", " H:M:S")]
)
@pytest.mark.parametrize("order", ["ymd", "mdy", "dmy"])
def test_dates_are_refused_in_the_same_words_whatever_the_field_shows(
    validation: str, clock: str, order: str
) -> None:
    rule = text_rule(f"{validation}_{order}")

    assert rule is not None
    assert rule.read("soon") is None
    assert rule.message == (
        f"Invalid date format. (NOTE: Dates must be imported here only in M/D/Y{clock} format or Y-M-D{clock} "
        "format, regardless of the specific date format designated for this field.)"
    )


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("2020-01-02", "2020-01-02"),
        ("2020-1-2", "2020-01-02"),
        ("2020/1/2", "2020-01-02"),
        ("1/2/2020", "2020-01-02"),
        ("01/02/20", "2020-01-02"),
        ("0020-01-02", "0020-01-02"),
        ("2020-02-30", None),
        ("13/1/2020", None),
        ("0000-01-01", None),
        ("20-01-02", None),
        ("2020-01", None),
        ("٢٠٢٠-01-02", None),
    ],
)
def test_dates_are_stored_as_iso(given: str, stored: str | None) -> None:
    rule = text_rule("date_dmy")

    assert rule is not None
    assert rule.read(given) == stored


@pytest.mark.parametrize(
    ("validation", "given", "stored"),
    [
        ("datetime_ymd", "2020-01-02 3:04", "2020-01-02 03:04"),
        ("datetime_ymd", "1/2/2020 03:04", "2020-01-02 03:04"),
        ("datetime_ymd", "2020-01-02 03:04:05", None),
        ("datetime_ymd", "2020-01-02", None),
        ("datetime_ymd", "2020-01-02 24:00", None),
        ("datetime_seconds_ymd", "2020-01-02 03:04", "2020-01-02 03:04:00"),
        ("datetime_seconds_ymd", "2020-01-02 3:04:05", "2020-01-02 03:04:05"),
        ("datetime_seconds_ymd", "2020-01-02 03:04:60", None),
    ],
)
def test_times_of_day_are_padded(validation: str, given: str, stored: str | None) -> None:
    rule = text_rule(validation)

    assert rule is not None
    assert rule.read(given) == stored


def test_unknown_types_have_no_rule() -> None:
    assert text_rule("") is None
    assert text_rule("zodiac_sign") is None
