"""What may happen between two steps: a killed process, a second writer, a file for the wrong arm."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from kill_trials import OPERATIONS, new_stage, random_trial
from live_study import LiveStudy, make_study
from trial_study import BODY, TODAY, edit, held, make_trial, rows_file

from flows.import_records import import_records
from flows.revert_run import revert_run
from studies.demo.generate import project_xml


@pytest.fixture
def study(addresses: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LiveStudy:
    return make_trial(tmp_path, addresses, monkeypatch, body=BODY.replace("records: 2", "records: 99"))


# Many more by hand: python tests/flows/kill_trials.py 200
@pytest.mark.parametrize("operation", OPERATIONS)
def test_no_cell_is_lost_or_doubled_when_a_process_is_killed(
    operation: str, addresses: dict[str, Any], tmp_path: Path
) -> None:
    was_killed, faults = OPERATIONS[operation](new_stage(tmp_path, addresses), "imported")

    assert (was_killed, faults) == (True, [])


def test_random_trials_find_nothing_wrong(addresses: dict[str, Any], tmp_path: Path) -> None:
    trial = random_trial(random.Random(TODAY.toordinal()), tmp_path, addresses)

    assert trial.faults == ()


@pytest.mark.parametrize("seed", range(3))
def test_no_change_of_a_second_writer_is_overwritten_and_each_is_reported(
    seed: int,
    addresses: dict[str, Any],
    study: LiveStudy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    people = [str(number) for number in range(1, 19)]
    theirs = random.Random(seed).sample(people, 6)
    file = rows_file(tmp_path, *(f"{person},Ours,4" for person in people))
    writers = iter(theirs)

    def meanwhile(point: str) -> None:
        """Before each batch is looked at once more, somebody changes cells of it."""
        if point == "judged":
            for person in writers:
                edit(addresses, study, person, "part_first_name", f"Theirs {person}")

    monkeypatch.setattr("tasks.journal.crash_point", meanwhile)
    done = import_records.fn("trial", file)

    assert done["rows_stopped"] == {"stale_base": len(theirs)}
    for person in people:
        wanted = f"Theirs {person}" if person in theirs else "Ours"
        assert held(study, person, "part_first_name") == wanted


def test_a_second_writer_between_a_write_and_its_undo_is_not_overwritten(
    addresses: dict[str, Any], study: LiveStudy, tmp_path: Path
) -> None:
    people = [str(number) for number in range(1, 11)]
    done = import_records.fn("trial", rows_file(tmp_path, *(f"{person},Ours,4" for person in people)))
    for person in people[:4]:
        edit(addresses, study, person, "part_first_name", f"Theirs {person}")

    undone = revert_run.fn("trial", done["run"])

    assert (undone["outcome"], undone["cells_moved_on"]) == ("partly", 4)
    assert [held(study, person, "part_first_name") for person in people[:4]] == [
        f"Theirs {person}" for person in people[:4]
    ]


WRONG = 37
PEOPLE = 1000


@pytest.fixture(scope="module")
def large(addresses: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> LiveStudy:
    """A study of many participants that allows a run to change all of them."""
    body = BODY.replace("records: 2", f"same_value: {PEOPLE}, records: {PEOPLE}")
    xml = project_xml(TODAY, participants=PEOPLE + 700)
    folder = tmp_path_factory.mktemp("large")
    return make_study(folder, name="trial", addresses=addresses, xml=xml, title="Trial", body=body)


@pytest.fixture
def exams(large: LiveStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A file of 1,000 rows, of which 37 are in the other arm."""
    for name, value in large.environment.items():
        monkeypatch.setenv(name, value)
    rows = large.call(content="record", format="json", fields="record_id,rand_color").json()
    arms = [(row["record_id"], row["rand_color"]) for row in rows if row["rand_color"]][:PEOPLE]
    assert len(arms) == PEOPLE
    lines = [
        f"{record},12_month_arm_{5 - int(arm) if place < WRONG else arm},{25 + place % 7}\n"
        for place, (record, arm) in enumerate(arms)
    ]
    path = tmp_path / "exams.csv"
    path.write_text("record_id,redcap_event_name,exam_num_teeth\n" + "".join(lines), encoding="utf-8")
    return str(path)


def test_the_same_file_without_permission_to_write_writes_nothing(large: LiveStudy, exams: str) -> None:
    file = large.folder / "study.yaml"
    text = file.read_text("utf-8")
    try:
        file.write_text(
            text.replace("allow: [participant_info, exam, phone_follow_up]", "allow: []"), "utf-8"
        )
        before = large.export()
        done = import_records.fn("trial", exams)
    finally:
        file.write_text(text, "utf-8")

    assert (done["cells_written"], done["rows_rejected"]) == (0, PEOPLE)
    assert large.export() == before


def test_a_file_of_1000_rows_of_which_37_are_in_the_wrong_arm_writes_963_and_explains_37(
    large: LiveStudy, exams: str
) -> None:
    before = large.export()
    done = import_records.fn("trial", exams)
    undone = revert_run.fn("trial", done["run"])

    assert (done["rows_in"], done["cells_written"], done["rows_rejected"]) == (PEOPLE, 963, WRONG)
    assert done["rows_stopped"] == {"wrong_arm": WRONG}
    assert undone["outcome"] == "done"
    assert large.export() == before
