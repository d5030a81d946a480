"""Values: what one cell may hold, as pandera checks built from the data dictionary.

The checks are judged over the distinct values of a field (`judge_values`), so their cost follows the
number of different values, not of rows. pandera's own lazy report is not used: it carries values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date

import numpy as np
import pandas as pd
import pandera.pandas as pa
import phonenumbers

from capstan.dictionary import Dictionary, Field, FieldType
from capstan.verdict import collected, project_verdict, verdicts
from checks import text
from checks.catalogue import severity

MAX_LENGTH = 65_000
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LINE_BREAK = re.compile(r"[\r\n\t]")
_CHOICE_TYPES = {FieldType.DROPDOWN, FieldType.RADIO}
_CODED = {
    FieldType.CHECKBOX: ("checkbox_value", {"0", "1"}, "a checkbox holds 0 or 1"),
    FieldType.YESNO: ("yesno_value", {"0", "1"}, "a yes/no field holds 0 or 1"),
    FieldType.TRUEFALSE: ("yesno_value", {"0", "1"}, "a true/false field holds 0 or 1"),
    FieldType.FORM_STATUS: ("form_status", {"0", "1", "2"}, "a form status is 0, 1 or 2"),
}
_PHONE_REGIONS = {"phone": "US", "phone_australia": "AU", "phone_france": "FR", "phone_uk": "GB"}

Test = Callable[[str], bool]


def value_schema(
    dictionary: Dictionary, *, not_future: frozenset[str] = frozenset(), today: date
) -> pa.DataFrameSchema:
    """Say in pandera what each export column of a project may hold; blanks are always admitted.

    Every check's name is its id in the catalogue and its error the sentence for people. `not_future`
    names fields whose date must not be after `today`.
    """
    columns = {
        column: pa.Column(str, checks=list(_checks(item, dictionary, not_future, today)), required=False)
        for item in dictionary.fields
        for column in item.columns
    }
    return pa.DataFrameSchema(columns)


def judge_values(cells: pd.DataFrame, *, schema: pa.DataFrameSchema, dictionary: Dictionary) -> pd.DataFrame:
    """Judge what the cells want to hold; returns verdicts.

    `cells` has the columns of `capstan.plan.CELL_COLUMNS`.
    """
    parts = []
    for field, group in cells.groupby("field", sort=False):
        column = schema.columns.get(field)
        if column is None:
            continue
        parts += list(_field_verdicts(group, checks=column.checks))
        parts += list(_unknown_validation(dictionary.by_column[str(field)]))
    return collected(parts)


def _field_verdicts(group: pd.DataFrame, *, checks: list[pa.Check]) -> Iterator[pd.DataFrame]:
    codes, distinct = pd.factorize(group["after"])
    values = pd.Series(distinct, dtype="str")
    values = values[values != ""]
    for check in checks:
        output = check(values).check_output
        bad = np.zeros(len(distinct), dtype=bool)
        bad[output.index.to_numpy()] = ~output.to_numpy(dtype=bool)
        if bad.any():
            name = str(check.name)
            where = group[bad[codes]]
            yield verdicts(where, check=name, severity=severity(name), reason=str(check.error))


def _unknown_validation(item: Field) -> Iterator[pd.DataFrame]:
    kind = text.canonical(item.validation)
    if item.type is FieldType.TEXT and kind and kind not in text.TESTS:
        reason = f"Capstan does not know the validation type {kind}; REDCap judges it on import."
        check = "unknown_validation"
        yield project_verdict(check, severity=severity(check), reason=reason, field=item.name)


def _checks(
    item: Field, dictionary: Dictionary, not_future: frozenset[str], today: date
) -> Iterator[pa.Check]:
    exempt = frozenset(dictionary.missing_codes)
    if item.type in _CODED:
        name, allowed, sentence = _CODED[item.type]
        yield _check(name, test=allowed.__contains__, reason=f"{sentence}; correct it.", exempt=exempt)
    elif item.type in _CHOICE_TYPES:
        reason = _choice_reason(item)
        yield _check("choice_unknown", test=item.choices.__contains__, reason=reason, exempt=exempt)
    elif item.type is FieldType.SLIDER:
        yield _slider(item, exempt=exempt)
    elif item.type in (FieldType.TEXT, FieldType.NOTES):
        yield from _text_checks(item, exempt=exempt)
        if item.name in not_future:
            yield _not_future(today, exempt=exempt)


def _check(name: str, *, test: Test, reason: str, exempt: frozenset[str] = frozenset()) -> pa.Check:
    """A pandera check of one text; the project's missing data codes are exempt."""

    def passes(values: pd.Series[str]) -> pd.Series[bool]:
        return pd.Series([value in exempt or test(value) for value in values], values.index, dtype=bool)

    return pa.Check(passes, name=name, error=reason)


def _choice_reason(item: Field) -> str:
    codes = list(item.choices)
    listed = ", ".join(codes[:12]) + (", …" if len(codes) > 12 else "")
    return f"Not one of the field's codes ({listed}); give the code, not the label."


def _slider(item: Field, *, exempt: frozenset[str]) -> pa.Check:
    low, high = (int(bound or default) for bound, default in ((item.minimum, 0), (item.maximum, 100)))
    reason = f"A slider holds a whole number from {low} to {high}; correct it."

    def test(value: str) -> bool:
        return re.fullmatch(r"-?[0-9]{1,9}", value) is not None and low <= int(value) <= high

    return _check("slider_value", test=test, reason=reason, exempt=exempt)


def _text_checks(item: Field, *, exempt: frozenset[str]) -> Iterator[pa.Check]:
    kind = text.canonical(item.validation) if item.type is FieldType.TEXT else ""
    reason = f"The text is longer than {MAX_LENGTH} characters; shorten it."
    yield _check("too_long", test=lambda value: len(value) <= MAX_LENGTH, reason=reason)
    yield _control_check(item)
    if kind in text.TESTS:
        reason = f"Must be {text.hint(kind)}; correct it."
        yield _check("type_mismatch", test=text.TESTS[kind], reason=reason, exempt=exempt)
        yield from _range_checks(item, kind=kind, exempt=exempt)
    if kind in _PHONE_REGIONS:
        reason = "The number cannot be dialled; give it with area code."
        yield _check("phone_e164", test=_dialable(_PHONE_REGIONS[kind]), reason=reason, exempt=exempt)


def _control_check(item: Field) -> pa.Check:
    if item.type is FieldType.NOTES:
        reason = "Holds control characters; remove them."
        return _check("control_chars", test=lambda value: not _CONTROL.search(value), reason=reason)
    reason = "Holds control characters or a line break, in a one-line field; remove them."
    return _check(
        "control_chars",
        test=lambda value: not (_CONTROL.search(value) or _LINE_BREAK.search(value)),
        reason=reason,
    )


def _range_checks(item: Field, *, kind: str, exempt: frozenset[str]) -> Iterator[pa.Check]:
    rank = _rank(kind)
    if rank is None:
        return
    low, high = (rank(bound) if bound else None for bound in (item.minimum, item.maximum))
    if low is None and high is None:
        return

    def test(value: str) -> bool:
        place = rank(value)
        if place is None:
            return True  # not of the type at all: that is type_mismatch's to say
        return not ((low is not None and place < low) or (high is not None and place > high))

    spoken = f"{item.minimum or '…'} to {item.maximum or '…'}"
    reason = f"Outside the field's range ({spoken}); REDCap would accept it silently."
    yield _check("out_of_range", test=test, reason=reason, exempt=exempt)


def _rank(kind: str) -> Callable[[str], float | None] | None:
    """How texts of a ranged type compare: a number for each, None for what is not of the type."""
    if text.is_numeric(kind):
        return _number
    if text.is_moment(kind) or kind.startswith("time"):
        return lambda value: _moment(value, test=text.TESTS[kind])
    return None


def _number(value: str) -> float | None:
    try:
        return float(value.replace(",", "."))
    except ValueError:
        return None


def _moment(value: str, *, test: Test) -> float | None:
    """ISO moments and times compare by their digits alone."""
    return float(re.sub(r"[^0-9]", "", value)) if test(value) else None


def _dialable(region: str) -> Test:
    def test(value: str) -> bool:
        try:
            number = phonenumbers.parse(value, region)
        except phonenumbers.NumberParseException:
            return False
        # Not is_possible_number: that admits numbers without their area code.
        reason = phonenumbers.is_possible_number_with_reason(number)
        return bool(reason == phonenumbers.ValidationResult.IS_POSSIBLE)

    return test


def _not_future(today: date, *, exempt: frozenset[str]) -> pa.Check:
    limit = today.isoformat()
    reason = "The date is after today; this field describes the past."
    return _check("future_date", test=lambda value: value[:10] <= limit, reason=reason, exempt=exempt)
