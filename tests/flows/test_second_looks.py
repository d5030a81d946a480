"""Deletions, files and new ids: what somebody changes right before they are sent is left alone, and said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from live_study import LiveStudy
from trial_study import BODY, add_file_field, edit, enter, held, make_project, rows_file, visit_place

from capstan.attachment import Attachment
from capstan.store import find_run, read_verdicts
from cli.stores import open_store_here
from flows.change_files import change_file, read_file
from flows.change_records import delete, rename
from flows.import_records import import_records
from flows.revert_run import revert_run
from tasks.file_places import FilePlace

OURS, THEIRS = Attachment("ours.txt", b"ours"), Attachment("theirs.txt", b"theirs")
pytestmark = pytest.mark.parametrize("point", ["journaled", "sent"])
Meanwhile = Callable[[Callable[[], Any]], None]


@pytest.fixture
def study(addresses: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LiveStudy:
    made = make_project(tmp_path, addresses, body=BODY.replace("records: 2", "records: 99"))
    enter(made, monkeypatch)
    add_file_field(made)
    return made


@pytest.fixture
def place(study: LiveStudy) -> FilePlace:
    """Where an exam may have a photo."""
    record, event = visit_place(study)
    path = study.folder / "exam.csv"
    path.write_text(f"record_id,redcap_event_name,exam_num_teeth\n{record},{event},7\n")
    import_records.fn("trial", str(path))
    return FilePlace(record, "exam_photo", event)


@pytest.fixture
def meanwhile(point: str, monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """Let somebody do something, once, when a step passes the point."""

    def plan(deed: Callable[[], Any]) -> None:
        left = [deed]

        def passing(name: str) -> None:
            if name == point and left:
                left.pop()()

        monkeypatch.setattr("tasks.steps.crash_point", passing)

    return plan


def said(run: dict[str, Any]) -> set[tuple[str, str]]:
    """The records of which a run said something, with the check."""
    with open_store_here() as store:
        found = read_verdicts(store, find_run(store, run["run"]))
    return set(found[["record", "check"]].itertuples(index=False, name=None))


def put(study: LiveStudy, place: FilePlace) -> None:
    """Somebody puts a file there, by the API that the page of REDCap stands for."""
    where = {"record": place.record, "field": place.field, "event": place.event}
    data = {"token": study.token, "content": "file", "action": "import", **where}
    assert requests.post(study.url, data=data, files={"file": THEIRS}, timeout=30).ok


def test_a_record_that_changes_is_not_deleted_and_the_others_are(
    study: LiveStudy, addresses: dict[str, Any], meanwhile: Meanwhile
) -> None:
    meanwhile(lambda: edit(addresses, study, "3", "part_first_name", "Theirs"))

    done = delete("trial", records=["3", "4"], limit=2)

    assert (done["outcome"], said(done)) == ("partly", {("3", "stale_base")})
    assert held(study, "3", "part_first_name") == "Theirs"
    assert study.export(records="4") == b"\n"


def test_a_file_that_changes_is_neither_replaced_nor_deleted(
    study: LiveStudy, place: FilePlace, meanwhile: Meanwhile, monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile(lambda: put(study, place))
    replaced = change_file("trial", place, attachment=OURS)
    kept = read_file("trial", place)
    where = {"record": place.record, "field": place.field, "event": place.event}
    meanwhile(lambda: study.call(content="file", action="delete", **where))
    deleted = change_file("trial", place, attachment=None)

    assert kept == THEIRS
    assert [run["outcome"] for run in (replaced, deleted)] == ["partly", "partly"]
    assert said(replaced) == said(deleted) == {(place.record, "stale_base")}


def test_a_record_stays_whole_when_its_file_changes_while_it_is_deleted(
    study: LiveStudy, place: FilePlace, meanwhile: Meanwhile
) -> None:
    change_file("trial", place, attachment=OURS)
    before = study.export(records=place.record)
    meanwhile(lambda: put(study, place))

    done = delete("trial", records=[place.record], limit=1)

    assert (done["outcome"], said(done)) == ("partly", {(place.record, "stale_base")})
    assert study.export(records=place.record).replace(THEIRS.name.encode(), OURS.name.encode()) == before
    assert read_file("trial", place) == THEIRS


def test_a_new_record_that_somebody_touches_outlives_the_undo(
    study: LiveStudy, addresses: dict[str, Any], tmp_path: Path, meanwhile: Meanwhile
) -> None:
    done = import_records.fn("trial", rows_file(tmp_path, "900,New,4"))
    meanwhile(lambda: edit(addresses, study, "900", "part_last_name", "Theirs"))

    undone = revert_run.fn("trial", done["run"])

    assert (undone["outcome"], said(undone)) == ("partly", {("900", "moved_on")})
    assert held(study, "900", "part_last_name") == "Theirs"


def test_an_id_that_somebody_takes_is_not_given_again(study: LiveStudy, meanwhile: Meanwhile) -> None:
    head = "record_id,redcap_event_name,part_first_name\nx3,baseline_arm_1,Theirs\n"
    before = study.export(records="3")
    meanwhile(lambda: study.call(content="record", action="import", format="csv", type="flat", data=head))

    done = rename("trial", names={"3": "x3"}, limit=1)

    assert done["outcome"] == "partly"
    assert study.export(records="3") == before
    assert held(study, "x3", "part_first_name") == "Theirs"
