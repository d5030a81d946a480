"""Completing: which rows of a form have data, and could be marked as complete."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from capstan.errors import UsageError
from capstan.logic import Table, parse
from capstan.plan import KEY_NAMES
from tasks.connections import LiveProject
from tasks.shield import effect, run_logger

_COMPLETE = "2"


@effect("find forms with data")
def completed_forms(
    live: LiveProject, *, export: pd.DataFrame, form: str, event: str, when: str, now: datetime
) -> pd.DataFrame:
    """A keyed frame that marks a form as complete: only rows that have data of it, on its own events.

    Raises UsageError for a form or event that the project does not have, LogicError for `when`.
    """
    if form not in live.dictionary.forms:
        raise UsageError(f"There is no form {form!r}; the forms are {', '.join(live.dictionary.forms)}.")
    if event and (event, form) not in live.grid.designated:
        raise UsageError(f"The form {form} is not designated for an event {event!r}; check the name.")
    chosen = _rows_of_form(live, export, form=form) & _has_data(live, export, form=form)
    chosen &= (export[KEY_NAMES[0]] == event) | (not event)
    chosen &= Table(export, live.layout).truth(parse(when), now=now.astimezone(live.study.zone))
    run_logger().info("%d rows have data of %s", int(chosen.sum()), form)
    keys = export.loc[chosen, [live.dictionary.record_field, *live.key_columns[1:]]]
    return keys.assign(**{f"{form}_complete": _COMPLETE}).astype("str").reset_index(drop=True)


def _rows_of_form(live: LiveProject, export: pd.DataFrame, *, form: str) -> pd.Series:
    """The rows on which a form's cells stand: its own where it repeats, else those without instrument."""
    events, instruments = export[KEY_NAMES[0]], export[KEY_NAMES[1]]
    repeats = events.map(lambda event: (event, form) in live.grid.repeating).astype(bool)
    designated = events.map(lambda event: (event, form) in live.grid.designated).astype(bool)
    return designated & (instruments == repeats.map({True: form, False: ""}))


def _has_data(live: LiveProject, export: pd.DataFrame, *, form: str) -> pd.Series:
    """Whether somebody entered something: a status, a calculated field and the record id do not count."""
    skipped = {f"{form}_complete", live.dictionary.record_field}
    found = pd.Series(False, index=export.index)
    for column, item in live.dictionary.by_column.items():
        if item.form == form and column in export.columns and column not in skipped and not item.is_computed:
            found |= ~export[column].isin(["", "0"] if column in live.dictionary.zero_columns else [""])
    return found
