"""Renaming: records get other ids, one by one, each journaled and read back."""

from __future__ import annotations

import pandas as pd

from capstan.errors import RowsRefused
from capstan.store import Action, Outcome, Run
from capstan.store.query_following import rename_queries
from tasks.connections import LiveProject
from tasks.messages.queueing import room_of
from tasks.outcomes import found_counts, outcomes_of
from tasks.shield import effect, run_logger
from tasks.steps import Clock, journaled


@effect("rename records")
def rename_records(live: LiveProject, run: Run, *, cells: pd.DataFrame, clock: Clock) -> dict[str, int]:
    """Rename records: the cells of their record ids (before, after); returns counts by outcome.

    A record that is gone, or whose new id was taken since, stays as it is.
    """
    outcomes = [
        _rename(live, run, cells=cells.iloc[[position]], clock=clock) for position in range(len(cells))
    ]
    if not outcomes:
        return {}
    counts = found_counts(pd.concat(outcomes))
    run_logger().info("renamed records: %s", counts)
    return counts


def _rename(live: LiveProject, run: Run, *, cells: pd.DataFrame, clock: Clock) -> pd.Series:
    outcomes = outcomes_of(live, cells, action=Action.RENAME)
    if (outcomes != Outcome.NOT_WRITTEN).any():
        return outcomes.map(lambda _: Outcome.MOVED_ON.value)
    old, new = (str(cells[side].iloc[0]) for side in ("before", "after"))

    def send() -> None:
        # REDCap renames without condition, so the last look is right before it.
        if (outcomes_of(live, cells, action=Action.RENAME) != Outcome.NOT_WRITTEN).any():
            return
        try:
            live.writer.rename_record(old, new)
        except RowsRefused:
            run_logger().warning("REDCap refused to rename a record")

    image = cells.assign(row_existed=True, form_saved=True)
    outcomes = journaled(live, run, cells=image, act=send, clock=clock, action=Action.RENAME)[1]
    if (outcomes == Outcome.WRITTEN).all():
        rename_queries(live.store, room_of(live.study), old=old, new=new, now=clock())
    return outcomes
