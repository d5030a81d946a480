"""Phones: whether a number can be dialled, and reaches a person."""

from __future__ import annotations

import re

import phonenumbers

from checks import text
from checks.screens import Clear

_NANP = re.compile(
    r"(?:\+?1[-. ]?)?\(?([2-9][0-9]{2})\)?[-. ]?([2-9][0-9]{2})[-. ]?([0-9]{4})"
    r"(?: ?(?:x|ext\.?|#) ?[0-9]+)?"
)
# Area codes of services, not of people: 911 and its like, and premium numbers.
_SERVICE = re.compile("[2-9]11|900")
# A number of one digit over and over has area code and exchange alike, however they are parted.
_PERHAPS_NOBODYS = "|".join([_SERVICE.pattern, *(f"{3 * n}[^0-9]*{3 * n}" for n in "23456789")])
# From its first digit on, a North American number has ten signs (letters stand for digits); other countries'
# begin with + or 011.
LONG_ENOUGH = re.compile(r".*\+.*|[^0-9]*(?:0|[1-9](?:[^0-9A-Za-z]*[0-9A-Za-z]){9}).*")


# Whole numbers whose first digit no premium number of the country has.
_PLAIN = {
    "AU": "(?:0|[+]61 ?)[23478](?: ?[0-9]){8}",
    "FR": "(?:0|[+]33 ?)[1-79](?:[ .-]?[0-9]{2}){4}",
    "GB": "(?:[(]?0|[+]44 ?)[1237](?:[ )-]{0,2}[0-9]){9}",
}
_MONOTONE = "|".join(f"{n}(?:[^0-9]*{n}){{8}}" for n in range(1, 10))


def dialable(region: str) -> text.Test:
    """Give the test for numbers of a region (such as `US`), and of others with their country's code."""
    return _is_dialable_here if region == "US" else lambda value: _is_parsed(value, region=region)


def clear(kind: str, *, region: str) -> Clear:
    """What suffices for a text of a validation type to be dialable."""
    if region == "US":
        return Clear(text.sure(kind), unlike=_PERHAPS_NOBODYS, shape=LONG_ENOUGH.pattern)
    return Clear(_PLAIN[region], unlike=_MONOTONE)


def _is_dialable_here(value: str) -> bool:
    """Tell what is plainly right or wrong a hundred times faster than the parser, which gets the rest."""
    plain = _NANP.fullmatch(value)
    if plain:
        return not _SERVICE.fullmatch(plain[1]) and len(set("".join(plain.groups()))) > 1
    return not (value.isascii() and not LONG_ENOUGH.fullmatch(value)) and _is_parsed(value, region="US")


def _is_parsed(value: str, *, region: str) -> bool:
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        return False
    return _is_whole(number) and not _is_nobodys(number)


def _is_whole(number: phonenumbers.PhoneNumber) -> bool:
    """Whether a number has its area code and no digit too many; `is_possible_number` wants no area code."""
    reason = phonenumbers.is_possible_number_with_reason(number)
    return bool(reason == phonenumbers.ValidationResult.IS_POSSIBLE)


def _is_nobodys(number: phonenumbers.PhoneNumber) -> bool:
    """Whether a number costs extra, or is one digit over and over."""
    premium = phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.PREMIUM_RATE
    return premium or len(set(str(number.national_number))) == 1
