"""Reverting: put back what a run found, wherever REDCap still holds what that run wrote."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from capstan import store as journal
from capstan.dictionary import Dictionary
from capstan.errors import Refused
from capstan.plan import CELL_COLUMNS, KEY_NAMES, KEYS, Plan, held, same
from capstan.store import Outcome, Run
from capstan.verdict import Decision, verdicts
from checks.catalogue import severity
from tasks.connections import LiveProject
from tasks.journal import outcome_counts, outcomes_of
from tasks.redcap import read_records
from tasks.shield import effect, run_logger


@dataclass(frozen=True, eq=False)
class WayBack:
    """How to undo a run, as cells (record, event, instrument, instance, field, before, after).

    `restore` are cells to write back; `remove` are cells of rows that the run made, and nobody else
    touched, so that the rows go; `moved_on` are cells that hold something else now and are left alone.
    """

    restore: pd.DataFrame
    remove: pd.DataFrame
    moved_on: pd.DataFrame


@effect("plan the way back")
def plan_way_back(live: LiveProject, run_id: str) -> WayBack:
    """Compare what a run wrote with what REDCap holds now.

    Raises Refused for a run that wrote nothing, and where retention has deleted the before-images.
    """
    run = journal.find_run(live.store, run_id)
    images = journal.read_images(live.store, run)
    images = images[images["outcome"] != Outcome.NOT_WRITTEN].reset_index(drop=True)
    if images.empty:
        raise Refused(f"Run {run.id} wrote nothing, so there is nothing to revert.")
    present = read_records(live, records=set(images["record"]))
    zeros, record_field = live.dictionary.zero_columns, live.dictionary.record_field
    now_held = held(images, present=present, record_field=record_field)["value"]
    ours = same(now_held, images["after"], fields=images["field"], zeros=zeros)
    back = same(now_held, images["before"], fields=images["field"], zeros=zeros)
    swapped = images.assign(before=now_held, after=images["before"])
    undone, moved_on = swapped[ours & ~back], swapped[~ours & ~back]
    removable = _untouched_rows(
        present, made=swapped[ours & ~images["row_existed"]], dictionary=live.dictionary
    )
    goes = pd.MultiIndex.from_frame(undone[list(KEYS)]).isin(removable)
    return WayBack(undone[~goes], undone[goes], moved_on)


@effect("record the way back")
def record_way_back(live: LiveProject, run: Run, *, way: WayBack, now: datetime) -> Run:
    """Keep in the journal what comes back, and as verdicts the cells that moved on."""
    plan = Plan(pd.concat([way.remove, way.restore])[list(CELL_COLUMNS)])
    reason = "Somebody changed this cell since; it was left alone."
    said = verdicts(way.moved_on, check="moved_on", severity=severity("moved_on"), reason=reason)
    counts = {"cells_planned": len(plan.cells), "cells_moved_on": len(way.moved_on)}
    return journal.record_gate(
        live.store,
        run,
        decision=Decision.APPLY.value,
        plan_digest=plan.digest,
        counts=counts,
        verdicts=said,
        now=now,
    )


@effect("remove rows")
def remove_rows(
    live: LiveProject, run: Run, *, cells: pd.DataFrame, clock: Callable[[], datetime]
) -> dict[str, int]:
    """Delete the rows that a run made, journaled like any write; returns counts by outcome.

    Rows that somebody touched since the way back was planned stay as they are.
    """
    cells = _still_untouched(live, cells) if len(cells) else cells
    if cells.empty:
        return {}
    image = cells.assign(row_existed=True)
    number = journal.journal(live.store, run, cells=image, overwrite=True, now=clock())
    journal.mark_sent(live.store, run, batch=number, now=clock())
    for deletion in _deletions(live, cells):
        deletion()
    outcomes = outcomes_of(live, cells)
    told = cells[list(journal.CELL_KEYS)].assign(outcome=outcomes)
    journal.finish_batch(live.store, run, batch=number, outcomes=told, now=clock())
    counts = {name: count for name, count in outcome_counts(told).items() if count}
    run_logger().info("removed rows: %s", counts)
    return counts


def _still_untouched(live: LiveProject, cells: pd.DataFrame) -> pd.DataFrame:
    present = read_records(live, records=set(cells["record"]))
    now = held(cells, present=present, record_field=live.dictionary.record_field)["value"]
    same_still = same(now, cells["before"], fields=cells["field"], zeros=live.dictionary.zero_columns)
    left = _untouched_rows(present, made=cells[same_still], dictionary=live.dictionary)
    return cells[pd.MultiIndex.from_frame(cells[list(KEYS)]).isin(left)]


def _untouched_rows(present: pd.DataFrame, *, made: pd.DataFrame, dictionary: Dictionary) -> pd.MultiIndex:
    """Rows that a run made and that hold nothing but what it wrote."""
    record_field = dictionary.record_field
    rows = pd.MultiIndex.from_frame(present[[record_field, *KEY_NAMES]], names=list(KEYS))
    index = pd.MultiIndex.from_frame(made[list(KEYS)])
    mine = present[rows.isin(index)].set_axis(rows[rows.isin(index)], axis=0)
    told = made.assign(ours=True).pivot(index=list(KEYS), columns="field", values="ours")
    free = {record_field, *KEY_NAMES, *(item.name for item in dictionary.fields if item.is_computed)}
    foreign = pd.Series(False, index=mine.index)
    for column in (name for name in mine.columns if name not in free):
        filled = ~mine[column].isin(["", "0"] if column in dictionary.zero_columns else [""])
        if column in told.columns:
            filled &= told[column].reindex(mine.index).isna()
        foreign |= filled
    return pd.MultiIndex.from_tuples(list(foreign.index[~foreign]), names=list(KEYS))


def _deletions(live: LiveProject, cells: pd.DataFrame) -> Iterator[Callable[[], int]]:
    """The API calls that delete rows: whole records where nothing else is left of them, else form by form."""
    record_field = live.dictionary.record_field
    present = read_records(live, fields=[record_field], records=set(cells["record"]))
    left = pd.MultiIndex.from_frame(present[[record_field, *KEY_NAMES]])
    gone = left.isin(pd.MultiIndex.from_frame(cells[list(KEYS)]))
    survivors = set(present.loc[~gone, record_field])
    whole = sorted(set(cells["record"]) - survivors)
    if whole:
        yield lambda: live.redcap.delete_records(whole)
    partly = cells[cells["record"].isin(survivors)].drop_duplicates(list(KEYS))
    for (event, instrument, instance), group in partly.groupby(
        ["event", "instrument", "instance"], sort=False
    ):
        # Every form of the row, not only ours: an empty one may have left a form status that keeps the row.
        for form in _forms_of_row(live, event=str(event), instrument=str(instrument)):
            records = sorted(set(group["record"]))
            yield _form_deletion(live, records, event=str(event), form=form, instance=str(instance))


def _forms_of_row(live: LiveProject, *, event: str, instrument: str) -> list[str]:
    if instrument:
        return [instrument]
    forms = live.grid.forms_of(event)
    return [
        form for form in live.dictionary.forms if form in forms and (event, form) not in live.grid.repeating
    ]


def _form_deletion(
    live: LiveProject, records: list[str], *, event: str, form: str, instance: str
) -> Callable[[], int]:
    return lambda: live.redcap.delete_records(
        records, event=event or None, instrument=form, instance=int(instance) if instance else None
    )
