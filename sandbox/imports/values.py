"""Which values a column takes, by the type of its field (D.4)."""

from __future__ import annotations

import re
from collections.abc import Callable

from sandbox.imports.validation import GENERIC, Rule, text_rule
from sandbox.project.field import Column, Field
from sandbox.project.model import Project

# This text was never recorded (J.1, D.4 rule 3).
IS_FILE = "This field ('{0}') is a File Upload field. Its value cannot be changed by a data import."
CHECKBOX = {"1": "1", "0": ""}
_INTEGER = re.compile(r"-?[0-9]{1,9}")


def column_rule(project: Project, column: Column, *, date_format: str = "YMD") -> Rule:
    """Return the rule of a column; blanks are refused without a word, for they mean something else."""
    one = column.field
    if one.field_type == "file":
        return Rule(refuse, IS_FILE.format(one.field_name))
    if column.code:
        return _trimming(Rule(CHECKBOX.get, _no_category(column.name)))
    # What is missing may be said of any value, but not of a form's status.
    codes = {} if one.is_status else {code: code for code in project.missing_codes}
    if one.field_type in ("radio", "dropdown", "yesno", "truefalse"):
        codes |= {code: code for code in one.choices}
        return _trimming(Rule(codes.get, _no_category(one.field_name)))
    rule = _typed_rule(one, date_format)
    if rule is None:
        # The query of an sql field has no database to run on here, so every code is taken.
        return Rule(_read_anything)
    return _trimming(_or_code(rule, codes) if codes else rule)


def refuse(_: str) -> None:
    """Read no value at all."""


def _read_anything(value: str) -> str | None:
    return None if value.isspace() or not value else value


def _typed_rule(one: Field, date_format: str) -> Rule | None:
    if one.field_type == "slider":
        return Rule(_slider_reader(one), GENERIC)
    return text_rule(one.validation, date_format=date_format) if one.field_type == "text" else None


def _or_code(rule: Rule, codes: dict[str, str]) -> Rule:
    read = rule.read
    return Rule(lambda value: codes.get(value) or read(value), rule.message)


def _trimming(rule: Rule) -> Rule:
    read = rule.read
    return Rule(lambda value: read(value.strip()), rule.message)


def _slider_reader(one: Field) -> Callable[[str], str | None]:
    low, high = (
        int(text) if _INTEGER.fullmatch(text) else default
        for text, default in ((one.text_validation_min, 0), (one.text_validation_max, 100))
    )
    return lambda value: value if _INTEGER.fullmatch(value) and low <= int(value) <= high else None


def _no_category(name: str) -> str:
    return f"The value is not a valid category for {name}"
