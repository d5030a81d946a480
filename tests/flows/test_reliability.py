"""What may happen between two steps: a killed process, a second writer, a file for the wrong arm."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
import requests
from command_line import CommandLine
from kill_trials import OPERATIONS, new_stage, random_trial
from live_study import LiveStudy, make_study
from trial_study import BODY, TODAY, edit, enter, held, make_trial, rows_file

from capstan.store import find_run, read_verdicts
from cli.stores import open_store_here
from flows.import_records import import_records
from flows.revert_run import revert_run
from studies.demo.generate import project_xml

PEOPLE = [str(number) for number in range(1, 19)]


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


class SecondWriter:
    """Somebody who changes names in REDCap whenever a run passes a point; `told` says which ones it must see.

    What nobody had written yet must be seen as stale; what the run has just written, as not what it wrote.
    """

    def __init__(self, addresses: dict[str, Any], study: LiveStudy, *, point: str, seed: int) -> None:
        self.addresses, self.study, self.point = addresses, study, point
        self.chance = random.Random(seed)
        self.theirs: set[str] = set()
        self.told: set[tuple[str, str]] = set()
        self._old: set[str] = set()

    def __call__(self, point: str) -> None:
        """Stand in for a crash point."""
        if point != self.point:
            return
        ours = {person for person, name in names(self.study).items() if name == "Ours"}
        fresh = ours - self._old if point == "imported" else set(PEOPLE) - ours
        check = "response_count" if point == "imported" else "stale_base"
        for person in self.chance.sample(sorted(fresh - self.theirs), min(2, len(fresh - self.theirs))):
            edit(self.addresses, self.study, person, "part_first_name", "Theirs")
            self.theirs.add(person)
            self.told.add((person, check))
        self._old |= ours


def names(study: LiveStudy) -> dict[str, str]:
    """Everybody's first name."""
    asked = {"fields": "record_id,part_first_name", "events": "baseline_arm_1"}
    rows = study.call(content="record", format="json", **asked).json()
    return {row["record_id"]: row["part_first_name"] for row in rows}


@pytest.mark.parametrize(
    ("module", "point"),
    [
        ("journal", "judged"),
        ("writing", "checked"),
        ("steps", "journaled"),
        ("steps", "sent"),
        ("steps", "imported"),
        ("steps", "finished"),
    ],
)
@pytest.mark.parametrize("seed", range(2))
def test_no_change_of_a_second_writer_is_overwritten_and_each_is_reported(
    seed: int,
    module: str,
    point: str,
    addresses: dict[str, Any],
    study: LiveStudy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = study.folder / "study.yaml"
    file.write_text(file.read_text("utf-8").replace("batch_rows: 15", "batch_rows: 5"), "utf-8")
    before = names(study)
    writer = SecondWriter(addresses, study, point=point, seed=seed)
    monkeypatch.setattr(f"tasks.{module}.crash_point", writer)
    done = import_records.fn("trial", rows_file(tmp_path, *(f"{person},Ours,4" for person in PEOPLE)))
    monkeypatch.undo()
    enter(study, monkeypatch)
    after, said = names(study), stopped(done)

    revert_run.fn("trial", done["run"])

    assert len(writer.theirs) >= 2
    assert said == {(person, "part_first_name", check) for person, check in writer.told}
    assert after == before | dict.fromkeys(PEOPLE, "Ours") | dict.fromkeys(writer.theirs, "Theirs")
    assert names(study) == before | dict.fromkeys(writer.theirs, "Theirs")


def stopped(done: dict[str, Any]) -> set[tuple[str, str, str]]:
    """What a run said of records and fields."""
    with open_store_here() as store:
        said = read_verdicts(store, find_run(store, done["run"]))
    errors = said[said["severity"] == "error"]
    return set(errors[["record", "field", "check"]].itertuples(index=False, name=None))


def test_a_second_writer_between_a_write_and_its_undo_is_not_overwritten(
    addresses: dict[str, Any], study: LiveStudy, tmp_path: Path
) -> None:
    done = import_records.fn("trial", rows_file(tmp_path, *(f"{person},Ours,4" for person in PEOPLE)))
    for person in PEOPLE[:4]:
        edit(addresses, study, person, "part_first_name", f"Theirs {person}")

    undone = revert_run.fn("trial", done["run"])

    assert (undone["outcome"], undone["cells_moved_on"]) == ("partly", 4)
    assert [held(study, person, "part_first_name") for person in PEOPLE[:4]] == [
        f"Theirs {person}" for person in PEOPLE[:4]
    ]


WRONG = 37
ROWS = 1000


@pytest.fixture(scope="module")
def large(addresses: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> LiveStudy:
    """A study of many participants that allows a run to change all of them."""
    body = BODY.replace("records: 2", f"same_value: {ROWS}, records: {ROWS}")
    xml = project_xml(TODAY, participants=ROWS + 700)
    folder = tmp_path_factory.mktemp("large")
    study = make_study(folder, name="trial", addresses=addresses, xml=xml, title="Trial", body=body)
    file = study.folder / "study.yaml"
    file.write_text(file.read_text("utf-8").replace("batch_rows: 15", "batch_rows: 400"), "utf-8")
    return study


@pytest.fixture
def exams(large: LiveStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A file of 1,000 rows, of which 37 are in the other arm."""
    for name, value in large.environment.items():
        monkeypatch.setenv(name, value)
    rows = large.call(content="record", format="json", fields="record_id,rand_color").json()
    arms = [(row["record_id"], row["rand_color"]) for row in rows if row["rand_color"]][:ROWS]
    assert len(arms) == ROWS
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

    assert (done["cells_written"], done["rows_rejected"]) == (0, ROWS)
    assert large.export() == before


def test_the_same_file_against_production_without_permission_writes_nothing(
    addresses: dict[str, Any], large: LiveStudy, exams: str, capstan: CommandLine
) -> None:
    file, before = large.folder / "study.yaml", large.export()
    text = file.read_text("utf-8")
    try:
        set_status(addresses, large, "production")
        file.write_text(text.replace("status: development", "status: production"), "utf-8")
        said = capstan("import", exams, "--study", "trial", "--json")
        dry = capstan("import", exams, "--study", "trial", "--json", "--dry-run")
    finally:
        set_status(addresses, large, "development")
        file.write_text(text, "utf-8")

    assert (said.code, json.loads(said.out)["outcome"]) == (3, "refused")
    assert "does not let runs write there; nothing was written" in said.sentence
    assert (dry.code, json.loads(dry.out)["accepted"]) == (4, ROWS - WRONG)
    assert large.export() == before


def set_status(addresses: dict[str, Any], study: LiveStudy, status: str) -> None:
    """Move a project to production, or back."""
    url = f"{addresses['control_url']}projects/{study.project_id}/status"
    assert requests.post(url, json={"status": status}, timeout=30).ok


def test_a_file_of_1000_rows_of_which_37_are_in_the_wrong_arm_writes_963_and_explains_37(
    large: LiveStudy, exams: str, capstan: CommandLine
) -> None:
    before = large.export()
    said = capstan("import", exams, "--study", "trial", "--json")
    done = json.loads(said.out)
    undone = revert_run.fn("trial", done["run"])

    assert said.code == 4
    assert (done["rows_in"], done["cells_written"], done["rows_rejected"]) == (ROWS, 963, WRONG)
    assert done["rows_stopped"] == {"wrong_arm": WRONG}
    assert {one["check"] for one in done["rejected"]} == {"wrong_arm"}
    assert len({one["record"] for one in done["rejected"]}) == len(done["rejected"]) == WRONG
    assert undone["outcome"] == "done"
    assert large.export() == before
