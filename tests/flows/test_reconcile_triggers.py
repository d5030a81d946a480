"""Reconciliation: whatever REDCap did not tell of is worked all the same, and counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from coverage_study import MONTH_6, Coverage, make_coverage, receiving
from trial_study import enter

from capstan.store import keep_item
from cli.calling import call_flow


@pytest.fixture
def coverage(tmp_path: Path, addresses: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Coverage:
    made = make_coverage(tmp_path, addresses)
    enter(made.study, monkeypatch)
    return made


def reconcile(coverage: Coverage, **parameters: Any) -> dict[str, Any]:
    return call_flow("reconcile_triggers", {"study": coverage.study.name, **parameters})


def ingest(coverage: Coverage) -> dict[str, Any]:
    return call_flow("ingest_triggers", {"study": coverage.study.name})


def test_an_import_is_worked_like_a_form_that_was_saved(coverage: Coverage) -> None:
    coverage.load("1", scan_id="DTI01_CMH_0001_01_01", scan_date="2026-11-02", scan_complete="2")

    found = reconcile(coverage)
    worked = ingest(coverage)
    again = reconcile(coverage)

    assert (found["notices_made"], found["way"], found["triggers"]["missed"]) == (1, "log", 0)
    assert worked["notices"] == {"loaded": 1}
    assert again["notices_made"] == 0
