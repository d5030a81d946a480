"""Reverting: what a run found, to be put back wherever REDCap still holds what that run left."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import pandas as pd

from capstan import store as journal
from capstan.errors import Refused, UsageError
from capstan.plan import CELL_COLUMNS, KEYS, held, row_index, same
from capstan.store import Action, Outcome, Run
from checks.catalogue import say
from checks.changes import rows_of
from checks.identity import GROUP_COLUMN
from tasks.connections import LiveProject
from tasks.outcomes import outcomes_of
from tasks.redcap import read_records
from tasks.removing import untouched_rows
from tasks.shield import effect


@dataclass(frozen=True, eq=False)
class WayBack:
    """How to undo a run, as cells (record, event, instrument, instance, field, before, after).

    `restore` are cells to write back; `remove` are cells of rows that the run made, and nobody else
    touched, so that the rows go; `rename` are record ids, `files` are files to put back or to delete;
    `moved_on` are cells that hold something else now and are left alone. `first_saved` are cells of forms
    that nobody had saved before the run.
    """

    restore: pd.DataFrame
    remove: pd.DataFrame
    rename: pd.DataFrame
    files: pd.DataFrame
    moved_on: pd.DataFrame
    first_saved: pd.DataFrame

    @property
    def verdicts(self) -> pd.DataFrame:
        """What is said of the cells that are left alone."""
        reason = "Somebody changed this cell since; it was left alone."
        return say("moved_on", self.moved_on, reason=reason)

    @property
    def cells(self) -> pd.DataFrame:
        """All cells that come back, with the `action` that does it."""
        parts = {
            Action.RENAME: self.rename,
            Action.DELETE: self.remove,
            Action.IMPORT: self.restore,
            Action.FILE: self.files,
        }
        told = [part[list(CELL_COLUMNS)].assign(action=action.value) for action, part in parts.items()]
        return pd.concat(told, ignore_index=True).astype("str")


def written_records(live: LiveProject, run_id: str) -> frozenset[str]:
    """The records that a run wrote to, deleted ones too."""
    return frozenset(journal.read_images(live.store, journal.find_run(live.store, run_id))["record"])


@effect("plan the way back")
def plan_way_back(
    live: LiveProject, run_id: str, *, records: Collection[str] = (), fields: Collection[str] = ()
) -> WayBack:
    """Compare what a run left with what REDCap holds now; of some records or fields only, if any are given.

    Raises Refused for a run that wrote nothing, and where retention has deleted the before-images;
    UsageError for a record or field that the run did not write.
    """
    run = journal.find_run(live.store, run_id)
    images = journal.read_images(live.store, run)
    images = images[images["outcome"] != Outcome.NOT_WRITTEN]
    if images.empty:
        raise Refused(f"Run {run.id} wrote nothing, so there is nothing to revert.")
    images = _chosen(images, run=run, records=records, fields=fields).reset_index(drop=True)
    by_action = {action: images[images["action"] == action] for action in Action}
    renamed, moved_names = _swapped_back(live, by_action[Action.RENAME], action=Action.RENAME)
    files, moved_files = _swapped_back(live, by_action[Action.FILE], action=Action.FILE)
    restore, remove, moved_on = _values_back(live, images, files=files)
    left = pd.concat([moved_on, moved_names, moved_files], ignore_index=True)
    is_left = pd.MultiIndex.from_frame(images[list(KEYS)]).isin(rows_of(left))
    return WayBack(restore, remove, renamed, files, left, images[~images["form_saved"] & ~is_left])


def _chosen(
    images: pd.DataFrame, *, run: Run, records: Collection[str], fields: Collection[str]
) -> pd.DataFrame:
    """The images of some records and fields; a checkbox is meant by its name or by one of its columns."""
    base = images["field"].str.partition("___")[0]
    unknown = set(fields) - set(base) - set(images["field"])
    if unknown:
        raise UsageError(f"Run {run.id} wrote nothing to the field {min(unknown)}; check its name.")
    missing = len(set(records) - set(images["record"]))
    if missing:
        raise UsageError(f"Run {run.id} wrote nothing to {missing} of the records that were named.")
    chosen = images["record"].isin(set(records)) | (not records)
    return images[chosen & (base.isin(set(fields)) | images["field"].isin(set(fields)) | (not fields))]


def _values_back(
    live: LiveProject, images: pd.DataFrame, *, files: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The cells to restore, those of rows to remove, and those that moved on; `files` come back too."""
    images = images[images["action"].isin([Action.IMPORT, Action.DELETE])]
    if images.empty:
        return images, images, images
    present = read_records(live, records=set(images["record"]), access_groups=_has_groups(images))
    zeros, record_field = live.dictionary.zero_columns, live.dictionary.record_field
    now = held(images, present=present, record_field=record_field)
    ours = same(now["value"], images["after"], fields=images["field"], zeros=zeros)
    back = same(now["value"], images["before"], fields=images["field"], zeros=zeros)
    # Where a blank and a 0 are the same, only the row tells whether the run is undone.
    back &= ~ours | (now["row_exists"] == images["row_existed"])
    foreign = _taken_over(live, images, present=present)
    swapped = images.assign(before=now["value"], after=images["before"])
    undone, moved_on = swapped[ours & ~back & ~foreign], swapped[(~ours | foreign) & ~back]
    made = pd.concat([undone[~images.loc[undone.index, "row_existed"]], files[files["after"] == ""]])
    removable = untouched_rows(present, made=made, dictionary=live.dictionary)
    goes = pd.MultiIndex.from_frame(undone[list(KEYS)]).isin(removable)
    return undone[~goes], undone[goes], moved_on


def _taken_over(live: LiveProject, images: pd.DataFrame, *, present: pd.DataFrame) -> pd.Series:
    """Whether a deleted row, or a whole deleted record, holds values again that are not its old ones."""
    deleted = images[images["action"] == Action.DELETE]
    if deleted.empty:
        return pd.Series(False, index=images.index)
    record_field = live.dictionary.record_field
    rows = present.set_axis(row_index(present, record_field=record_field), axis=0).iloc[:, 4:]
    unsaid = {item.name for item in live.dictionary.fields if not item.is_importable}
    free = unsaid | live.dictionary.zero_columns | {GROUP_COLUMN}
    values = rows.drop(columns=[name for name in rows.columns if name in free]).melt(
        ignore_index=False, var_name="field", value_name="value"
    )
    filled = values[values["value"] != ""].set_index("field", append=True)["value"]
    before = deleted.drop_duplicates([*KEYS, "field"]).set_index([*KEYS, "field"])["before"]
    foreign = filled[filled != before.reindex(filled.index)].index
    whole = set(deleted.loc[deleted["field"] == record_field, "record"])
    taken = whole & set(foreign.get_level_values("record"))
    places = pd.MultiIndex.from_frame(images[list(KEYS)])
    is_taken = places.isin(rows_of(foreign.to_frame(index=False))) | images["record"].isin(taken)
    return pd.Series(is_taken, index=images.index, dtype=bool) & (images["action"] == Action.DELETE)


def _has_groups(images: pd.DataFrame) -> bool:
    return bool((images["field"] == GROUP_COLUMN).any())


def _swapped_back(
    live: LiveProject, images: pd.DataFrame, *, action: Action
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cells of files or ids: those that come back, and those that moved on."""
    if images.empty:
        return images, images
    now = outcomes_of(live, images, action=action)
    swapped = images.assign(before=images["after"], after=images["before"])
    if action is Action.RENAME:
        swapped = swapped.assign(record=images["after"])
    return swapped[now == Outcome.WRITTEN], swapped[now == Outcome.MOVED_ON]
