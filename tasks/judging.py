"""Judging: the gate, handed what REDCap holds and what the study rules."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

import pandas as pd

from capstan.errors import Refused
from capstan.store import read_watermark, write_watermark
from capstan.study import Limits
from capstan.verdict import collected
from checks.case import Present, Rules
from checks.changes import rows_of
from checks.gate import judge
from checks.judgement import Judgement
from tasks.connections import LiveProject
from tasks.shield import effect

_SEEN = "records seen"


@effect("judge plan")
def judge_plan(
    live: LiveProject,
    *,
    wanted: pd.DataFrame,
    present: Present,
    limits: Limits,
    now: datetime,
    blanks_erase: bool = False,
    derived: Collection[str] = (),
) -> Judgement:
    """Judge a table of wanted values against what REDCap holds; see `checks.gate.judge`."""
    today = now.astimezone(live.study.zone).date()
    rules = Rules(live.study, live.dictionary, live.grid, today)
    return judge(
        wanted,
        present=present,
        rules=rules,
        limits=limits,
        now=now.astimezone(live.study.zone),
        blanks_erase=blanks_erase,
        derived=frozenset(derived),
    )


def with_verdicts(judgement: Judgement, *, heard: pd.DataFrame) -> Judgement:
    """Add verdicts on rows that were stopped before the gate saw them."""
    if heard.empty:
        return judgement
    rows = len(rows_of(heard))
    return replace(
        judgement,
        verdicts=collected([heard, judgement.verdicts]),
        rows_in=judgement.rows_in + rows,
        rows_rejected=judgement.rows_rejected + rows,
    )


def refuse_empty(live: LiveProject, *, records: frozenset[str], now: datetime, may_be_new: bool) -> None:
    """Refuse a project that suddenly has no records: that is no reason to do nothing quietly.

    A project that never had any `may_be_new`.
    """
    seen = read_watermark(live.store, live.study.study, name=live.watermark(_SEEN))
    if records:
        if seen != str(len(records)):
            write_watermark(
                live.store,
                live.study.study,
                name=live.watermark(_SEEN),
                value=str(len(records)),
                now=now,
            )
        return
    if seen or not may_be_new:
        before = f"it had {seen} before" if seen else "so there is nothing to compute from"
        raise Refused(
            f"The export of study {live.study.study} has no records ({before}). Check in REDCap whether they "
            "were deleted, and whether the token's user may see them (data access group, form rights)."
        )
