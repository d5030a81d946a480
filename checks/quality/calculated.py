"""Calculated: stored results of all computed fields that are not what their equations give (rule H)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from capstan.dictionary import Field, FieldType
from capstan.errors import LogicError
from capstan.logic import parse
from capstan.logic.words import Floats, as_numbers, as_objects
from checks.calculations import TOLERANCE
from checks.catalogue import say_of_run
from checks.columns import Bools
from checks.quality.equations import Equation, read_equation
from checks.quality.held import Held


def judge_stored(held: Held) -> Iterator[pd.DataFrame]:
    """Compute every computed field again: on the forms that were begun, and wherever a result is stored."""
    for item in held.dictionary.fields:
        if item.is_computed and item.name in held.values:
            try:
                yield from _judge_field(item, held=held)
            except LogicError:
                reason = "Its equation could not be read, so its results were not checked."
                yield say_of_run("logic_not_evaluated", reason, field=item.name)


def _judge_field(item: Field, *, held: Held) -> Iterator[pd.DataFrame]:
    equation = read_equation(item)
    if equation is None:
        return
    if not (equation.is_of_data and all(held.reads(part) for part in equation.parts)):
        reason = "Its equation reads what no export has, so its results were not checked."
        yield say_of_run("logic_not_evaluated", reason, field=item.name)
        return
    wrong = _wrong(equation, held=held)
    reason = "The stored result differs from what the equation gives; let REDCap calculate it again."
    yield held.said("calc_mismatch", wrong, reason=reason, field=item.name)


def _wrong(equation: Equation, *, held: Held) -> pd.Index:
    item = equation.field
    asked = held.begun[item.form] | (held.values[item.name] & held.belonging([item.form]))
    rows = pd.Index(np.flatnonzero(asked))
    right = (_is_right_number if item.type is FieldType.CALC else _is_right_text)(equation, held, rows)
    found: pd.Index = rows[~right]
    return found


def _is_right_number(equation: Equation, held: Held, rows: pd.Index) -> Bools:
    """Where a calculated field is what it should be, or blank where nothing can be calculated."""
    name = equation.field.name
    stored, due = (
        held.table.numbers(part, now=held.now, rows=rows) for part in (parse(f"[{name}]"), equation.parts[0])
    )
    right: Bools = _close(stored, due) | (np.isnan(due) & ~held.values[name][rows])
    return right


def _is_right_text(equation: Equation, held: Held, rows: pd.Index) -> Bools:
    """Where a computed text or date is what it should be."""
    stored, due = held.table.data.loc[rows, equation.field.name], equation.due(held, rows=rows)
    one, other = (as_numbers(as_objects(list(texts))) for texts in (stored, due))
    right: Bools = (stored == due).to_numpy() | _close(one, other)
    return right


def _close(stored: Floats, due: Floats) -> Bools:
    """Where both are numbers, and the same but for how REDCap rounds."""
    close: Bools = np.abs(stored - due) <= TOLERANCE * np.maximum(np.abs(due), 1)
    return close
