"""Forms: what a form's status says of its fields, once the plan is merged into what REDCap holds."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from capstan.dictionary import Field, FieldType
from capstan.errors import LogicError
from capstan.verdict import collected
from checks.logic import Merged

COMPLETE = "2"


def judge_forms(merged: Merged, *, derived: frozenset[str] = frozenset()) -> pd.DataFrame:
    """Judge the status of each touched form; `derived` columns are the run's own to change."""
    return collected(
        part
        for form, rows in merged.touched.items()
        if f"{form}_complete" in merged.table.data.columns
        for part in (
            *_status_against_data(form, rows=rows, merged=merged),
            *_finished_form(form, merged=merged, derived=derived),
        )
    )


def _status_against_data(form: str, *, rows: pd.Index, merged: Merged) -> Iterator[pd.DataFrame]:
    """Warn of finished forms that lack something.

    Nothing is said of data on a form that is marked incomplete: whoever is not done yet leaves it so.
    """
    status = f"{form}_complete"
    complete = rows[(merged.table.data.loc[rows, status] == COMPLETE).to_numpy()]
    entered = [item for item in merged.fields_of(form) if _is_entered(item, merged=merged)]
    if complete.empty or not entered:
        return
    anything = pd.concat([merged.filled(item, rows=complete) for item in entered], axis=1).any(axis=1)
    empty = complete[~anything.to_numpy()]
    reason = "The form is marked complete, and nothing is in it."
    yield merged.said("status_vs_data", empty, reason=reason, field=status)
    reason = "The form is marked complete, and this required field is blank."
    for item in entered:
        if item.required:
            blank = _blank_rows(item, rows=complete.difference(empty), merged=merged)
            yield merged.said("status_vs_data", blank, reason=reason, field=item.name)


def _is_entered(item: Field, *, merged: Merged) -> bool:
    """Whether a field is one that people fill in, and the export has it."""
    own = (
        item.type is FieldType.FORM_STATUS or item.name == merged.dictionary.record_field or item.is_computed
    )
    return not own and merged.is_exported(item)


def _blank_rows(item: Field, *, rows: pd.Index, merged: Merged) -> pd.Index:
    try:
        shown = merged.shown(item, rows=rows)
    except LogicError:
        return rows[:0]
    if shown is None:
        return rows[:0]
    return rows[(shown & ~merged.filled(item, rows=rows)).to_numpy()]


def _finished_form(form: str, *, merged: Merged, derived: frozenset[str]) -> Iterator[pd.DataFrame]:
    """Warn of rows whose form was complete or unverified before, and is changed beside its status."""
    status = f"{form}_complete"
    cells = merged.cells
    changed = cells[(cells["form"] == form) & (cells["field"] != status) & ~cells["field"].isin(derived)]
    if changed.empty:
        return
    held = merged.table.data[status].copy()
    own = cells[cells["field"] == status]
    held.loc[own["place"]] = own["before"].to_numpy()
    before = held.loc[changed["place"]].set_axis(changed.index)
    rows = pd.Index(changed.loc[before.isin(["1", COMPLETE]), "place"].unique())
    reason = "The form was marked complete or unverified before this change; tell who marked it."
    yield merged.said("verified_or_complete_changed", rows, reason=reason)
