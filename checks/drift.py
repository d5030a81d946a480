"""Drift: whether the fields of a plan are still what they were when it was made."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from capstan.dictionary import Dictionary, Field
from capstan.verdict import collected, project_verdict
from checks.catalogue import severity


def judge_drift(columns: Iterable[str], *, then: Dictionary, now: Dictionary) -> pd.DataFrame:
    """Judge the export columns of a plan: gone, moved to another form, or taking other values than `then`.

    A label that changed, or a choice that was added, changes nothing for values that were right before.
    """
    check = "dictionary_drift"
    return collected(
        project_verdict(check, severity=severity(check), reason=reason, field=name)
        for name in dict.fromkeys(columns)
        if (reason := _reason(then.by_column.get(name), now.by_column.get(name)))
    )


def _reason(then: Field | None, now: Field | None) -> str:
    if now is None:
        return "The project no longer has this field; correct the rules or the file, then run again."
    if then is None:
        return ""
    if now.form != then.form:
        return f"The field moved from {then.form} to {now.form} since the plan was made; run again."
    if set(then.choices) - set(now.choices):
        return "Choices of the field were removed since the plan was made; run again."
    was, is_ = ((item.type, item.validation, item.minimum, item.maximum) for item in (then, now))
    return "" if was == is_ else "The field takes other values than when the plan was made; run again."
