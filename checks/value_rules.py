"""Rules of values: what one cell may hold, built from the data dictionary.

A rule judges a text, so that the gate asks it of each distinct text of a column once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from capstan.dictionary import Dictionary, Field, FieldType
from capstan.study import Checks
from checks import oddities, phones, text
from checks.corrections import PHONE_REGIONS, UNSEEN
from checks.ranges import range_of
from checks.screens import Clear

MAX_LENGTH = 65_000
_CONTROL = re.compile(rf"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f{UNSEEN}]")
_CONTROL_OR_BREAK = re.compile(rf"[\x00-\x1f\x7f\u2028\u2029{UNSEEN}]")
_WHOLE = re.compile("-?[0-9]{1,9}")
_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}(?: .*)?")
_CHOICE_TYPES = {FieldType.DROPDOWN, FieldType.RADIO}
_CODED = {
    FieldType.CHECKBOX: ("checkbox_value", frozenset("01"), "a checkbox holds 0 or 1"),
    FieldType.YESNO: ("yesno_value", frozenset("01"), "a yes/no field holds 0 or 1"),
    FieldType.TRUEFALSE: ("yesno_value", frozenset("01"), "a true/false field holds 0 or 1"),
    FieldType.FORM_STATUS: ("form_status", frozenset("012"), "a form status is 0, 1 or 2"),
}
# Whatever is plain is fine.
_PLAIN = Clear(exact=True)
# A box of a checkbox is checked or not, and a form has a status, whatever is missing.
_WITHOUT_MISSING = {FieldType.CHECKBOX, FieldType.FORM_STATUS}

Test = Callable[[str], bool]


class Rule(NamedTuple):
    """One check of one text, and the sentence for whom it fails.

    `clear` says of which texts the answer is known without asking. `explains` is the field whose wrong texts
    may tell more by their look (`checks.oddities`). Of a text that fails a rule that is `last`, no
    other is asked.
    """

    check: str
    fits: Test
    reason: str
    clear: Clear
    explains: Field | None = None
    last: bool = False


def value_rules(dictionary: Dictionary, *, checks: Checks, today: date) -> Mapping[str, tuple[Rule, ...]]:
    """The rules of each export column; blanks are always admitted, and so are the missing data codes."""
    exempt = frozenset(dictionary.missing_codes)
    rules = {
        item.name: tuple(_exempting(rule, exempt) for rule in _rules(item, exempt, checks, today))
        for item in dictionary.fields
    }
    return {column: rules[item.name] for column, item in dictionary.by_column.items()}


def _exempting(rule: Rule, exempt: frozenset[str]) -> Rule:
    return rule._replace(clear=rule.clear._replace(exempt=exempt))


def _rules(item: Field, exempt: frozenset[str], checks: Checks, today: date) -> Iterator[Rule]:
    if item.type in _CODED:
        name, allowed, sentence = _CODED[item.type]
        admitted = allowed if item.type in _WITHOUT_MISSING else allowed | exempt
        yield Rule(
            name,
            admitted.__contains__,
            f"{sentence}; correct it.",
            Clear(among=admitted, exact=True),
            item,
            last=True,
        )
    elif item.type in _CHOICE_TYPES:
        yield _choice(item, codes=tuple(item.choices), exempt=exempt)
    elif item.type is FieldType.SQL and item.name in checks.sql_choices:
        yield _choice(item, codes=checks.sql_choices[item.name], exempt=exempt)
    elif item.type is FieldType.SLIDER:
        yield _slider(item, exempt=exempt)
    elif item.type in (FieldType.TEXT, FieldType.NOTES):
        yield from _text_rules(item, exempt=exempt, today=today)
        yield from _day_rules(item, exempt=exempt, checks=checks, today=today)
    if exempt and item.is_importable and item.type not in _WITHOUT_MISSING:
        reason = "Holds one of the project's codes for missing data."
        missing = "|".join(map(re.escape, sorted(exempt)))
        clear = Clear(unlike=f"^(?:{missing})$")
        yield Rule("missing_code", lambda value: value not in exempt, reason, clear)


def _choice(item: Field, *, codes: Sequence[str], exempt: frozenset[str]) -> Rule:
    listed = ", ".join(codes[:12]) + (", …" if len(codes) > 12 else "")
    reason = f"Not one of the field's codes ({listed}); give the code, not the label."
    admitted = frozenset(codes) | exempt
    return Rule(
        "choice_unknown", admitted.__contains__, reason, Clear(among=admitted, exact=True), item, last=True
    )


def _slider(item: Field, *, exempt: frozenset[str]) -> Rule:
    low, high = (
        int(bound) if _WHOLE.fullmatch(bound) else default
        for bound, default in ((item.minimum, 0), (item.maximum, 100))
    )
    reason = f"A slider holds a whole number from {low} to {high}; correct it."

    def fits(value: str) -> bool:
        whole = _WHOLE.fullmatch(value) is not None
        return value in exempt or (whole and low <= int(value) <= high)

    clear = Clear(_WHOLE.pattern, low=float(low), high=float(high), exact=True, shape=_WHOLE.pattern)
    return Rule("slider_value", fits, reason, clear, item, last=True)


def _text_rules(item: Field, *, exempt: frozenset[str], today: date) -> Iterator[Rule]:
    kind = text.canonical(item.validation) if item.type is FieldType.TEXT else ""
    yield from _length_rules()
    yield _control_rule(item)
    if kind in PHONE_REGIONS:  # says more of a number that is too short than its type does
        reason = "The number cannot be dialled; give it with area code."
        region = PHONE_REGIONS[kind]
        dialable = _or_exempt(phones.dialable(region), exempt)
        yield Rule("phone_e164", dialable, reason, phones.clear(kind, region=region))
    if kind in text.TESTS:
        reason = f"Must be {text.hint(kind)}; correct it."
        clear = Clear(text.sure(kind), shape=text.shape(kind))
        yield Rule("type_mismatch", _or_exempt(text.TESTS[kind], exempt), reason, clear, item, last=True)
        yield from _range_rules(item, kind=kind, exempt=exempt, today=today)
    for oddity, look in oddities.oddities(item):
        yield Rule(oddity.check, _without(look), oddity.reason, oddity.clear)
    if kind == "email":
        reason = "An office's address, or a misspelt domain; ask the participant for the right one."
        clear = oddities.CLEAR_ADDRESS
        yield Rule("email_shape", lambda value: not oddities.is_doubtful_address(value), reason, clear)


def _or_exempt(test: Test, exempt: frozenset[str]) -> Test:
    return (lambda value: value in exempt or test(value)) if exempt else test


def _without(look: re.Pattern[str]) -> Test:
    return lambda value: look.search(value) is None


def _length_rules() -> Iterator[Rule]:
    reason = f"The text is longer than {MAX_LENGTH} characters; shorten it."
    yield Rule("too_long", lambda value: len(value) <= MAX_LENGTH, reason, _PLAIN, last=True)
    reason = (
        "Has exactly as many characters as a spreadsheet's cell can hold; see whether its end is missing."
    )
    yield Rule("text_cut", lambda value: len(value) != oddities.EXCEL_CELL, reason, _PLAIN)


def _control_rule(item: Field) -> Rule:
    if item.type is FieldType.NOTES:
        reason = "Holds control characters, or signs without width; remove them."
        return Rule("control_chars", _without(_CONTROL), reason, _PLAIN)
    reason = "Holds control characters, signs without width or a line break; remove them."
    return Rule("control_chars", _without(_CONTROL_OR_BREAK), reason, _PLAIN)


def _range_rules(item: Field, *, kind: str, exempt: frozenset[str], today: date) -> Iterator[Rule]:
    limits = range_of(item, kind=kind, today=today)
    if limits is not None:
        reason = f"Outside the field's range ({limits.spoken}); REDCap would accept it silently."
        yield Rule("out_of_range", _or_exempt(limits.admits, exempt), reason, limits.clear)
    if text.is_numeric(kind):
        reason = "Looks like a code for missing data, and the project lists none of this name."
        number = _or_exempt(lambda value: not oddities.is_absent_number(value), exempt)
        yield Rule("missing_number", number, reason, oddities.CLEAR_NUMBER)


def _day_rules(item: Field, *, exempt: frozenset[str], checks: Checks, today: date) -> Iterator[Rule]:
    if item.name in checks.not_future:
        limit = today.isoformat()
        reason = "The date is after today; this field describes the past."
        past = _of_days(lambda day: day <= limit, exempt)
        yield Rule("future_date", past, reason, Clear(high=limit))
    first = checks.not_before.get(item.name)
    if first is not None:
        earliest = first.isoformat()
        reason = f"The date is before {earliest}, the earliest that the study admits here; correct it."
        late = _of_days(lambda day: day >= earliest, exempt)
        yield Rule("too_old_date", late, reason, Clear(low=earliest))


def _of_days(test: Test, exempt: frozenset[str]) -> Test:
    """Ask of days alone: a text that is none is for another rule."""
    return lambda value: value in exempt or not _DAY.fullmatch(value) or test(value[:10])
