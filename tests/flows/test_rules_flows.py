"""Visit dates, eligibility and polling on the demo study: what is written, and that nothing is the second time."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from demo_trial import TODAY, make_demo_trial, server_clock
from live_study import LiveStudy

from flows.check_eligibility import check_eligibility
from flows.compute_visit_dates import compute_visit_dates
from flows.poll_participants import poll_participants
from flows.revert_run import revert_run

STATUSES = {"1": "upcoming", "2": "due", "3": "overdue", "4": "missed", "5": "complete", "6": "not scheduled"}


@pytest.fixture
def trial(addresses: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LiveStudy:
    """The demo study's own file, on a fresh project."""
    return make_demo_trial(tmp_path / "home", addresses, monkeypatch)


def rows(study: LiveStudy, *fields: str) -> list[dict[str, str]]:
    return list(study.call(content="record", format="json", fields=",".join(("record_id", *fields))).json())


def test_visit_dates_are_written_once_and_agree_with_the_counts(trial: LiveStudy) -> None:
    first = compute_visit_dates.fn("demo", today=TODAY)
    written = [row for row in rows(trial, "vt_due", "vt_status") if row["vt_status"]]
    second = compute_visit_dates.fn("demo", today=TODAY)

    labels = {code: label for code, label in choices(trial, "vt_status").items()}
    assert first["outcome"] == "done"
    assert Counter(labels[row["vt_status"]].lower() for row in written) == first["visits"]
    assert (second["outcome"], second["cells_written"]) == ("idle", 0)


def choices(study: LiveStudy, field: str) -> dict[str, str]:
    answer = study.call(content="metadata", format="json", fields=field).json()
    pairs = (part.split(",", 1) for part in answer[0]["select_choices_or_calculations"].split("|"))
    return {code.strip(): label.strip() for code, label in pairs}


def test_a_visit_moves_from_due_to_overdue_as_days_pass_and_only_its_cells_are_written(
    trial: LiveStudy,
) -> None:
    first = compute_visit_dates.fn("demo", today=TODAY)

    later = compute_visit_dates.fn("demo", today=TODAY + timedelta(days=20))

    assert 0 < later["cells_written"] < first["cells_written"] / 2
    assert later["visits"] != first["visits"]


def test_the_day_is_the_studys_own_when_none_is_given(trial: LiveStudy) -> None:
    said = compute_visit_dates.fn("demo", dry_run=True)

    assert said["outcome"] == "dry run"
    assert sum(said["visits"].values()) > 0


def test_eligibility_is_written_with_reasons_and_counts_per_criterion(trial: LiveStudy) -> None:
    first = check_eligibility.fn("demo", today=TODAY)
    second = check_eligibility.fn("demo", today=TODAY)

    held = rows(trial, "elig_status", "elig_reasons")
    labels = choices(trial, "elig_status")
    assert (
        Counter(labels[row["elig_status"]].lower() for row in held if row["elig_status"])
        == first["eligibility"]
    )
    assert all(row["elig_reasons"] for row in held if row["elig_status"])
    assert set(first["criterion age"]) == {"met", "not_met", "undetermined"}
    assert (second["outcome"], second["cells_written"]) == ("idle", 0)


def test_the_first_poll_takes_everybody_and_the_next_only_who_changed(
    trial: LiveStudy, addresses: dict[str, Any]
) -> None:
    with server_clock(addresses, "2020-01-01 12:00:00"):
        first = poll_participants.fn("demo")
    change = {"record_id": "7", "redcap_event_name": "baseline_arm_1", "part_age": "17"}
    with server_clock(addresses, "2036-01-01 12:00:00"):
        trial.call(content="record", format="json", data=json.dumps([change]))

    second = poll_participants.fn("demo")

    assert (first["records_changed"], first["outcome"]) == (60, "done")
    assert (second["records_changed"], second["eligibility"]) == (1, {"ineligible": 1})
    assert second["cells_written"] == 2


def test_a_poll_after_which_nothing_changed_is_idle(trial: LiveStudy, addresses: dict[str, Any]) -> None:
    with server_clock(addresses, "2020-01-01 12:00:00"):
        poll_participants.fn("demo")

    again = poll_participants.fn("demo")

    assert (again["outcome"], again["records_changed"], again["cells_written"]) == ("idle", 0, 0)


def test_visit_dates_can_be_taken_back_byte_for_byte(trial: LiveStudy) -> None:
    before = trial.export()
    done = compute_visit_dates.fn("demo", today=TODAY)
    between = trial.export()

    undone = revert_run.fn("demo", done["run"])

    assert between != before
    assert (undone["outcome"], undone["cells_reverted"]) == ("done", done["cells_written"])
    assert trial.export() == before
