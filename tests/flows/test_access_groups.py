"""Access groups in a file: compared with those of the records, and never written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from live_study import LiveStudy
from trial_study import enter, rows_file
from undo_trials import make_grouped

from capstan.settings import load_settings
from capstan.store import find_run, read_verdicts
from flows.import_records import import_records
from tasks.connections import open_store

HEAD = "record_id,redcap_event_name,redcap_data_access_group,rand_date\n"


@pytest.fixture
def study(addresses: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LiveStudy:
    made = make_grouped(tmp_path, addresses)
    enter(made, monkeypatch)
    return made


def said_of_groups(run: str) -> list[tuple[str, str]]:
    """The records of which the check of groups said something, and how far that reaches."""
    with open_store(load_settings()) as store:
        found = read_verdicts(store, find_run(store, run))
    told = found.loc[found["check"] == "dag_mismatch", ["record", "severity"]]
    return [tuple(row) for row in told.to_numpy()]


def test_a_row_that_names_another_group_than_its_records_is_stopped(study: LiveStudy, tmp_path: Path) -> None:
    rows = ["3,south,2026-05-04", "4,south,2026-05-04", "5,,2026-05-04"]

    done = import_records.fn("trial", rows_file(tmp_path, *rows, head=HEAD), dry_run=True)

    assert said_of_groups(done["run"]) == [("3", "error")]
    assert done["rows_stopped"]["dag_mismatch"] == 1


def test_a_new_record_that_names_a_group_is_only_warned_of(study: LiveStudy, tmp_path: Path) -> None:
    file = rows_file(tmp_path, "new-1,north,2026-05-04", head=HEAD)

    done = import_records.fn("trial", file, dry_run=True, max_new_records=1)

    assert said_of_groups(done["run"]) == [("new-1", "warning")]
