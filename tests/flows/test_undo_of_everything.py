"""Whatever runs write one after the other, undoing them newest first leaves the project as it was."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from live_study import LiveStudy
from trial_study import edit, enter, rows_file
from undo_trials import contents, make_grouped, undo_trial

from capstan.attachment import Attachment
from flows.change_files import change_file
from flows.change_records import delete
from flows.import_records import import_records
from flows.revert_run import revert_run
from tasks.file_places import FilePlace


@pytest.fixture
def study(addresses: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LiveStudy:
    made = make_grouped(tmp_path, addresses)
    enter(made, monkeypatch)
    return made


# Many more by hand: python tests/flows/undo_trials.py 30
@pytest.mark.parametrize("seed", [6, 9, 101])
def test_the_undo_of_all_runs_leaves_data_groups_and_files_as_they_were(seed: int, study: LiveStudy) -> None:
    done, faults = undo_trial(study, random.Random(seed))

    assert len(done) > 0
    assert faults == []


def test_a_deleted_record_comes_back_into_its_access_group(study: LiveStudy) -> None:
    before = contents(study)
    run = delete("trial", records=["3", "4", "18"])["run"]

    undone = revert_run.fn("trial", run)

    assert b"north" in before.data
    assert undone["outcome"] == "done"
    assert contents(study) == before


def test_a_form_that_nobody_had_saved_is_gray_again(study: LiveStudy, tmp_path: Path) -> None:
    gray = next(record for record, status in statuses(study).items() if status == "")
    head = "record_id,redcap_event_name,rand_date\n"
    before = contents(study)
    done = import_records.fn("trial", rows_file(tmp_path, f"{gray},2026-05-04", head=head))
    status = statuses(study)[gray]

    undone = revert_run.fn("trial", done["run"])

    assert (done["cells_written"], status, undone["outcome"]) == (1, "0", "done")
    assert contents(study) == before


def test_a_form_that_held_only_a_file_is_gray_again(study: LiveStudy, tmp_path: Path) -> None:
    place = FilePlace("3", "exam_photo", "6_month_arm_2")
    change_file("trial", place, attachment=Attachment("photo.jpg", b"teeth"))
    before = contents(study)
    path = tmp_path / "exam.csv"
    path.write_text("record_id,redcap_event_name,exam_num_teeth,exam_complete\n3,6_month_arm_2,20,0\n")
    done = import_records.fn("trial", str(path))

    undone = revert_run.fn("trial", done["run"])

    assert (done["cells_written"], undone["outcome"]) == (1, "done")
    assert contents(study) == before


def test_a_form_that_somebody_else_went_on_with_keeps_its_status(
    addresses: dict[str, Any], study: LiveStudy, tmp_path: Path
) -> None:
    gray = next(record for record, status in statuses(study).items() if status == "")
    head = "record_id,redcap_event_name,rand_date\n"
    done = import_records.fn("trial", rows_file(tmp_path, f"{gray},2026-05-04", head=head))
    edit(addresses, study, gray, "rand_color", "2")

    revert_run.fn("trial", done["run"])

    assert statuses(study)[gray] == "0"


def statuses(study: LiveStudy) -> dict[str, str]:
    """The status of each record's randomization, blank where nobody saved it."""
    asked = {"fields": "record_id,randomization_complete", "events": "baseline_arm_1"}
    rows = study.call(content="record", format="json", exportBlankForGrayFormStatus="true", **asked).json()
    return {row["record_id"]: row["randomization_complete"] for row in rows}
