"""Which fields a project computes, and by which equation: calc, @CALCTEXT and @CALCDATE (G)."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain

from capstan.logic import Expression, LogicError, Table, parse
from sandbox.project.field import Field
from sandbox.project.model import Project
from sandbox.project.once import once_per_project
from sandbox.storage import item

_ACTION = re.compile(r"@(CALCTEXT|CALCDATE)\s*\(", re.IGNORECASE)
_SECONDS = {"y": 31_556_952.0, "M": 2_630_016.0, "d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0}


@dataclass(frozen=True)
class Equation:
    """What computes a field: one expression, or a date, an offset and its unit for @CALCDATE.

    `inputs` are the values that it reads, named as they are stored.
    """

    field: Field
    expressions: tuple[Expression, ...]
    inputs: frozenset[str]

    @property
    def reads_other_rows(self) -> bool:
        return any(one.reads_other_rows for one in self.expressions)

    def compute(self, table: Table, *, rows: Collection[int], now: datetime) -> list[str]:
        """Return the field's values on some rows of the table; raises `LogicError`."""
        labels = list(rows)
        if self.field.field_type == "calc":
            return [str(one) for one in table.calculate(self.expressions[0], now=now, rows=labels)]
        parts = [
            [str(one) for one in table.evaluate(each, now=now, rows=labels)] for each in self.expressions
        ]
        if len(parts) == 1:
            return parts[0]
        return [
            _shift(texts, validation=self.field.validation, now=now) for texts in zip(*parts, strict=True)
        ]


@once_per_project
def equations_of(project: Project) -> tuple[Equation, ...]:
    """Return the equations that can be read; a field with a broken one stays as it is."""
    by_field, by_form = _items(project)
    found: list[Equation] = []
    for one in project.fields:
        expressions = _read(_texts(one))
        if expressions:
            fields = frozenset[str]().union(*(each.fields for each in expressions))
            # An equation without fields is computed when anything on its form is saved.
            own = [by_field.get(name, []) for name in fields] or [by_form.get(one.form_name, [])]
            found.append(Equation(one, expressions, frozenset(chain.from_iterable(own))))
    return tuple(found)


def _items(project: Project) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return the names of stored values by field and by form."""
    by_field: dict[str, list[str]] = {}
    by_form: dict[str, list[str]] = {}
    for column in project.columns:
        name = item(column.field.field_name, column.code)
        by_field.setdefault(column.field.field_name, []).append(name)
        by_form.setdefault(column.field.form_name, []).append(name)
    return by_field, by_form


def _read(texts: list[str]) -> tuple[Expression, ...]:
    try:
        return tuple(parse(text) for text in texts)
    except LogicError:
        return ()


def _texts(one: Field) -> list[str]:
    if one.field_type == "calc":
        return [one.select_choices_or_calculations] if one.select_choices_or_calculations else []
    match = _ACTION.search(one.field_annotation)
    if match is None:
        return []
    arguments = _arguments(one.field_annotation[match.end() :])
    if match[1].upper() == "CALCDATE":
        return arguments if len(arguments) == 3 else []
    return [",".join(arguments)]


def _arguments(text: str) -> list[str]:
    """Split what stands before the closing bracket at the commas outside of quotes and brackets."""
    found: list[str] = []
    depth, quote, start = 1, "", 0
    for index, sign in enumerate(text):
        if quote or sign in "'\"":
            quote = "" if sign == quote else quote or sign
            continue
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if depth == 0:
            return [*found, text[start:index]]
        if sign == "," and depth == 1:
            found.append(text[start:index])
            start = index + 1
    return []


def _shift(texts: Sequence[str], *, validation: str, now: datetime) -> str:
    """Move a date by an offset in a unit, the three texts; blank when one of them is no such thing."""
    day, offset, unit = texts
    try:
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        start = {"now": now, "today": today}.get(day) or datetime.fromisoformat(day)
        moved = start + timedelta(seconds=float(offset) * _SECONDS[unit])
    except (ValueError, OverflowError, KeyError):
        return ""
    if validation.startswith("datetime_seconds"):
        return moved.strftime("%Y-%m-%d %H:%M:%S")
    return moved.strftime("%Y-%m-%d %H:%M" if validation.startswith("datetime") else "%Y-%m-%d")
