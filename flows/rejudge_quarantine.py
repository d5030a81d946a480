"""Judge the rows in quarantine again: after a correction in REDCap, what passes now is written."""

from __future__ import annotations

import pandas as pd

from capstan.plan import KEYS
from capstan.store.states import RunState
from checks.changes import rows_of
from flows.job import Summary, chosen_limits, job
from flows.parameters import (
    DryRun,
    ItemIds,
    MaxBlanked,
    MaxNewRecords,
    MaxRecords,
    MaxShare,
    Participant,
    StudyName,
)
from flows.scope import choose_scope
from tasks.present import read_present_of, table_of
from tasks.quarantine import moved_items, open_items
from tasks.shield import study_flow


@study_flow("rejudge-quarantine")
def rejudge_quarantine(
    study: StudyName,
    items: ItemIds = [],  # noqa: B006 - Prefect reads the default, nothing changes it
    participant: Participant = "",
    dry_run: DryRun = False,
    max_records: MaxRecords = None,
    max_share: MaxShare = None,
    max_blanked: MaxBlanked = None,
    max_new_records: MaxNewRecords = None,
) -> Summary:
    """Judge the open rows in quarantine again; what passes now is written, the rest stays.

    Args:
        study: The name of the study.
        items: The ids of some rows in quarantine, such as RUN/3; all open ones if empty.
        participant: The reference of one participant; all if blank. Never a record id, which would be kept.
        dry_run: Judge and report, write nothing.
        max_records: Records that this run may change, instead of the study's limit.
        max_share: Share of all records, from 0 to 1, that this run may change.
        max_blanked: Values that this run may erase.
        max_new_records: Records that this run may create.
    """
    with job(study, flow="rejudge_quarantine", dry_run=dry_run) as current:
        live = current.live
        scope = choose_scope(current, participant=participant)
        cells = open_items(live, names=items)
        cells = cells[scope.holds(cells["record"])].reset_index(drop=True)
        if cells.empty:
            return current.finish(state=RunState.IDLE, counts={"cells_written": 0}, outcome="idle")
        present = read_present_of(live, cells)
        moved = moved_items(live, cells, present=present.frame)
        left = cells[~pd.MultiIndex.from_frame(cells[list(KEYS)]).isin(rows_of(moved))]
        return current.apply(
            table_of(live, left, present=present),
            present=present,
            limits=chosen_limits(
                live.study.writes.limits,
                max_records=max_records,
                max_share=max_share,
                max_blanked=max_blanked,
                max_new_records=max_new_records,
            ),
            blanks_erase=True,
            heard=moved,
        )
