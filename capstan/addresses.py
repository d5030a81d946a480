"""Where a message goes: phone numbers and mail addresses as people type them, in one form each or refused."""

from __future__ import annotations

import re
import unicodedata

import phonenumbers

# Nothing else is dropped in silence: letters, extensions and a second number make it no number.
_PHONE_CHARACTERS = re.compile(r"\+?[\d\s().\-]+")
_HYPHENS = str.maketrans(dict.fromkeys("‐‑‒–—−", "-"))
_LOCAL_PART = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_MAX_LOCAL, _MAX_ADDRESS = 64, 254


def phone_number(text: str, *, region: str = "US") -> str:
    """The number in E.164 (`+12065550100`), or "" where it is none that can exist.

    `region` is the country of numbers that name none. Digits of any script are taken.
    """
    plain = unicodedata.normalize("NFKC", text).translate(_HYPHENS).strip()
    if not _PHONE_CHARACTERS.fullmatch(plain):
        return ""
    try:
        number = phonenumbers.parse(plain, region)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_valid_number(number):
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def national_number(number: str) -> str:
    """A number in E.164 as people of its own country write it, as fields for phone numbers want it."""
    return phonenumbers.format_number(phonenumbers.parse(number), phonenumbers.PhoneNumberFormat.NATIONAL)


def mail_address(text: str) -> str:
    """The mail address in small letters, or "" where it is none; no name around it, and no second one.

    No provider in use tells mailboxes apart by capitals, and an opt-out must be found whatever they are.
    """
    local, at, domain = text.strip().lower().rpartition("@")
    address = f"{local}@{_ascii_domain(domain)}"
    if not at or not _LOCAL_PART.fullmatch(local) or address.endswith("@"):
        return ""
    return address if len(local) <= _MAX_LOCAL and len(address) <= _MAX_ADDRESS else ""


def _ascii_domain(domain: str) -> str:
    """The domain as mail servers write it; "" where it is none."""
    try:
        name = domain.encode("idna").decode("ascii")
    except UnicodeError:
        return ""
    labels = name.split(".")
    is_domain = len(labels) > 1 and all(map(_LABEL.fullmatch, labels)) and not labels[-1].isdigit()
    return name if is_domain else ""
