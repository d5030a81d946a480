"""Values: what one cell may hold, as rules built from the data dictionary.

A rule judges a text. The gate asks it of each distinct text of a column once (`judge_values`); pandera has
the same rules as a schema (`value_schema`), for one task to check what another hands it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import NamedTuple

import numpy as np
import pandas as pd
import pandera.pandas as pa

from capstan.dictionary import Dictionary, Field, FieldType
from capstan.study import Checks
from capstan.verdict import Severity, collected, project_verdict
from checks import oddities, phones, text
from checks.catalogue import severity
from checks.columns import Bools, Column, Rows
from checks.corrections import PHONE_REGIONS, UNSEEN, corrections
from checks.findings import Finding
from checks.ranges import is_open, range_of
from checks.screens import Clear, cleared
from checks.sheet import Sheet, blocks

MAX_LENGTH = 65_000
_CONTROL = re.compile(rf"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f{UNSEEN}]")
_CONTROL_OR_BREAK = re.compile(rf"[\x00-\x1f\x7f\u2028\u2029{UNSEEN}]")
_WHOLE = re.compile("-?[0-9]{1,9}")
_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}(?: .*)?")
_CHOICE_TYPES = {FieldType.DROPDOWN, FieldType.RADIO}
_CODED = {
    FieldType.CHECKBOX: ("checkbox_value", {"0", "1"}, "a checkbox holds 0 or 1"),
    FieldType.YESNO: ("yesno_value", {"0", "1"}, "a yes/no field holds 0 or 1"),
    FieldType.TRUEFALSE: ("yesno_value", {"0", "1"}, "a true/false field holds 0 or 1"),
    FieldType.FORM_STATUS: ("form_status", {"0", "1", "2"}, "a form status is 0, 1 or 2"),
}
# A box of a checkbox is checked or not, and a form has a status, whatever is missing.
_PLAIN = Clear()
# So few texts are asked one by one in less time than a screen takes.
_FEW = 64
_WITHOUT_MISSING = {FieldType.CHECKBOX, FieldType.FORM_STATUS}

Test = Callable[[str], bool]


class Rule(NamedTuple):
    """One check of one text, and the sentence for whom it fails.

    `explains` is the field whose wrong texts may tell more by their look (`checks.oddities`). `clear` says
    which texts need not be asked, None where asking all is as fast.
    """

    check: str
    fits: Test
    reason: str
    explains: Field | None = None
    clear: Clear | None = None


class Correction(NamedTuple):
    """What was evidently meant in some rows of a column. A participant's value."""

    column: str
    rows: np.ndarray
    text: str


def value_rules(dictionary: Dictionary, *, checks: Checks, today: date) -> Mapping[str, tuple[Rule, ...]]:
    """The rules of each export column; blanks are always admitted, and so are the missing data codes."""
    exempt = frozenset(dictionary.missing_codes)
    rules = {item.name: tuple(_rules(item, exempt, checks, today)) for item in dictionary.fields}
    return {column: rules[item.name] for column, item in dictionary.by_column.items()}


def value_schema(dictionary: Dictionary, *, checks: Checks | None = None, today: date) -> pa.DataFrameSchema:
    """Say the rules in pandera; every check's name is its id in the catalogue, its error the sentence."""
    rules = value_rules(dictionary, checks=checks or Checks(), today=today)
    columns = {
        column: pa.Column(str, checks=[_as_check(rule) for rule in said], required=False)
        for column, said in rules.items()
    }
    return pa.DataFrameSchema(columns)


def judge_values(sheet: Sheet, *, alive: Bools, rules: Mapping[str, tuple[Rule, ...]]) -> Iterator[Finding]:
    """Judge what the changed cells of living rows want to hold."""
    with ThreadPoolExecutor() as pool:
        for found in pool.map(lambda block: _findings(*block, rules=rules), blocks(sheet, alive=alive)):
            yield from found


def _findings(
    name: str, column: Column, mask: Bools, *, rules: Mapping[str, tuple[Rule, ...]]
) -> list[Finding]:
    failures = _failures(column, rules=rules.get(name, ()))
    found = [
        Finding(check, np.flatnonzero(column.spread(words) & mask), name, reason)
        for (check, reason), words in failures.items()
    ]
    return [finding for finding in found if finding.rows.size]


def judge_knowledge(columns: Iterable[str], *, dictionary: Dictionary) -> pd.DataFrame:
    """Note what cannot be checked of the fields of a table, once for each."""
    items = {dictionary.by_column[name].name: dictionary.by_column[name] for name in columns}
    return collected(
        project_verdict(check, severity=severity(check), reason=reason, field=item.name)
        for item in items.values()
        for check, reason in _unknown(item)
    )


def correct_values(
    sheet: Sheet,
    *,
    rows: Bools,
    rules: Mapping[str, tuple[Rule, ...]],
    items: Mapping[str, Field],
    order: str,
) -> Iterator[Correction]:
    """What was evidently meant by the changed cells of some rows that no rule admits."""
    for name, column, mask in blocks(sheet, alive=rows):
        stopping = tuple(rule for rule in rules.get(name, ()) if severity(rule.check) is Severity.ERROR)
        doubtful = np.zeros(len(column.words), dtype=bool)
        doubtful[_doubtful(column, rules=stopping)] = True
        here = np.flatnonzero(column.spread(doubtful) & mask)
        for at in pd.Series(here).groupby(column.codes[here]).indices.values():
            value = column.words[int(column.codes[here[at[0]]])].as_py()
            if value and not _fits_all(value, rules=stopping):
                meant = {told for told in corrections(items[name], value, order=order) if told}
                fitting = [told for told in meant if _fits_all(told, rules=stopping)]
                if len(fitting) == 1:
                    yield Correction(name, here[at], fitting[0])


def _fits_all(value: str, *, rules: Iterable[Rule]) -> bool:
    return all(rule.fits(value) for rule in rules)


def _failures(column: Column, *, rules: tuple[Rule, ...]) -> dict[tuple[str, str], Bools]:
    """The words that fail, by what is said of them."""
    found: dict[tuple[str, str], Bools] = {}
    doubtful = _doubtful(column, rules=rules)
    left = column.of_words(doubtful)
    for rule in rules:
        # What the screen of all rules does not clear, that of one may.
        asked = doubtful[_doubtful(left, rules=(rule,))]
        texts = column.words.take(asked).to_pylist()
        wrong = asked[[bool(text) and not rule.fits(text) for text in texts]]
        for said, places in _said(rule, column=column, wrong=wrong):
            found.setdefault(said, np.zeros(len(column.words), dtype=bool))[places] = True
    return found


def _doubtful(column: Column, *, rules: tuple[Rule, ...]) -> Rows:
    """The places of the words that the rules must be asked of."""
    clears = [rule.clear for rule in rules if rule.clear is not None]
    if len(clears) < len(rules) or len(column.words) <= _FEW:
        return np.arange(len(column.words))
    return np.flatnonzero(~cleared(column, clears=clears))


def _said(rule: Rule, *, column: Column, wrong: Rows) -> Iterator[tuple[tuple[str, str], Rows]]:
    """What a rule says of the words that fail it (their places), or what their look tells more precisely."""
    plain = np.ones(len(wrong), dtype=bool)
    if rule.explains is not None:
        plain = cleared(column.of_words(wrong), clears=[oddities.UNDAMAGED])
        for place in wrong[~plain]:
            more = oddities.damage(rule.explains, column.words[int(place)].as_py()) or rule
            yield (more.check, more.reason), np.array([place])
    if plain.any():
        yield (rule.check, rule.reason), wrong[plain]


def _as_check(rule: Rule) -> pa.Check:
    def passes(values: pd.Series[str]) -> pd.Series[bool]:
        return pd.Series([value == "" or rule.fits(value) for value in values], values.index, dtype=bool)

    return pa.Check(passes, name=rule.check, error=rule.reason)


def _unknown(item: Field) -> Iterator[tuple[str, str]]:
    kind = text.canonical(item.validation) if item.type is FieldType.TEXT else ""
    if kind and kind not in text.TESTS:
        reason = f"Capstan does not know the validation type {kind}; REDCap judges it on import."
        yield "unknown_validation", reason
    elif kind and is_open(item, kind=kind):
        reason = "A limit of its range refers to another field, so the range was not checked."
        yield "logic_not_evaluated", reason
    if item.type is FieldType.SQL:
        yield "sql_choice", "Its choices come from a query that no export has; REDCap judges them on import."


def _rules(item: Field, exempt: frozenset[str], checks: Checks, today: date) -> Iterator[Rule]:
    if item.type in _CODED:
        name, allowed, sentence = _CODED[item.type]
        admitted = allowed if item.type in _WITHOUT_MISSING else allowed | exempt
        yield Rule(name, admitted.__contains__, f"{sentence}; correct it.", item)
    elif item.type in _CHOICE_TYPES:
        codes = frozenset(item.choices) | exempt
        yield Rule("choice_unknown", codes.__contains__, _choice_reason(item), item)
    elif item.type is FieldType.SLIDER:
        yield _slider(item, exempt=exempt)
    elif item.type in (FieldType.TEXT, FieldType.NOTES):
        yield from _text_rules(item, exempt=exempt, today=today)
        yield from _day_rules(item, exempt=exempt, checks=checks, today=today)
    if exempt and item.is_importable and item.type not in _WITHOUT_MISSING:
        reason = "Holds one of the project's codes for missing data."
        missing = "|".join(map(re.escape, sorted(exempt)))
        clear = Clear(unlike=f"^(?:{missing})$")
        yield Rule("missing_code", lambda value: value not in exempt, reason, clear=clear)


def _choice_reason(item: Field) -> str:
    codes = list(item.choices)
    listed = ", ".join(codes[:12]) + (", …" if len(codes) > 12 else "")
    return f"Not one of the field's codes ({listed}); give the code, not the label."


def _slider(item: Field, *, exempt: frozenset[str]) -> Rule:
    low, high = (
        int(bound) if _WHOLE.fullmatch(bound) else default
        for bound, default in ((item.minimum, 0), (item.maximum, 100))
    )
    reason = f"A slider holds a whole number from {low} to {high}; correct it."

    def fits(value: str) -> bool:
        whole = _WHOLE.fullmatch(value) is not None
        return value in exempt or (whole and low <= int(value) <= high)

    return Rule("slider_value", fits, reason, item, Clear("[0-9]{1,9}", low=float(low), high=float(high)))


def _text_rules(item: Field, *, exempt: frozenset[str], today: date) -> Iterator[Rule]:
    kind = text.canonical(item.validation) if item.type is FieldType.TEXT else ""
    yield from _length_rules()
    yield _control_rule(item)
    for oddity, look in oddities.oddities(item):
        yield Rule(oddity.check, _without(look), oddity.reason, clear=oddity.clear)
    if kind in text.TESTS:
        reason = f"Must be {text.hint(kind)}; correct it."
        clear = Clear(text.sure(kind))
        yield Rule("type_mismatch", _or_exempt(text.TESTS[kind], exempt), reason, item, clear)
        yield from _range_rules(item, kind=kind, exempt=exempt, today=today)
    if kind in PHONE_REGIONS:
        reason = "The number cannot be dialled; give it with area code."
        region = PHONE_REGIONS[kind]
        dialable = _or_exempt(phones.dialable(region), exempt)
        yield Rule("phone_e164", dialable, reason, clear=phones.clear(kind, region=region))
    if kind == "email":
        reason = "An office's address, or a misspelt domain; ask the participant for the right one."
        clear = oddities.CLEAR_ADDRESS
        yield Rule("email_shape", lambda value: not oddities.is_doubtful_address(value), reason, clear=clear)


def _or_exempt(test: Test, exempt: frozenset[str]) -> Test:
    return (lambda value: value in exempt or test(value)) if exempt else test


def _without(look: re.Pattern[str]) -> Test:
    return lambda value: look.search(value) is None


def _length_rules() -> Iterator[Rule]:
    reason = f"The text is longer than {MAX_LENGTH} characters; shorten it."
    yield Rule("too_long", lambda value: len(value) <= MAX_LENGTH, reason, clear=_PLAIN)
    reason = (
        "Has exactly as many characters as a spreadsheet's cell can hold; see whether its end is missing."
    )
    yield Rule("text_cut", lambda value: len(value) != oddities.EXCEL_CELL, reason, clear=_PLAIN)


def _control_rule(item: Field) -> Rule:
    if item.type is FieldType.NOTES:
        reason = "Holds control characters, or signs without width; remove them."
        return Rule("control_chars", _without(_CONTROL), reason, clear=_PLAIN)
    reason = "Holds control characters, signs without width or a line break; remove them."
    return Rule("control_chars", _without(_CONTROL_OR_BREAK), reason, clear=_PLAIN)


def _range_rules(item: Field, *, kind: str, exempt: frozenset[str], today: date) -> Iterator[Rule]:
    limits = range_of(item, kind=kind, today=today)
    if limits is not None:
        reason = f"Outside the field's range ({limits.spoken}); REDCap would accept it silently."
        yield Rule("out_of_range", _or_exempt(limits.admits, exempt), reason, clear=limits.clear)
    if text.is_numeric(kind):
        reason = "Looks like a code for missing data, and the project lists none of this name."
        number = _or_exempt(lambda value: not oddities.is_absent_number(value), exempt)
        yield Rule("missing_number", number, reason, clear=oddities.CLEAR_NUMBER)


def _day_rules(item: Field, *, exempt: frozenset[str], checks: Checks, today: date) -> Iterator[Rule]:
    if item.name in checks.not_future:
        limit = today.isoformat()
        reason = "The date is after today; this field describes the past."
        past = _of_days(lambda day: day <= limit, exempt)
        yield Rule("future_date", past, reason, clear=Clear(high=limit))
    first = checks.not_before.get(item.name)
    if first is not None:
        earliest = first.isoformat()
        reason = f"The date is before {earliest}, the earliest that the study admits here; correct it."
        late = _of_days(lambda day: day >= earliest, exempt)
        yield Rule("too_old_date", late, reason, clear=Clear(low=earliest))


def _of_days(test: Test, exempt: frozenset[str]) -> Test:
    """Ask of days alone: a text that is none is for another rule."""
    return lambda value: value in exempt or not _DAY.fullmatch(value) or test(value[:10])
