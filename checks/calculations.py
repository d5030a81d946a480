"""Calculations: stored results that no longer fit, and those that a plan will change."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from capstan.dictionary import Field, FieldType
from capstan.errors import LogicError
from capstan.logic import Expression, parse
from capstan.verdict import collected
from checks.catalogue import say_of_run
from checks.logic import Merged

# REDCap rounds what it stores in ways that a second calculation does not repeat digit by digit.
TOLERANCE = 1e-6


def judge_calculations(merged: Merged) -> pd.DataFrame:
    """Compare calculated fields of touched forms with their equations, and note those that will change."""
    calculated = [
        item for item in merged.dictionary.fields if item.type is FieldType.CALC and merged.is_exported(item)
    ]
    changed = {merged.dictionary.by_column[name].name for name in merged.cells["field"].unique()}
    return collected(
        part for item in calculated for part in _judge_field(item, changed=changed, merged=merged)
    )


def _judge_field(item: Field, *, changed: set[str], merged: Merged) -> Iterator[pd.DataFrame]:
    try:
        expression = parse(item.calculation)
    except LogicError:
        return  # REDCap's own special functions: its data quality rule H knows them
    if changed & set(expression.fields):
        check = "calc_input_changed"
        reason = "What it is calculated from changes, so REDCap will calculate it again."
        yield say_of_run(check, reason, field=item.name)
    elif item.form in merged.touched and merged.reads(expression):
        yield from _mismatches(item, expression=expression, merged=merged)


def _mismatches(item: Field, *, expression: Expression, merged: Merged) -> Iterator[pd.DataFrame]:
    rows = merged.touched[item.form]
    try:
        due = merged.table.calculate(expression, now=merged.now, rows=rows)
    except LogicError:
        return
    held = merged.table.data.loc[rows, item.name]
    one, other = pd.to_numeric(held, errors="coerce"), pd.to_numeric(due, errors="coerce")
    differs = ((one - other).abs() > TOLERANCE * other.abs().clip(lower=1)) | (other.isna() & one.notna())
    reason = "The stored result differs from what the equation gives; let REDCap calculate it again."
    found = rows[(differs & (held != "")).to_numpy()]
    yield merged.said("calc_mismatch", found, reason=reason, field=item.name)
