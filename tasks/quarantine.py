"""Quarantine: the rows that a run stopped are kept until a later run, or a person, answers each of them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import pandas as pd

from capstan import store as journal
from capstan.plan import KEY_NAMES, KEYS, held, keyed, row_index, same
from capstan.store import ItemState, Run
from capstan.verdict import NO_VERDICTS
from checks.catalogue import say
from checks.changes import rows_of
from checks.frames import normal_form
from tasks.connections import LiveProject
from tasks.crash import crash_point
from tasks.shield import effect, run_logger


@effect("quarantine rows")
def keep_rejected(live: LiveProject, run: Run, *, cells: pd.DataFrame, now: datetime) -> None:
    """Keep the cells of rows that a run stopped, before it writes any others."""
    kept = journal.keep_rejected(live.store, run, cells=cells, now=now)
    if kept:
        run_logger().info("put %d rows into quarantine", kept)
        crash_point("quarantined")


@effect("answer quarantine")
def answer_items(
    live: LiveProject, run: Run, *, given: pd.DataFrame, stopped: pd.DataFrame, now: datetime
) -> None:
    """Close older items whose rows a run was given again: as resolved, or as stopped again.

    `given` is the run's table, `stopped` the verdicts that stopped rows of it. A row answers an item if
    it has a value for each of the item's cells.
    """
    items = _older_items(live, run)
    if items.empty:
        return
    again = pd.MultiIndex.from_frame(items[list(KEYS)]).isin(rows_of(stopped))
    answered = _answered(items, given=given, record_field=live.dictionary.record_field)
    for state, chosen in ((ItemState.STOPPED_AGAIN, again), (ItemState.RESOLVED, ~again)):
        names = set(items.loc[answered & chosen, "item"])
        journal.decide_items(live.store, names, state=state, by=f"run {run.id}", reason="", now=now)
    crash_point("answered")


def open_items(live: LiveProject, *, names: Collection[str]) -> pd.DataFrame:
    """The cells of the study's open items, or of those that are named, as `capstan.store.ITEM_COLUMNS`."""
    items = journal.read_items(live.store, study=live.study.study, project=live.project, names=names)
    return items[items["state"] == ItemState.OPEN].reset_index(drop=True)


def moved_items(live: LiveProject, items: pd.DataFrame, *, present: pd.DataFrame) -> pd.DataFrame:
    """Verdicts for cells that somebody gave another value than the item wanted since it was stopped."""
    if items.empty:
        return NO_VERDICTS
    now_held = held(items, present=present, record_field=live.dictionary.record_field)["value"]
    zeros = live.dictionary.zero_columns
    sides = [same(now_held, items[side], fields=items["field"], zeros=zeros) for side in ("before", "after")]
    reason = "Somebody changed this cell since its row was stopped: close the item, or import the row anew."
    moved = items[~sides[0] & ~sides[1]]
    return say("moved_on", moved, reason=reason)


def _older_items(live: LiveProject, run: Run) -> pd.DataFrame:
    items = journal.read_items(live.store, study=live.study.study, project=live.project)
    return items[items["run"] != run.id].reset_index(drop=True)


def _answered(items: pd.DataFrame, *, given: pd.DataFrame, record_field: str) -> pd.Series:
    """Whether each cell's whole item has a value in the table."""
    table = keyed(given, record_field=record_field)
    for name in (record_field, *KEY_NAMES):
        table[name] = normal_form(table[name])
    table = table[~row_index(table, record_field=record_field).duplicated(keep="last")]
    value = held(items, present=table, record_field=record_field)["value"]
    is_given = (value.str.strip() != "") | (items["after"] == "")
    return is_given.groupby(items["item"]).transform("all")
