"""Auditing: what a project holds already, judged by the gate's rules as if it were to be imported now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pandas as pd

from capstan.errors import CapstanError
from capstan.plan import KEYS
from capstan.study import Limits, Study, Writes
from capstan.verdict import rows_by_check
from checks.case import Present, Rules
from checks.gate import judge
from tasks.connections import LiveProject, open_project
from tasks.redcap import read_records

Audit = dict[str, Any]
"""Of one project: `study`, `outcome`, and counts `records`, `rows`, `cells`, `rows_found`, `checks`."""


def audit_study(study: str) -> Audit:
    """Export a study's project and count what the gate's rules find in it; nothing is written anywhere.

    It runs on whatever machine Dask chooses: it is told the study's name alone, opens the project with the
    token of that machine, and answers with counts. A failure is an outcome, so that others go on.
    """
    try:
        live = open_project(study, flow="audit_projects", dry_run=True)
    except CapstanError as error:
        return {"study": study, "outcome": "failed", "reason": str(error)}
    try:
        return {"study": study, **audit_frame(live, read_records(live), now=datetime.now(UTC))}
    except CapstanError as error:
        return {"study": study, "outcome": "failed", "reason": str(error)}
    finally:
        live.close()


class Audited(NamedTuple):
    """What was found in an export: verdicts on its rows, and rows by check and by REDCap's letter."""

    verdicts: pd.DataFrame
    checks: Mapping[str, int]
    letters: Mapping[str, int]


def audit_frame(live: LiveProject, frame: pd.DataFrame, *, now: datetime) -> Audit:
    """Judge an export of all fields, and count."""
    found = audit_rows(live, frame, now=now)
    filled = frame.iloc[:, len(live.key_columns) :]
    return {
        "outcome": "found" if found.checks else "clean",
        "records": frame[live.dictionary.record_field].nunique(),
        "rows": len(frame),
        "cells": int((filled != "").to_numpy().sum()),
        "rows_found": len(found.verdicts[list(KEYS)].drop_duplicates()),
        "checks": dict(found.checks),
    }


def audit_rows(live: LiveProject, frame: pd.DataFrame, *, now: datetime) -> Audited:
    """Judge an export of all fields; calculated, file and other columns that no import takes are left out."""
    local = now.astimezone(live.study.zone)
    rules = Rules(_may_write_all(live), live.dictionary, live.grid, local.date())
    columns = [name for name in frame.columns if name not in rules.forbidden and _is_asked(name, live=live)]
    records = frozenset(frame[live.dictionary.record_field])
    everything = len(frame) * max(len(columns), 1)
    limits = Limits(records=len(records), share=1, blanked=everything, new_records=0, field_share=1)
    found = judge(
        frame[columns],
        # As if REDCap held nothing of the known records: then every cell is a change, and is judged.
        present=Present(frame.iloc[:0], records),
        rules=rules,
        limits=limits,
        now=local,
    )
    of_rows = found.verdicts[found.verdicts["record"] != ""]
    return Audited(of_rows, rows_by_check(of_rows), {})


def add_up(audits: list[Audit]) -> dict[str, Any]:
    """The sums over all projects, and rows by check over those that could be read."""
    sums = {
        name: sum(one.get(name, 0) for one in audits) for name in ("records", "rows", "cells", "rows_found")
    }
    checks: Counter[str] = Counter()
    for one in audits:
        checks.update(one.get("checks", {}))
    return {**sums, "checks": dict(sorted(checks.items()))}


def _may_write_all(live: LiveProject) -> Study:
    """The study with leave to write every field, because what it may write is no matter of what is there."""
    allow = tuple(item.name for item in live.dictionary.fields)
    return live.study.model_copy(update={"writes": Writes(allow=(*allow, *live.dictionary.forms))})


def _is_asked(name: str, *, live: LiveProject) -> bool:
    """Whether a column is data, or a key that this project's imports have."""
    is_key = name.startswith("redcap_") and name not in live.dictionary.by_column
    return not is_key or name in live.key_columns
