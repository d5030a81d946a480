"""Check digits: published examples, and every mistyped digit of them."""

from __future__ import annotations

import pytest

from checks.check_digits import has_check_digit

# ORCID takes mod_11_2, the numbers of blood donations (ISBT 128) take mod_37_2.
KNOWN = {
    "79927398713": "luhn",
    "A-7992-7398.713": "luhn",
    "07940": "mod_11_2",
    "0000-0002-1825-0097": "mod_11_2",
    "0000-0002-1694-233X": "mod_11_2",
    "G123498654321H": "mod_37_2",
    "79444": "mod_97_10",
}


@pytest.mark.parametrize("record", KNOWN)
def test_a_published_id_fits(record: str) -> None:
    assert has_check_digit(record, KNOWN[record])


@pytest.mark.parametrize("record", KNOWN)
def test_every_single_digit_that_is_mistyped_is_seen(record: str) -> None:
    spoilt = [
        record[:place] + digit + record[place + 1 :]
        for place, sign in enumerate(record)
        for digit in "0123456789"
        if sign.isdigit() and sign != digit
    ]

    assert not [text for text in spoilt if has_check_digit(text, KNOWN[record])]


@pytest.mark.parametrize("record", ["", "7", "A", "x-1", "\u0667\u0669", "0000-0002-X694-2330"])
@pytest.mark.parametrize("system", sorted(set(KNOWN.values())))
def test_what_is_too_short_or_has_other_signs_does_not_fit(record: str, system: str) -> None:
    if system == "mod_37_2" and record in ("A", "x-1", "0000-0002-X694-2330"):
        record = "_"

    assert not has_check_digit(record, system)
