"""Blanks: fields that are shown on a begun form and have no value (REDCap's rule A)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from capstan.dictionary import Field, FieldType
from capstan.errors import LogicError
from checks.columns import Bools
from checks.findings import Finding
from checks.quality.held import Held


def judge_blanks(held: Held) -> Iterator[Finding]:
    """Say where a field that is not required is blank; those that are, are `required_blank`."""
    reason = "The field is blank on a form that was begun, and nothing hides it."
    for item in held.dictionary.fields:
        if _is_asked(item, held=held):
            rows = held.touched[item.form]
            blank = ~held.filled(item, rows=rows) & _is_shown(item, held=held)[rows]
            yield Finding("missing_value", np.asarray(rows[blank.to_numpy()]), item.name, reason)


def _is_asked(item: Field, *, held: Held) -> bool:
    """Whether people fill the field in; the status of a form always has a value."""
    return not (
        item.required
        or item.is_computed
        or item.type is FieldType.FORM_STATUS
        or item.name not in held.values
    )


def _is_shown(item: Field, *, held: Held) -> Bools:
    """The rows that show a field; none where its logic cannot be read, which is said elsewhere."""
    try:
        shown = held.shown(item, rows=held.keys.index)
    except LogicError:
        shown = None
    return ~held.everywhere if shown is None else shown.to_numpy()
