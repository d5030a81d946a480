"""Auditing: what a project holds already, judged by every rule that needs no plan."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from capstan.errors import CapstanError
from capstan.plan import KEYS
from checks.case import Rules
from checks.quality.audit import Audited, audit
from tasks.connections import LiveProject, open_project
from tasks.redcap import read_records
from tasks.shield import shielded

Audit = dict[str, Any]
"""Of one project: `study`, `outcome`, counts (`_SUMS`), and findings by check and by REDCap's letter.

`outcome` is `found` where a row has a finding that is more than a note, else `clean`, or `failed`.
"""

_SUMS = ("records", "rows", "cells", "rows_found", "accepted")


def audit_study(study: str) -> Audit:
    """Export a study's project and count what the rules find in it; nothing is written anywhere.

    It runs on whatever machine Dask chooses: it is told the study's name alone, opens the project with the
    token of that machine, and answers with counts. A failure is an outcome, so that others go on.
    """
    # A function that is wrapped itself could not be sent to another process.
    return _audit_study(study)


@shielded
def _audit_study(study: str) -> Audit:
    try:
        live = open_project(study, flow="audit_projects", dry_run=True)
    except CapstanError as error:
        return {"study": study, "outcome": "failed", "reason": str(error)}
    try:
        return {
            "study": study,
            **audit_frame(live, read_records(live, access_groups=True), now=datetime.now(UTC)),
        }
    except CapstanError as error:
        return {"study": study, "outcome": "failed", "reason": str(error)}
    finally:
        live.close()


def audit_frame(live: LiveProject, frame: pd.DataFrame, *, now: datetime) -> Audit:
    """Judge an export of all fields, and say in counts what was found."""
    found = audit_rows(live, frame, now=now)
    return {
        "outcome": "found" if found.rows_found else "clean",
        "records": frame[live.dictionary.record_field].nunique(),
        "rows": len(frame),
        "cells": int((frame.iloc[:, len(KEYS) :] != "").to_numpy().sum()),
        "rows_found": found.rows_found,
        "accepted": found.accepted,
        "checks": dict(found.checks),
        "letters": dict(found.letters),
    }


def audit_rows(live: LiveProject, frame: pd.DataFrame, *, now: datetime) -> Audited:
    """Judge an export of all fields by every rule that needs no plan; `now` may be in any zone."""
    local = now.astimezone(live.study.zone)
    rules = Rules(live.study, live.dictionary, live.grid, local.date())
    return audit(frame, rules=rules, now=local)


def add_up(audits: list[Audit]) -> dict[str, Any]:
    """The sums over all projects, and findings by check and by REDCap's letter."""
    sums = {name: sum(one.get(name, 0) for one in audits) for name in _SUMS}
    counts: dict[str, Counter[str]] = {"checks": Counter(), "letters": Counter()}
    for one in audits:
        for name, counted in counts.items():
            counted.update(one.get(name, {}))
    return {**sums, **{name: dict(sorted(counted.items())) for name, counted in counts.items()}}
