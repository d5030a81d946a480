"""The columns of an export that may be judged, and what is left of their values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from capstan.dictionary import Dictionary, Field, FieldType

OTHER = "other"
"""Stands for every code that the dictionary does not know: such a value may be anything."""

_CODED = frozenset({FieldType.RADIO, FieldType.DROPDOWN, FieldType.YESNO, FieldType.TRUEFALSE})
_NUMERIC = frozenset({FieldType.CALC, FieldType.SLIDER})
_NUMBER = re.compile(r"integer|number(_comma)?(_[1-4]dp)?(_comma_decimal)?")


def judged_columns(dictionary: Dictionary) -> tuple[str, ...]:
    """The export columns that may be judged: codes and numbers that identify nobody.

    What is not known to be harmless is left out: the record id, fields that the dictionary flags as
    identifiers, and all text but numbers, so that names, dates, addresses and phone numbers never come near.
    """
    fields = [one for one in dictionary.fields if _is_harmless(one) and one.name != dictionary.record_field]
    return tuple(column for one in fields for column in one.columns)


def typed_columns(
    export: pd.DataFrame, *, dictionary: Dictionary, names: Iterable[str], values: bool
) -> pd.DataFrame:
    """Numbers as numbers and each code as its place among the choices, as `choice 2`; blanks are missing.

    A missing data code is no answer: it counts as blank. With `values` codes stay as they are.
    """
    allowed = frozenset(judged_columns(dictionary))
    chosen = [name for name in names if name in allowed and name in export]
    missing = frozenset(dictionary.missing_codes)
    return pd.DataFrame(
        {
            name: _typed(export[name], field=dictionary.by_column[name], missing=missing, values=values)
            for name in chosen
        },
        index=export.index,
    )


def choice_names(field: Field) -> Mapping[str, str]:
    """What each code of a field is called where no value may be shown."""
    if field.type in (FieldType.CHECKBOX, FieldType.TRUEFALSE, FieldType.YESNO):
        codes: Iterable[str] = ("0", "1")
    else:
        codes = field.choices
    return {code: f"choice {place}" for place, code in enumerate(codes, start=1)}


def is_coded(field: Field) -> bool:
    """Whether a field holds codes; the other judged ones hold numbers."""
    return field.type in _CODED or field.type in (FieldType.CHECKBOX, FieldType.FORM_STATUS)


def _is_harmless(field: Field) -> bool:
    if field.identifier:
        return False
    if field.type is FieldType.TEXT:
        return bool(_NUMBER.fullmatch(field.validation)) and not field.is_computed
    return is_coded(field) or field.type in _NUMERIC


def _typed(cells: pd.Series, *, field: Field, missing: frozenset[str], values: bool) -> pd.Series:
    if not is_coded(field):
        numbers = pd.to_numeric(cells.str.replace(",", ".", regex=False), errors="coerce")
        return numbers.astype("float64").replace([np.inf, -np.inf], np.nan).where(~cells.isin(missing))
    kept = cells.where(cells.ne("") & ~cells.isin(missing))
    names = choice_names(field)
    if values:
        return kept.astype("category")
    # Each code is looked up once; the column only holds where its name stands.
    codes, found = pd.factorize(kept)
    named = pd.Index([names.get(str(code), OTHER) for code in found])
    return pd.Series(pd.Categorical(named.take(codes).where(codes >= 0)), index=cells.index)
