"""Phone numbers and mail addresses as people type them: one form each, or refused."""

from __future__ import annotations

import string

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capstan.addresses import mail_address, phone_number

SAME = [
    "206-555-0100",
    "(206) 555-0100",
    "206.555.0100",
    "2065550100",
    " +1 206 555 0100 ",
    "1-206-555-0100",
    "206–555–0100",
    "２０６５５５０１００",
    "٢٠٦٥٥٥٠١٠٠",
]
NO_NUMBER = [
    "",
    " ",
    "N/A",
    "911",
    "555-0100",
    "206-555-O100",
    "206-555-0100 x5",
    "206-555-0100 ext. 5",
    "206-555-0100#5",
    "206-555-0100/0101",
    "206-555-0100, 206-555-0101",
    "206-555-0100 206-555-0101",
    "07911 123456",
    "1-800-FLOWERS",
    "++12065550100",
    "+1",
    "call mum",
    "206-555-0100;ext=5",
]


@pytest.mark.parametrize("text", SAME)
def test_one_number_has_one_form(text: str) -> None:
    assert phone_number(text) == "+12065550100"


@pytest.mark.parametrize("text", NO_NUMBER)
def test_what_is_not_exactly_one_number_is_none(text: str) -> None:
    assert phone_number(text) == ""


@pytest.mark.parametrize(
    ("text", "region", "number"),
    [
        ("020 7946 0018", "GB", "+442079460018"),
        ("+44 20 7946 0018", "US", "+442079460018"),
        ("020 7946 0018", "US", ""),
        ("206-555-0100", "GB", ""),
    ],
)
def test_a_number_without_country_is_one_of_the_region(text: str, region: str, number: str) -> None:
    assert phone_number(text, region=region) == number


@given(st.text(alphabet=string.printable + "–é٣１", max_size=24))
def test_a_number_is_valid_and_stays_itself(text: str) -> None:
    number = phone_number(text)

    if number:
        assert phonenumbers.is_valid_number(phonenumbers.parse(number, None))
        assert phone_number(number) == number


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("ann@example.org", "ann@example.org"),
        (" Ann@Example.ORG\n", "ann@example.org"),
        ("a.b+c@d-e.co", "a.b+c@d-e.co"),
        ("a@münchen.de", "a@xn--mnchen-3ya.de"),
    ],
)
def test_one_mailbox_has_one_form(text: str, address: str) -> None:
    assert mail_address(text) == address


NO_ADDRESS = [
    "",
    "ann",
    "@example.org",
    "ann@",
    "ann@example",
    "ann@1.2.3.4",
    "ann@example.org, bob@example.org",
    "Ann <ann@example.org>",
    "<ann@example.org>",
    "ann@example.org\r\nBcc: bob@example.org",
    "an n@example.org",
    "ann.@example.org",
    "ann..b@example.org",
    "änn@example.org",
    '"ann"@example.org',
    "ann@-example.org",
    "ann@example..org",
    "ann@bob@example.org",
    f"{'a' * 65}@example.org",
    f"a@{'b' * 63}.{'c' * 63}.{'d' * 63}.{'e' * 63}.org",
    f"a@{'b' * 64}.org",
]


@pytest.mark.parametrize("text", NO_ADDRESS)
def test_what_is_not_exactly_one_address_is_none(text: str) -> None:
    assert mail_address(text) == ""


@given(st.text(alphabet="aB@@..-+ü \n,<>\u2028", max_size=12))
def test_an_address_can_stand_in_a_header_and_stays_itself(text: str) -> None:
    address = mail_address(text)

    if address:
        assert address.isascii()
        assert not set(address) & set(" \r\n\t<>,;()")
        assert mail_address(address) == address
