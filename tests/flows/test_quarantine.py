"""Quarantine: no stopped row is lost; a correction, a later run or a person answers each."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine
from live_study import LiveStudy
from processes import run_flow
from trial_study import BODY, HEAD, edit, held, make_trial, rows_file

from capstan.store import Store, load_keys, read_items
from flows.import_records import import_records
from flows.rejudge_quarantine import rejudge_quarantine
from flows.revert_run import revert_run

GOOD, BAD = "1,Ann,4", "2,Ben,PLANTED"


@pytest.fixture
def study(addresses: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LiveStudy:
    return make_trial(tmp_path, addresses, monkeypatch, body=BODY.replace("records: 2", "records: 9"))


def load(tmp_path: Path, *rows: str, **parameters: Any) -> dict[str, Any]:
    return dict(import_records.fn("trial", rows_file(tmp_path, *rows), **parameters))


def items(study: LiveStudy, *, every: bool = False) -> dict[str, str]:
    """Every item with its state."""
    with Store.open(f"sqlite:///{study.home / 'store.sqlite'}", load_keys(None, home=study.home)) as store:
        found = read_items(store, every=every)
    return dict(zip(found["item"], found["state"], strict=True))


def test_a_stopped_row_is_listed_and_shown_and_its_values_only_when_asked_for(
    study: LiveStudy, tmp_path: Path, capstan: CommandLine
) -> None:
    done = load(tmp_path, GOOD, BAD)
    item = f"{done['run']}/1"

    listed = capstan("quarantine", "list", "--study", "trial")
    told = json.loads(capstan("quarantine", "list", "--json").out)["items"]
    masked, plain = capstan("quarantine", "show", item), capstan("quarantine", "show", item, "--values")

    assert [(one["item"], one["record"], one["fields"]) for one in told] == [
        (item, "2", ["part_age", "part_first_name"])
    ]
    assert [one["check"] for one in told[0]["verdicts"]] == ["type_mismatch"]
    assert "PLANTED" not in listed.all + json.dumps(told) + masked.all
    assert "+ PLANTED" in plain.out


def test_a_dry_run_puts_nothing_into_quarantine(study: LiveStudy, tmp_path: Path) -> None:
    load(tmp_path, GOOD, BAD, dry_run=True)

    assert items(study) == {}


def test_the_stopped_rows_of_a_held_run_are_kept_too(study: LiveStudy, tmp_path: Path) -> None:
    held_run = load(tmp_path, GOOD, BAD, max_records=0)

    assert held_run["outcome"] == "held"
    assert list(items(study)) == [f"{held_run['run']}/1"]


def test_a_corrected_file_answers_the_row(study: LiveStudy, tmp_path: Path) -> None:
    first = load(tmp_path, GOOD, BAD)
    second = load(tmp_path, GOOD, "2,Ben,5")

    assert (second["outcome"], held(study, "2", "part_first_name")) == ("done", "Ben")
    assert items(study, every=True) == {f"{first['run']}/1": "resolved"}


@pytest.mark.parametrize("seed", range(3))
def test_every_row_of_a_file_is_written_or_unchanged_or_in_quarantine(
    seed: int, study: LiveStudy, tmp_path: Path
) -> None:
    chance = random.Random(seed)
    people = chance.sample(range(1, 20), 14)
    names = {str(person): held(study, str(person), "part_first_name") for person in people}
    kinds = ["good", "same", "no_number", "no_event", "foreign_arm"]
    rows = {record: (chance.choice(kinds), name) for record, name in names.items()}
    file = tmp_path / "random.csv"
    file.write_text(HEAD + "".join(line(record, *row) for record, row in rows.items()), encoding="utf-8")
    stopped = {record for record, (kind, _) in rows.items() if kind not in ("good", "same")}

    done = import_records.fn("trial", str(file), max_records=99)

    counted = [done[f"rows_{name}"] for name in ("accepted", "unchanged", "rejected")]
    kept = [kind for kind, _ in rows.values()]
    assert counted == [kept.count("good"), kept.count("same"), len(stopped)]
    assert sum(counted) == done["rows_in"] == len(rows)
    assert quarantined(study) == stopped
    assert {record for record in rows if held(study, record, "part_first_name") == "Written"} == {
        record for record, (kind, _) in rows.items() if kind == "good"
    }


def line(record: str, kind: str, name: str) -> str:
    """One row of a file, with one mistake at most."""
    event = {"no_event": "baseline", "foreign_arm": "6_month_arm_2"}.get(kind, "baseline_arm_1")
    return f"{record},{event},{name if kind == 'same' else 'Written'},{'x' if kind == 'no_number' else ''}\n"


def quarantined(study: LiveStudy) -> set[str]:
    """The records of all open items, of which each has one here."""
    with Store.open(f"sqlite:///{study.home / 'store.sqlite'}", load_keys(None, home=study.home)) as store:
        found = read_items(store).drop_duplicates("item")
    assert found["record"].is_unique
    return set(found["record"])


def test_a_row_that_is_stopped_again_is_kept_once(study: LiveStudy, tmp_path: Path) -> None:
    first, second = load(tmp_path, GOOD, BAD), load(tmp_path, GOOD, "2,Ben,also wrong")

    assert items(study) == {f"{second['run']}/1": "open"}
    assert items(study, every=True)[f"{first['run']}/1"] == "stopped_again"


def test_a_file_that_says_nothing_of_the_stopped_cells_leaves_the_row_open(
    study: LiveStudy, tmp_path: Path
) -> None:
    first = load(tmp_path, GOOD, BAD)
    load(tmp_path, "2,Benjamin,")

    assert items(study) == {f"{first['run']}/1": "open"}


def follow_up(study: LiveStudy, tmp_path: Path) -> tuple[str, str]:
    """Import a row of a participant without an arm into an arm, which is stopped."""
    rows = study.call(content="record", format="json", fields="record_id,rand_color").json()
    arms: dict[str, str] = {}
    for row in rows:
        arms[row["record_id"]] = arms.get(row["record_id"], "") or row["rand_color"]
    person = next(record for record, arm in arms.items() if not arm)
    path = tmp_path / "exams.csv"
    path.write_text(f"record_id,redcap_event_name,exam_num_teeth\n{person},6_month_arm_2,7\n")
    stopped = import_records.fn("trial", str(path))
    assert stopped["rows_stopped"] == {"wrong_arm": 1}
    return person, f"{stopped['run']}/1"


def test_a_row_is_written_after_a_correction_in_redcap(
    addresses: dict[str, Any], study: LiveStudy, tmp_path: Path
) -> None:
    person, item = follow_up(study, tmp_path)
    too_early = rejudge_quarantine.fn("trial")
    edit(addresses, study, person, "rand_color", "2")

    done = rejudge_quarantine.fn("trial")

    assert (too_early["cells_written"], done["outcome"], done["cells_written"]) == (0, "done", 1)
    assert held(study, person, "exam_num_teeth", event="6_month_arm_2") == "7"
    assert items(study, every=True)[item] == "stopped_again"
    assert items(study) == {}
    assert revert_run.fn("trial", done["run"])["outcome"] == "done"


def test_a_dry_rejudgement_writes_and_answers_nothing(
    addresses: dict[str, Any], study: LiveStudy, tmp_path: Path
) -> None:
    person, item = follow_up(study, tmp_path)
    edit(addresses, study, person, "rand_color", "2")
    before = study.export()

    said = rejudge_quarantine.fn("trial", [item], dry_run=True)

    assert (said["outcome"], said["cells_planned"]) == ("dry run", 1)
    assert study.export() == before
    assert items(study) == {item: "open"}


def test_what_somebody_entered_by_hand_since_is_not_overwritten(
    addresses: dict[str, Any], study: LiveStudy, tmp_path: Path
) -> None:
    path = rows_file(tmp_path, "2,Ben,PLANTED")
    first = import_records.fn("trial", path)
    edit(addresses, study, "2", "part_first_name", "Corrected by hand")

    said = rejudge_quarantine.fn("trial")

    assert said["rows_stopped"] == {"moved_on": 1}
    assert held(study, "2", "part_first_name") == "Corrected by hand"
    assert items(study) == {f"{first['run']}/1": "open"}


def test_a_row_that_redcap_holds_by_now_is_resolved(
    addresses: dict[str, Any], study: LiveStudy, tmp_path: Path
) -> None:
    person, item = follow_up(study, tmp_path)
    body = {"record": person, "event": "6_month_arm_2", "field": "exam_num_teeth", "value": "7"}
    import requests

    url = f"{addresses['control_url']}projects/{study.project_id}/cells"
    assert requests.post(url, json=body, timeout=30).ok

    rejudge_quarantine.fn("trial")

    assert items(study, every=True) == {item: "resolved"}


def test_a_row_is_closed_with_a_reason_only_and_once(
    study: LiveStudy, tmp_path: Path, capstan: CommandLine
) -> None:
    item = f"{load(tmp_path, GOOD, BAD)['run']}/1"
    mute = capstan("quarantine", "close", item, "--by", "Ann", "--reason", "")
    closed = capstan("quarantine", "close", item, "--by", "Ann", "--reason", "Entered by hand")
    again = capstan("quarantine", "close", item, "--by", "Ann", "--reason", "Entered by hand")
    unknown = capstan("quarantine", "close", "nope/1", "--by", "Ann", "--reason", "x")

    assert [mute.code, closed.code, again.code, unknown.code] == [2, 0, 3, 2]
    assert again.sentence.startswith("None of these rows is open any more")
    assert items(study, every=True) == {item: "closed"}


@pytest.mark.parametrize("point", ["quarantined", "journaled", "imported", "answered"])
def test_a_process_that_dies_loses_no_stopped_row_and_keeps_none_twice(
    point: str, study: LiveStudy, tmp_path: Path
) -> None:
    load(tmp_path, "5,Eve,PLANTED")
    asked = {"study": "trial", "file": rows_file(tmp_path, GOOD, BAD, "5,Eve,6")}

    killed = run_flow("import_records", asked, environment=study.environment, crash_at=point)
    kept = items(study)
    again = run_flow("import_records", asked, environment=study.environment)

    assert (killed.exit_code, again.summary["rows_rejected"]) == (-9, 1)
    assert sum(state == "open" for state in kept.values()) >= 1
    assert list(items(study)) == [f"{again.summary['run']}/1"]
    assert held(study, "5", "part_age") == "6"
