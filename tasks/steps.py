"""The step: one change of REDCap, journaled before it is sent and read back after it.

    journaled (before-images on disk) -> sent -> read back (outcomes)

A process that dies between any two of these leaves a batch whose outcome REDCap can tell.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

import pandas as pd

from capstan import store as journal
from capstan.errors import OutcomeUnknown
from capstan.store import Action, Run
from tasks.connections import LiveProject
from tasks.crash import crash_point
from tasks.outcomes import outcomes_of
from tasks.shield import run_logger

Clock = Callable[[], datetime]
Answer = TypeVar("Answer")


def journaled(
    live: LiveProject,
    run: Run,
    *,
    cells: pd.DataFrame,
    act: Callable[[], Answer],
    clock: Clock,
    action: Action = Action.IMPORT,
    overwrite: bool = False,
) -> tuple[Answer | None, pd.Series]:
    """Do something to cells (`CELL_COLUMNS`, `CELL_FLAGS`); returns its answer and what became of each.

    The answer is None when it was lost. Raises RedcapError when REDCap cannot be reached; what was sent
    then stays journaled.
    """
    number = journal.journal(live.store, run, cells=cells, overwrite=overwrite, now=clock(), action=action)
    crash_point("journaled")
    journal.mark_sent(live.store, run, batch=number, now=clock())
    crash_point("sent")
    answer = None
    try:
        answer = act()
    except OutcomeUnknown:
        run_logger().warning("no usable answer to a write; asking REDCap what it holds")
    crash_point("imported")
    outcomes = outcomes_of(live, cells, action=action)
    crash_point("read_back")
    told = cells[list(journal.CELL_KEYS)].assign(outcome=outcomes)
    journal.finish_batch(live.store, run, batch=number, outcomes=told, now=clock())
    crash_point("finished")
    return answer, outcomes
