"""Outcomes: what became of journaled cells, as REDCap shows it now."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from capstan.plan import held, same
from capstan.store import Action, Outcome
from checks.identity import GROUP_COLUMN
from tasks.connections import LiveProject
from tasks.redcap import read_records


def outcomes_of(live: LiveProject, cells: pd.DataFrame, *, action: Action = Action.IMPORT) -> pd.Series:
    """What became of cells (before, after): written, not_written or moved_on, aligned to them."""
    look = {Action.IMPORT: _of_import, Action.DELETE: _of_delete, Action.RENAME: _of_rename}
    landed, unmoved = look.get(action, _of_file)(live, cells)
    outcome = pd.Series(Outcome.MOVED_ON.value, index=cells.index, dtype="str")
    return outcome.mask(unmoved, Outcome.NOT_WRITTEN.value).mask(landed, Outcome.WRITTEN.value)


def outcome_counts(outcomes: pd.Series) -> dict[str, int]:
    """Cells by outcome, as counts that may be shown; those that are zero too."""
    found = outcomes.value_counts()
    return {f"cells_{outcome.value}": int(found.get(outcome.value, 0)) for outcome in Outcome}


def found_counts(outcomes: pd.Series) -> dict[str, int]:
    """Cells by outcome, without those that are zero."""
    return {name: count for name, count in outcome_counts(outcomes).items() if count}


def held_now(live: LiveProject, cells: pd.DataFrame) -> pd.DataFrame:
    """What REDCap holds in the places of cells, as `held_in` says it."""
    return held_in(read_places(live, cells), cells=cells, live=live)


def read_places(live: LiveProject, cells: pd.DataFrame, *, fields: Collection[str] = ()) -> pd.DataFrame:
    """Read what `held_in` needs of the records of cells, and some fields more."""
    columns = live.dictionary.by_column
    items = [columns[name] for name in cells["field"].unique() if name in columns]
    return read_records(
        live,
        fields={*fields, *(name for item in items for name in (item.name, f"{item.form}_complete"))},
        records=set(cells["record"]),
        blank_for_gray=True,
        access_groups=bool((cells["field"] == GROUP_COLUMN).any()),
    )


def held_in(present: pd.DataFrame, *, cells: pd.DataFrame, live: LiveProject) -> pd.DataFrame:
    """What rows (of `read_places`) hold in the places of cells, aligned to them.

    Text `value`; booleans `row_exists` and `form_saved`: whether the form of the field has a status there.
    """
    record_field, columns = live.dictionary.record_field, live.dictionary.by_column
    status = cells["field"].map(lambda name: f"{columns[name].form}_complete" if name in columns else "")
    saved = held(cells.assign(field=status), present=present, record_field=record_field)["value"] != ""
    now = held(cells, present=present, record_field=record_field)
    return now.assign(form_saved=saved | (status == ""))


def file_text(live: LiveProject, cell: pd.Series) -> str:
    """The file that REDCap holds in a cell's place, as the text of a cell; blank where there is none."""
    found = live.redcap.files.export(
        cell["record"], cell["field"], event=cell["event"], instance=cell["instance"]
    )
    return found.to_text() if found else ""


def _of_import(live: LiveProject, cells: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    value, zeros = held_now(live, cells)["value"], live.dictionary.zero_columns
    sides = [same(value, cells[side], fields=cells["field"], zeros=zeros) for side in ("after", "before")]
    return sides[0], sides[1]


def _of_delete(live: LiveProject, cells: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """A blank alone proves no deletion where 0 and blank are the same: then the row must be gone."""
    now, zeros = held_now(live, cells), live.dictionary.zero_columns
    landed = ~now["row_exists"] | ((now["value"] == "") & (cells["before"] != ""))
    return landed, same(now["value"], cells["before"], fields=cells["field"], zeros=zeros)


def _of_rename(live: LiveProject, cells: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    record_field = live.dictionary.record_field
    names = set(cells["before"]) | set(cells["after"])
    there = set(read_records(live, fields=[record_field], records=names)[record_field])
    old, new = cells["before"].isin(there), cells["after"].isin(there)
    return new & ~old, old & ~new


def _of_file(live: LiveProject, cells: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    value = np.array([file_text(live, cell) for _, cell in cells.iterrows()], dtype=object)
    return cells["after"] == value, cells["before"] == value
