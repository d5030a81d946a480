"""Deleted and renamed records, files and completed forms: guarded, journaled, and taken back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests
from command_line import CommandLine
from live_study import LiveStudy
from processes import run_flow
from trial_study import BODY, add_file_field, edit, held, make_trial, rows_file, visit_place

from capstan.attachment import Attachment
from capstan.errors import Refused, UsageError
from flows.change_files import change_file, read_file
from flows.change_records import delete, rename
from flows.complete_forms import complete_forms
from flows.import_records import import_records
from flows.revert_run import revert_records, revert_run
from tasks.file_places import FilePlace

PHOTO = Attachment("Zoë's photo.jpg", bytes(range(256)))
OTHER = Attachment("other.txt", b"")


@pytest.fixture
def study(addresses: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LiveStudy:
    made = make_trial(tmp_path, addresses, monkeypatch, body=BODY.replace("records: 2", "records: 99"))
    add_file_field(made)
    return made


@pytest.fixture
def place(study: LiveStudy) -> FilePlace:
    """Where an exam may have a photo; the exam has other data too."""
    record, event = visit_place(study)
    path = study.folder / "exam.csv"
    path.write_text(f"record_id,redcap_event_name,exam_num_teeth\n{record},{event},7\n")
    import_records.fn("trial", str(path))
    return FilePlace(record, "exam_photo", event)


def put(place: FilePlace, attachment: Attachment | None = PHOTO, **more: Any) -> dict[str, Any]:
    return dict(change_file("trial", place, attachment=attachment, **more))


def photo(place: FilePlace) -> Attachment | None:
    return read_file("trial", place)


def undo(run: dict[str, Any]) -> dict[str, Any]:
    return dict(revert_run.fn("trial", run["run"]))


def exported(study: LiveStudy) -> bytes:
    """All data, in which the status of a form that nobody saved is blank."""
    return study.export(exportBlankForGrayFormStatus="true")


def test_a_file_is_put_replaced_deleted_and_each_is_taken_back(study: LiveStudy, place: FilePlace) -> None:
    seen = []
    first, second, third = put(place), put(place, OTHER), put(place, None)
    for run in (third, second, first):
        seen.append(photo(place))
        assert undo(run)["outcome"] == "done"

    assert [first["outcome"], second["outcome"], third["outcome"]] == ["done"] * 3
    assert [*seen, photo(place)] == [None, OTHER, PHOTO, None]


def test_the_same_file_again_changes_nothing(study: LiveStudy, place: FilePlace) -> None:
    put(place)
    logged = len(study.log())

    assert put(place)["outcome"] == "idle"
    assert len(study.log()) == logged


def test_a_file_that_somebody_replaced_since_is_left_alone_by_an_undo(
    study: LiveStudy, place: FilePlace
) -> None:
    run = put(place)
    where = {"record": place.record, "field": place.field, "event": place.event}
    study_upload(study, where, OTHER)

    assert undo(run)["outcome"] == "partly"
    assert photo(place) == OTHER


def study_upload(study: LiveStudy, where: dict[str, str], attachment: Attachment) -> None:
    """Somebody uploads a file by hand."""
    data = {"token": study.token, "content": "file", "action": "import", **where}
    assert requests.post(study.url, data=data, files={"file": attachment}, timeout=30).ok


def test_a_file_may_not_be_in_another_arm_or_of_an_unknown_record(study: LiveStudy, place: FilePlace) -> None:
    other_arm = place.event[:-1] + ("3" if place.event.endswith("2") else "2")

    refused = [put(place._replace(event=other_arm)), put(place._replace(record="nobody"))]

    assert [list(one["rows_stopped"]) for one in refused] == [["wrong_arm"], ["record_unknown"]]
    assert photo(place) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"field": "exam_num_teeth"}, "no file field"),
        ({"event": "baseline_arm_1"}, "is not designated"),
        ({"instance": "2"}, "needs no instance"),
    ],
)
def test_a_place_that_cannot_be_is_a_usage_error(
    change: dict[str, str], said: str, study: LiveStudy, place: FilePlace
) -> None:
    with pytest.raises(UsageError, match=said):
        put(place._replace(**change))


def test_a_file_that_the_study_does_not_let_be_written_is_refused(study: LiveStudy, place: FilePlace) -> None:
    file = study.folder / "study.yaml"
    file.write_text(file.read_text("utf-8").replace("writes: {", "writes: {protect: [exam_photo], "), "utf-8")

    assert put(place)["rows_stopped"] == {"read_only_field": 1}


def test_files_go_in_and_out_by_the_command_line(
    study: LiveStudy, place: FilePlace, tmp_path: Path, capstan: CommandLine
) -> None:
    source, target = tmp_path / "in.bin", tmp_path / "out.bin"
    source.write_bytes(PHOTO.content)
    where = ["--study", "trial", "--record", place.record, "--field", place.field, "--event", place.event]

    empty = capstan("files", "export", *where, "--to", str(target))
    done = capstan("files", "import", str(source), *where, "--json")
    out = capstan("files", "export", *where, "--to", str(target))
    twice = capstan("files", "export", *where, "--to", str(target))
    gone = capstan("files", "delete", *where)

    assert [empty.code, done.code, out.code, twice.code, gone.code] == [3, 0, 0, 2, 0]
    assert target.read_bytes() == PHOTO.content
    assert target.stat().st_mode & 0o777 == 0o600
    assert photo(place) is None
    assert "AAECAwQF" not in capstan("journal", "show", json.loads(done.out)["run"], "--json").out


def test_deleted_records_come_back_with_all_that_they_held(study: LiveStudy, place: FilePlace) -> None:
    put(place)
    before = exported(study)

    done = delete("trial", records=[place.record, "3"], limit=2)
    between = exported(study)
    undone = undo(done)

    assert (done["outcome"], undone["outcome"]) == ("done", "done")
    assert len(between) < len(before)
    assert exported(study) == before
    assert photo(place) == PHOTO


def test_the_undo_of_a_deletion_can_be_undone_and_that_again(study: LiveStudy, place: FilePlace) -> None:
    before = exported(study)
    done = delete("trial", records=[place.record], limit=1)
    between = exported(study)

    back = undo(done)
    gone = undo(back)
    after = exported(study)

    assert undo(gone)["outcome"] == "done"
    assert after == between
    assert exported(study) == before


def test_one_of_several_deleted_records_can_come_back_alone(study: LiveStudy) -> None:
    before = study.export(records="3")
    done = delete("trial", records=["3", "4"], limit=2)

    undone = revert_records("trial", done["run"], records=["3"])

    assert undone["outcome"] == "done"
    assert study.export(records="3") == before
    assert study.export(records="4") == b"\n"


def test_a_record_that_somebody_made_anew_since_is_not_mixed_with_the_deleted_one(
    addresses: dict[str, Any], study: LiveStudy
) -> None:
    done = delete("trial", records=["3"], limit=1)
    head = "record_id,redcap_event_name,part_first_name\n3,baseline_arm_1,Another person\n"
    assert study.call(content="record", action="import", format="csv", type="flat", data=head).ok
    before = study.export()

    undone = undo(done)

    assert (undone["outcome"], undone["cells_reverted"]) == ("partly", 0)
    assert study.export() == before


@pytest.mark.parametrize("limit", [None, 1])
def test_more_deletions_than_the_limit_are_refused(limit: int | None, study: LiveStudy) -> None:
    before = study.export()

    with pytest.raises(Refused, match=r"2 records, and the limit is [01]"):
        delete("trial", records=["3", "4"], limit=limit)
    assert study.export() == before


def test_an_unknown_record_lets_none_be_deleted(study: LiveStudy) -> None:
    before = study.export()

    with pytest.raises(UsageError, match="1 of the 2 records do not exist"):
        delete("trial", records=["3", "nobody"], limit=2)
    assert study.export() == before


def test_records_that_could_not_be_brought_back_are_not_deleted(
    addresses: dict[str, Any], study: LiveStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    rights = {"username": "blind", "rights": {"record_delete": 1}, "forms_export": {"exam": 0}}
    url = f"{addresses['control_url']}projects/{study.project_id}/tokens"
    monkeypatch.setenv("TOKEN_TRIAL", requests.post(url, json=rights, timeout=30).json()["token"])
    before = study.export()

    with pytest.raises(Refused, match="could not be brought back"):
        delete("trial", records=["3"], limit=1)
    assert study.export() == before


def test_a_dry_deletion_shows_what_would_go_and_keeps_it(study: LiveStudy, capstan: CommandLine) -> None:
    before = study.export()

    said = capstan("records", "delete", "3", "--study", "trial", "--limit", "1", "--dry-run")

    assert said.code == 0
    assert "erases a value" in said.out
    assert held(study, "3", "part_last_name") not in said.all
    assert study.export() == before


def test_a_renamed_record_gets_its_id_back(study: LiveStudy, capstan: CommandLine) -> None:
    before = study.export()

    done = capstan("records", "rename", "3", "B-003", "--study", "trial", "--limit", "1", "--json")
    between = study.export()
    undone = capstan("journal", "revert", json.loads(done.out)["run"])

    assert (done.code, undone.code) == (0, 0)
    assert b"\nB-003,baseline_arm_1," in between
    assert study.export() == before


@pytest.mark.parametrize("new", ["4", "", " x", "x" * 101])
def test_an_id_that_is_taken_or_unfit_renames_nothing(new: str, study: LiveStudy) -> None:
    before = study.export()

    with pytest.raises(UsageError):
        rename("trial", names={"3": new}, limit=1)
    assert study.export() == before


def test_an_undo_may_be_of_one_record_or_one_field(study: LiveStudy, tmp_path: Path) -> None:
    names = {record: held(study, record, "part_first_name") for record in ("1", "2")}
    ages = {record: held(study, record, "part_age") for record in ("1", "2")}
    done = import_records.fn("trial", rows_file(tmp_path, "1,Ann,4", "2,Ben,4"))

    of_one = revert_records("trial", done["run"], records=["1"])
    one_back = held(study, "1", "part_first_name"), held(study, "2", "part_first_name")
    of_field = revert_run.fn("trial", done["run"], fields=["part_age"])

    assert (of_one["outcome"], of_field["outcome"]) == ("done", "done")
    assert one_back == (names["1"], "Ben")
    assert held(study, "2", "part_age") == ages["2"]
    assert held(study, "2", "part_first_name") == "Ben"


@pytest.mark.parametrize("option", [("--record", "77"), ("--field", "exam_num_teeth")])
def test_an_undo_of_what_the_run_did_not_write_is_a_usage_error(
    option: tuple[str, str], study: LiveStudy, tmp_path: Path, capstan: CommandLine
) -> None:
    done = import_records.fn("trial", rows_file(tmp_path, "1,Ann,4"))

    said = capstan("journal", "revert", done["run"], *option)

    assert said.code == 2
    assert "wrote nothing to" in said.sentence


def test_a_dry_undo_shows_what_would_come_back(
    study: LiveStudy, tmp_path: Path, capstan: CommandLine
) -> None:
    name = held(study, "1", "part_first_name")
    done = import_records.fn("trial", rows_file(tmp_path, "1,Ann,4"))

    masked = capstan("journal", "revert", done["run"], "--dry-run")
    plain = capstan("journal", "revert", done["run"], "--dry-run", "--values")

    assert "replaces a value" in masked.out
    assert "Ann" not in masked.out
    assert f"+ {name}" in plain.out
    assert held(study, "1", "part_first_name") == "Ann"


def test_forms_are_completed_only_where_they_have_data(study: LiveStudy, place: FilePlace) -> None:
    before = exported(study)
    rows = study.call(content="record", format="json", fields="record_id,exam_num_teeth,exam_complete").json()
    open_exams = [row for row in rows if row["exam_num_teeth"] and row["exam_complete"] != "2"]

    done = complete_forms.fn("trial", "exam")
    rows = study.call(content="record", format="json", fields="record_id,exam_num_teeth,exam_complete").json()
    again = complete_forms.fn("trial", "exam")

    assert open_exams
    assert (done["cells_written"], again["outcome"]) == (len(open_exams), "idle")
    assert {row["exam_complete"] for row in rows if row["exam_num_teeth"]} == {"2"}
    assert {row["exam_complete"] for row in rows if not row["exam_num_teeth"]} <= {"", "0"}
    assert undo(done)["outcome"] == "done"
    assert exported(study) == before


def test_forms_are_completed_only_where_a_condition_holds(study: LiveStudy, place: FilePlace) -> None:
    never = complete_forms.fn("trial", "exam", when="[exam_num_teeth] = '-1'")

    assert (never["rows_in"], never["cells_written"]) == (0, 0)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"form": "exams"}, "There is no form"),
        ({"form": "exam", "event": "baseline_arm_1"}, "not designated"),
    ],
)
def test_a_form_or_event_that_is_not_there_is_a_usage_error(
    asked: dict[str, str], said: str, study: LiveStudy
) -> None:
    with pytest.raises(UsageError, match=said):
        complete_forms.fn("trial", **asked)


@pytest.mark.parametrize(
    "point", ["judged", "journaled", "sent", "imported", "read_back", "finished", "ended"]
)
def test_a_deletion_that_is_killed_is_settled_and_undone(
    point: str, study: LiveStudy, addresses: dict[str, Any]
) -> None:
    before = exported(study)
    killed = run_flow(
        "change_records:delete",
        {"study": "trial", "records": ["3"], "limit": 1},
        environment=study.environment,
        crash_at=point,
    )
    settled = import_records.fn("trial", rows_file(study.folder, "1,Ann,4"))

    for run in (settled["run"], *others(study, but=settled["run"])):
        undo({"run": run})

    assert killed.exit_code == -9
    assert exported(study) == before


def others(study: LiveStudy, *, but: str) -> list[str]:
    """The other runs that wrote something."""
    from capstan.store import Store, list_runs, load_keys

    with Store.open(f"sqlite:///{study.home / 'store.sqlite'}", load_keys(None, home=study.home)) as store:
        runs = list_runs(store)
    return [run.id for run in runs if run.counts.get("cells_written") and run.id != but]


def test_a_cell_of_a_new_record_that_somebody_touched_stays(
    addresses: dict[str, Any], study: LiveStudy, tmp_path: Path
) -> None:
    done = import_records.fn("trial", rows_file(tmp_path, "900,New,4"))
    edit(addresses, study, "900", "part_last_name", "Theirs")

    assert undo(done)["outcome"] == "done"
    assert held(study, "900", "part_last_name") == "Theirs"
