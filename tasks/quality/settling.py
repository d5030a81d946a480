"""Settling: queries are opened, kept and closed by what a look found."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

import pandas as pd

from capstan.store.outbox_marks import record_mark
from capstan.store.queries import records_of_queries
from capstan.store.query_moves import Looked
from capstan.store.query_settling import Settled, settle_queries
from tasks.connections import LiveProject
from tasks.crash import crash_point
from tasks.messages.queueing import room_of
from tasks.quality.part import Part
from tasks.shield import effect, run_logger

_FEW = 5


class Outcome(NamedTuple):
    """What became of queries, and of how many records with queries nothing was to be seen."""

    settled: Settled
    hidden: int


@effect("settle queries")
def settle(
    live: LiveProject,
    part: Part,
    *,
    findings: pd.DataFrame,
    records: Collection[str],
    unjudged: Collection[str],
    now: datetime,
    dry_run: bool,
) -> Outcome:
    """Bring the queries in line with findings (`FINDING_COLUMNS`) on a part of the project.

    `records` are all that were exported, `unjudged` the checks that could not be made.
    """
    hidden = _hidden(live, records)
    settled = settle_queries(
        live.store,
        room_of(live.study),
        found=findings,
        looked=Looked(now, part.events, part.forms, frozenset(unjudged), hidden),
        at_most=live.study.quality.queries.at_most,
        dry_run=dry_run,
    )
    run_logger().info(
        "%d queries opened, %d opened again, %d closed", settled.opened, settled.reopened, settled.closed
    )
    if not dry_run:
        crash_point("settled")
    return Outcome(settled, len(hidden))


def _hidden(live: LiveProject, records: Collection[str]) -> frozenset[str]:
    """The records with queries that are not to be seen, if they are too many to have been deleted.

    The token may have lost sight of them, as by another access group.
    """
    room = room_of(live.study)
    known = records_of_queries(live.store, room)
    lost = known - {record_mark(live.store, room, record=record) for record in records}
    most = max(_FEW, int(live.study.writes.limits.share * len(known)))
    return frozenset(lost if len(lost) > most else ())
