"""Oddities: texts that are well-formed and still show that something went wrong on the way here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from capstan.dictionary import Field, FieldType
from checks import text
from checks.corrections import MISSPELT_DOMAINS, misspelt_domain
from checks.screens import Clear

EXCEL_CELL = 32_767
# UTF-8 read as Latin-1: a lead byte shown as a letter, and a following byte shown as a sign. Windows' own
# signs read as Latin-1 become controls that no text has.
_MOJIBAKE = re.compile(
    "[\ufffd\u0080-\u009f]|[\u00c2-\u00f4](?:[\u0080-\u00bf]|[€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ])"
)
# A number, a phone number or a range of them begins with such a sign, too.
_FORMULA = re.compile(r"=\s*\S|@\s*[A-Za-z]|[+-](?![-+0-9 ().,/%]*\Z)")
# The same for plain texts, without looking ahead.
_CLEAR_OF_FORMULA = Clear(unlike="^(?:= *[^ ]|@ *[A-Za-z]|[-+].*[^-+0-9 ().,/%])", exact=True)
_SHORT_NUMBER = r"[-+]?[0-9](?:[.,][0-9]+)?E\+[0-9]{2,3}"
_SPREADSHEET = re.compile(rf"#(?:REF!|N/A|VALUE!|DIV/0!|NAME\?|NUM!|NULL!)|{_SHORT_NUMBER}")
# One sign before the @ is enough: asking for more would look at long texts over and over.
_CONTACT = re.compile(
    r"[^@\s]@[^@\s]+\.[A-Za-z]{2,}|\(?[2-9][0-9]{2}\)?[-. ]?[0-9]{3}[-. ]?[0-9]{4}|[0-9]{9,}"
)
_ROLES = frozenset({"info", "admin", "office", "noreply", "no-reply", "postmaster", "webmaster", "support"})
_DAMAGED = re.compile(rf"TRUE|FALSE|[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}} 00:00(?::00)?|{_SHORT_NUMBER}|#.*[!?A]")
# Null flavours and codes that people write for "missing".
_ABSENT = frozenset(
    {"UNK", "NA", "N/A", "NASK", "ASKU", "NAV", "MSK", "NI", "INV", "NULL", "NAN", "NONE", "."}
)
_ABSENT_NUMBER = re.compile(r"-(?:999+|99|88|77)")

UNDAMAGED = Clear(
    unlike=rf"(?i:^(?:{'|'.join(map(re.escape, sorted(_ABSENT)))})$)"
    rf"|^(?:{_DAMAGED.pattern})$|^[-+]?[0-9]*[.,][0-9]+$"
)


class Oddity(NamedTuple):
    """What a text looks like, as the id of a check, and a sentence on it; `clear` is what does not."""

    check: str
    reason: str
    clear: Clear = Clear(exact=True)


def oddities(item: Field) -> Iterator[tuple[Oddity, re.Pattern[str]]]:
    """The oddities that a field can have, each with what it looks like (searched for in the text)."""
    reason = "Letters were garbled by a wrong encoding; export the source as UTF-8."
    yield Oddity("mojibake", reason), _MOJIBAKE
    kind = text.canonical(item.validation)
    if text.is_numeric(kind) and kind != "integer":
        reason = "A spreadsheet shortened the number, so digits may be lost; take it from the source."
        yield (
            Oddity("spreadsheet_damage", reason, Clear(text.sure(kind))),
            re.compile(rf"\A(?:{_SHORT_NUMBER})\Z"),
        )
    if item.validation:
        return
    reason = "Opens as a formula in a spreadsheet; mind that where the data are exported."
    yield (
        Oddity("formula_injection", reason, _CLEAR_OF_FORMULA),
        re.compile(rf"\A(?:{_FORMULA.pattern})"),
    )
    reason = "A spreadsheet damaged it (an error, or a long number in short form); take it from the source."
    clear = Clear(unlike=f"^(?:{_SPREADSHEET.pattern})$", exact=True)
    yield Oddity("spreadsheet_damage", reason, clear), re.compile(rf"\A(?:{_SPREADSHEET.pattern})\Z")
    if item.type is FieldType.NOTES and not item.identifier:
        reason = (
            "Looks like a phone number, an address or an id in free text; keep those in identifier fields."
        )
        yield Oddity("free_text_identifier", reason, Clear(unlike=_CONTACT.pattern, exact=True)), _CONTACT


def is_doubtful_address(value: str) -> bool:
    """Whether an address is an office's, not a person's, or its domain is misspelt."""
    return value.partition("@")[0].lower() in _ROLES or bool(misspelt_domain(value))


CLEAR_ADDRESS = Clear(unlike=rf"(?i:^(?:{'|'.join(sorted(_ROLES))})(?:@|$)|(?:{MISSPELT_DOMAINS})$)")
CLEAR_NUMBER = Clear(unlike=f"^(?:{_ABSENT_NUMBER.pattern})$", exact=True)


def damage(item: Field, value: str) -> Oddity | None:
    """Say more precisely why a field does not admit a text, if its look tells."""
    kind = text.canonical(item.validation) if item.type is FieldType.TEXT else ""
    if value.upper() in _ABSENT:
        reason = (
            "Looks like a code for missing data, and the project lists none of this name; leave it blank."
        )
        return Oddity("missing_code_unlisted", reason)
    if _DAMAGED.fullmatch(value):
        reason = "A spreadsheet changed how this is written; format its column as text and export again."
        return Oddity("spreadsheet_damage", reason)
    if text.is_numeric(kind) and kind != "integer" and re.fullmatch(r"[-+]?[0-9]*[.,][0-9]+", value):
        wanted = "comma" if "comma" in kind else "point"
        if ("," in value) is not (wanted == "comma"):
            return Oddity("decimal_comma", f"The field has a decimal {wanted}; write the number with it.")
    return None


def is_absent_number(value: str) -> bool:
    """Whether a number is one of those that people write for "missing"."""
    return _ABSENT_NUMBER.fullmatch(value) is not None
