"""The screen before the exact rules: it says nothing that they do not, and clears nearly all that is right."""

from __future__ import annotations

from datetime import date

import phonenumbers
import pyarrow as pa
import pytest
from gate_values import VALID
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from capstan.dictionary import Dictionary, Field, FieldType
from capstan.study import Checks
from checks import text
from checks.columns import Column, encode_array
from checks.phones import LONG_ENOUGH
from checks.screens import cleared, sifted
from checks.value_rules import Rule, value_rules

MISSING = {"-99": "Refused", "UNK": "Unknown", "a|b.*": "Odd", "1900-01-01": "No date"}
BOUNDS = {
    "date": ("2000-02-29", "today"),
    "datetime": ("2000-02-29 12:00", "now"),
    "datetime_seconds": ("2000-02-29 12:00:00", "now"),
    "time": ("08:00", "17:30"),
    "time_hh_mm_ss": ("08:00:00", "17:30:00"),
    "time_mm_ss": ("00:30", "59:00"),
}
NASTY = [
    "", " ", "0", "-0", "+5", "5.", ".5", "1e5", "1E+10", "-1E+05", "1,5", "1.5", "1,234.5", "007", "9" * 400, "٣", "５",
    "-99", "-999", "-88", "-9999", "-9", "nan", "inf", "UNK", "unk", "a|b.*", "aXb", "#N/A", "#REF!", "# 1", "=1+1", "+1-a",
    "@SUM", "-x", "- 5", "TRUE", "2023-02-29", "2024-02-29", "2024-02-30", "2024-04-31", "0000-01-01", "0999-01-01",
    "2024-13-01", "2024-01-01 24:00", "2024-01-01 23:60", "2024-01-01 10:00:60", "1900-01-01", "2999-12-31",
    "2026-06-01", "2026-06-01 00:00", "2026-06-01 23:59:59", "2026-06-02", "2026-06-02 00:00", "24:00", "23:59",
    "info@example.org", "INFO@example.org", "a@gmial.com", "a@GMIAL.com", "a@example.con", "a@example.COMM",
    "a@b@c.org", "a@-b.org", "a@b-.org", "a@b..org", "x" * 400 + "@example.org", "a@" + "b." * 200 + "org",
    "(911) 555-0100", "(900) 555-0100", "(222) 222-2222", "222 222 2222", "+1 (411) 555-0100 x5", "12125550100",
    "call 212-555-0100", "write to a@b.org", "number 123456789", "caf\u00e9", "\u00c3\u00a9", "a\x00b", "a\u200bb", "a\nb",
    "a\r\nb", "\ta", "a\u2028b", "x" * 32_766, "x" * 32_767, "x" * 32_768, "x" * 65_001, "\u212a", "\u017f",
]  # fmt: skip
SIGNS = st.sampled_from(
    [*"0159aEeZ.,-+:/() @#=xT", " ", "\u00a0", "\u0661", "\uff15", "\u200b", "\n", "\u00e9"]
)


def fields(kind: str) -> list[Field]:
    low, high = BOUNDS.get(kind.rpartition("_")[0] if text.is_moment(kind) else kind, ("-5", "1000.5"))
    typed = {"form": "form", "type": FieldType.TEXT, "validation": kind}
    return [
        Field("record_id", "form", FieldType.TEXT),
        Field("bare", **typed),
        Field("ranged", minimum=low, maximum=high, **typed),
        Field("past", **typed),
        Field("note", "form", FieldType.NOTES),
        Field("name", "form", FieldType.NOTES, identifier=True),
        Field("slider", "form", FieldType.SLIDER, minimum="2"),
    ]


def rules(kind: str, *, missing: bool = False) -> dict[str, tuple[Rule, ...]]:
    checks = Checks(not_future=["past"], not_before={"past": date(1990, 1, 1)})
    dictionary = Dictionary(tuple(fields(kind)), {"form": "Form"}, MISSING if missing else {})
    return dict(value_rules(dictionary, checks=checks, today=date(2026, 6, 1)))


def column(texts: list[str]) -> Column:
    return encode_array(pa.array(texts, pa.large_string()))


def wrongly_cleared(texts: list[str], *, said: tuple[Rule, ...]) -> list[tuple[str, str]]:
    asked = column(texts)
    sure = cleared(asked, clears=[rule.clear for rule in said])
    return [
        (value, rule.check)
        for value, is_sure in zip(asked.texts, sure, strict=True)
        for rule in said
        if is_sure and not rule.fits(value)
    ]


def wrongly_condemned(texts: list[str], *, said: tuple[Rule, ...]) -> list[tuple[str, str]]:
    asked = column(texts)
    return [
        (value, rule.check)
        for rule in said
        for value, is_wrong in zip(asked.texts, sifted(asked, clear=rule.clear).wrong, strict=True)
        if is_wrong and rule.fits(value)
    ]


def spoilt(valid: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """A valid text with one sign put in, in the place of another, or taken out."""
    return st.builds(
        lambda whole, at, sign, gone: whole[: at % (len(whole) + 1)] + sign + whole[at % (len(whole) + 1) + gone :],
        valid,
        st.integers(0, 40),
        st.one_of(st.just(""), SIGNS),
        st.integers(0, 1),
    )  # fmt: skip


def texts_of(kind: str) -> st.SearchStrategy[list[str]]:
    valid = VALID.get(kind, st.from_regex(text.sure(kind), fullmatch=True) if kind else VALID[""])
    sure = st.from_regex(text.sure(kind), fullmatch=True) if kind else valid
    odd = st.text(SIGNS, max_size=30)
    return st.lists(st.one_of(valid, sure, spoilt(valid), spoilt(sure), odd), min_size=1, max_size=60)


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("kind", ["", *text.TESTS])
def test_what_the_screen_clears_the_rules_admit_and_what_it_condemns_they_do_not(
    kind: str, missing: bool
) -> None:
    screened = list(rules(kind, missing=missing).values())

    @given(texts_of(kind))
    @settings(max_examples=10, deadline=None, database=None)
    def admits(texts: list[str]) -> None:
        for said in screened:
            assert not wrongly_cleared(texts, said=said)
            assert not wrongly_condemned(texts, said=said)

    for said in screened:
        assert not wrongly_cleared(NASTY, said=said)
        assert not wrongly_condemned(NASTY, said=said)
    admits()


@given(st.text(st.one_of(st.sampled_from("0123456789"), SIGNS, st.sampled_from("+x();=")), max_size=24))
@settings(max_examples=500, deadline=None, database=None)
@example("0 11 49 1234")
@example("tel:555-0100;phone-context=+1")
def test_no_number_that_the_parser_takes_is_too_short(value: str) -> None:
    assume(value.isascii() and not LONG_ENOUGH.fullmatch(value))

    try:
        number = phonenumbers.parse(value, "US")
    except phonenumbers.NumberParseException:
        return
    reason = phonenumbers.is_possible_number_with_reason(number)
    assert reason != phonenumbers.ValidationResult.IS_POSSIBLE


@pytest.mark.parametrize("kind", ["", *text.TESTS])
def test_the_screen_clears_most_of_what_a_field_admits(kind: str) -> None:
    valid = VALID.get(kind, st.from_regex(text.sure(kind), fullmatch=True) if kind else VALID[""])
    seen: list[str] = []

    @given(valid)
    @settings(max_examples=100, deadline=None, database=None)
    def gather(value: str) -> None:
        seen.append(value)

    gather()
    said = rules(kind)["bare"]
    plain = column([value for value in seen if value.isascii()])
    fine = sum(all(rule.fits(value) for rule in said) for value in plain.texts)
    sure = cleared(plain, clears=[rule.clear for rule in said])

    assert sure.sum() >= 0.8 * fine > 0
