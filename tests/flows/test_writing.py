"""Writing to a live project and taking it back: other writers, refusals, new rows, undo of an undo."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import requests
from live_study import LiveStudy, make_study

from capstan.store import RunState, find_run, list_runs, read_verdicts
from capstan.study import Limits
from checks.case import Present
from flows.compute_visit_dates import compute_visit_dates
from flows.import_records import import_records
from flows.job import job
from flows.revert_run import revert_run
from studies.demo.generate import project_xml
from tasks.connections import LiveProject, open_project
from tasks.journal import begin_run, end_run
from tasks.redcap import read_records
from tasks.removing import remove_rows
from tasks.reverting import plan_way_back
from tasks.writing import write_cells

TODAY = date(2026, 6, 1)
BODY = (
    "arms: {shared: [1], assigned_by: {event: baseline_arm_1, field: rand_color}}\n"
    "writes: {allow: [participant_info, exam, phone_follow_up], limits: {share: 1, new_records: 5}}\n"
)


@pytest.fixture
def study(addresses: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LiveStudy:
    xml = project_xml(TODAY, participants=20)
    made = make_study(tmp_path, name="trial", addresses=addresses, xml=xml, title="Trial", body=BODY)
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    return made


@pytest.fixture
def live(study: LiveStudy) -> Iterator[LiveProject]:
    project = open_project(study.name)
    yield project
    project.close()


def now() -> datetime:
    return datetime.now(UTC)


def cell(
    record: str, field: str, *, before: str, after: str, event: str = "baseline_arm_1"
) -> dict[str, str]:
    keys = {"record": record, "event": event, "instrument": "", "instance": ""}
    return {**keys, "field": field, "before": before, "after": after}


def held(study: LiveStudy, record: str, field: str) -> str:
    answer = study.call(
        content="record", format="json", records=record, fields=f"record_id,{field}", events="baseline_arm_1"
    )
    return str(answer.json()[0][field])


def edit(addresses: dict[str, Any], study: LiveStudy, record: str, field: str, value: str) -> None:
    """Somebody else changes a cell in REDCap."""
    body = {"record": record, "event": "baseline_arm_1", "field": field, "value": value}
    url = f"{addresses['control_url']}projects/{study.project_id}/cells"
    assert requests.post(url, json=body, timeout=30).ok


def file_of(tmp_path: Path, text: str) -> str:
    path = tmp_path / "rows.csv"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_cell_that_somebody_changed_since_the_plan_is_not_overwritten(
    study: LiveStudy, live: LiveProject
) -> None:
    run = begin_run(live, flow="test", now=now(), dry_run=False)
    cells = pd.DataFrame(
        [
            cell("1", "part_first_name", before="Somebody else's", after="Ours"),
            cell("2", "part_first_name", before=held(study, "2", "part_first_name"), after="Ours"),
        ]
    )

    written = write_cells(live, run, cells=cells, clock=now)
    end_run(live, run, state=RunState.PARTLY, now=now(), counts=written.counts)

    assert written.verdicts[["record", "check"]].to_numpy().tolist() == [["1", "stale_base"]]
    assert written.counts == {"cells_written": 1}
    assert held(study, "1", "part_first_name") != "Ours"
    assert held(study, "2", "part_first_name") == "Ours"


def test_rows_that_redcap_refuses_stop_themselves_and_no_other(study: LiveStudy, live: LiveProject) -> None:
    run = begin_run(live, flow="test", now=now(), dry_run=False)
    names = {record: held(study, record, "part_first_name") for record in ("1", "2", "3")}
    email = held(study, "2", "part_email")
    cells = pd.DataFrame(
        [cell(record, "part_first_name", before=name, after="Ours") for record, name in names.items()]
        + [cell("2", "part_email", before=email, after="no address")]
    )

    written = write_cells(live, run, cells=cells, clock=now)
    end_run(live, run, state=RunState.PARTLY, now=now(), counts=written.counts)

    assert written.verdicts[["record", "check"]].to_numpy().tolist() == [["2", "row_refused"]]
    assert written.counts == {"cells_written": 2, "cells_not_written": 2}
    assert held(study, "2", "part_first_name") == names["2"]
    assert "no address" not in " ".join(written.verdicts["reason"])


def test_an_undo_leaves_cells_alone_that_moved_on_and_says_so(
    addresses: dict[str, Any], study: LiveStudy, tmp_path: Path
) -> None:
    text = "record_id,redcap_event_name,part_first_name\n1,baseline_arm_1,Ann\n2,baseline_arm_1,Ben\n"
    original = held(study, "1", "part_first_name")
    done = import_records.fn("trial", file_of(tmp_path, text))
    edit(addresses, study, "2", "part_first_name", "Corrected")

    undone = revert_run.fn("trial", done["run"])

    assert (undone["outcome"], undone["cells_reverted"], undone["cells_moved_on"]) == ("partly", 1, 1)
    assert held(study, "1", "part_first_name") == original
    assert held(study, "2", "part_first_name") == "Corrected"
    live = open_project("trial")
    said = read_verdicts(live.store, find_run(live.store, undone["run"]))
    live.close()
    assert said[["record", "field", "check"]].to_numpy().tolist() == [["2", "part_first_name", "moved_on"]]


def test_new_records_events_and_instances_go_again_with_an_undo(study: LiveStudy, tmp_path: Path) -> None:
    before = study.export()
    arm_2 = next(
        row["record_id"]
        for row in study.call(content="record", format="json", fields="record_id,rand_color").json()
        if row["rand_color"] == "2"
    )
    text = (
        "record_id,redcap_event_name,redcap_repeat_instrument,redcap_repeat_instance,part_first_name,"
        "pfu_attempt_number,pfu_contact_date,pfu_outcome\n"
        "777,baseline_arm_1,,,Newcomer,,,\n"
        f"{arm_2},12_month_arm_2,phone_follow_up,new,,1,2026-05-01,1\n"
        f"{arm_2},12_month_arm_2,phone_follow_up,new,,2,2026-05-02,2\n"
    )
    done = import_records.fn("trial", file_of(tmp_path, text))
    between = study.export()

    undone = revert_run.fn("trial", done["run"])

    assert done["outcome"] == "done"
    assert b"Newcomer" in between
    assert undone["outcome"] == "done"
    assert study.export() == before


def test_a_new_record_that_somebody_went_on_with_stays_and_loses_only_our_cells(
    addresses: dict[str, Any], study: LiveStudy, tmp_path: Path
) -> None:
    text = "record_id,redcap_event_name,part_first_name\n777,baseline_arm_1,Newcomer\n"
    done = import_records.fn("trial", file_of(tmp_path, text))
    edit(addresses, study, "777", "part_last_name", "Theirs")

    undone = revert_run.fn("trial", done["run"])

    assert undone["outcome"] == "done"
    assert held(study, "777", "part_last_name") == "Theirs"
    assert held(study, "777", "part_first_name") == ""


def test_an_undo_can_be_undone(study: LiveStudy, tmp_path: Path) -> None:
    text = (
        "record_id,redcap_event_name,part_first_name,part_contact_time___1\n"
        "1,baseline_arm_1,Ann,1\n2,baseline_arm_1,Ben,1\n888,baseline_arm_1,New,1\n"
    )
    done = import_records.fn("trial", file_of(tmp_path, text))
    imported = study.export()
    undone = revert_run.fn("trial", done["run"])

    again = revert_run.fn("trial", undone["run"])

    assert again["outcome"] == "done"
    assert study.export() == imported


def test_an_import_into_a_project_without_records_works_when_new_ones_are_allowed(
    addresses: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head, _, _ = project_xml(TODAY, participants=1).partition("<ClinicalData")
    made = make_study(
        tmp_path, name="trial", addresses=addresses, xml=f"{head}</ODM>", title="Trial", body=BODY
    )
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    text = "record_id,redcap_event_name,part_first_name\n1,baseline_arm_1,Ann\n2,baseline_arm_1,Ben\n"

    done = import_records.fn("trial", file_of(tmp_path, text))
    undone = revert_run.fn("trial", done["run"])

    assert (done["outcome"], done["cells_written"]) == ("done", 2)
    assert undone["outcome"] == "done"
    assert made.export() == b"\n"


def test_a_dry_run_writes_nothing_and_journals_no_cell(study: LiveStudy, tmp_path: Path) -> None:
    before, logged = study.export(), len(study.log())
    text = "record_id,redcap_event_name,part_first_name\n1,baseline_arm_1,Ann\n"

    said = import_records.fn("trial", file_of(tmp_path, text), dry_run=True)

    assert (said["outcome"], said["cells_planned"], said["cells_written"]) == ("dry run", 1, 0)
    assert study.export() == before
    assert len(study.log()) == logged


def test_images_older_than_the_studys_retention_are_deleted_at_the_next_run(
    study: LiveStudy, live: LiveProject, tmp_path: Path
) -> None:
    text = "record_id,redcap_event_name,part_first_name\n1,baseline_arm_1,Ann\n"
    done = import_records.fn("trial", file_of(tmp_path, text))
    later = datetime(2027, 6, 1, tzinfo=UTC)

    run = begin_run(live, flow="test", now=later, dry_run=False)
    end_run(live, run, state=RunState.IDLE, now=later, counts={})

    assert find_run(live.store, done["run"]).purged_at is not None


def test_a_failed_run_leaves_the_study_free_for_the_next(
    addresses: dict[str, Any], study: LiveStudy, tmp_path: Path
) -> None:
    fault = {"kind": "status", "status": 500, "count": 50, "content": "record"}
    text = "record_id,redcap_event_name,part_first_name\n1,baseline_arm_1,Ann\n"
    file = file_of(tmp_path, text)
    faults = f"{addresses['control_url']}faults"
    requests.post(faults, json=fault, timeout=30)
    try:
        with pytest.raises(Exception, match="500"):
            import_records.fn("trial", file)
    finally:
        requests.delete(faults, timeout=30)

    done = import_records.fn("trial", file)

    live = open_project("trial")
    states = {run.state for run in list_runs(live.store, study="trial")}
    live.close()
    assert done["outcome"] == "done"
    assert states == {RunState.FAILED, RunState.DONE}


def test_visit_dates_without_fields_to_write_are_counted_and_write_nothing(
    addresses: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    visits = (
        "visits:\n  - {name: half year, event: 6_month, anchor: '[baseline_arm_1][rand_date]', "
        "after: 6 months, done_when: \"[exam_complete] = '2'\"}\n"
    )
    xml = project_xml(TODAY, participants=20)
    made = make_study(tmp_path, name="trial", addresses=addresses, xml=xml, title="Trial", body=BODY + visits)
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)

    said = compute_visit_dates.fn("trial", today=TODAY)

    assert sum(said["visits"].values()) > 10
    assert (said["outcome"], said["cells_written"]) == ("idle", 0)


def test_what_only_the_write_could_tell_stands_with_the_runs_verdicts(study: LiveStudy) -> None:
    wanted = pd.DataFrame(
        {
            "record_id": ["1", "2"],
            "redcap_event_name": ["baseline_arm_1", "baseline_arm_1"],
            "part_first_name": ["Ann", "Ben"],
        },
        dtype="str",
    )

    with job("trial", flow="test", dry_run=False) as current:
        frame = read_records(current.live, records={"1", "2"})
        outdated = frame.assign(
            part_first_name=frame["part_first_name"].where(frame["record_id"] != "1", "Old")
        )
        present = Present(outdated, frozenset({"1", "2"}))
        done = current.apply(wanted, present=present, limits=Limits(share=1))
        said = read_verdicts(current.live.store, current.run)

    assert (done["outcome"], done["cells_written"]) == ("partly", 1)
    assert done["rows_stopped"] == {"stale_base": 1}
    assert said.loc[said["severity"] == "error", ["record", "check"]].to_numpy().tolist() == [
        ["1", "stale_base"]
    ]


def test_a_field_that_the_token_may_not_export_is_not_overwritten(
    addresses: dict[str, Any], study: LiveStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"username": "blind", "rights": {}, "forms_export": {"participant_info": 1, "exam": 0}}
    url = f"{addresses['control_url']}projects/{study.project_id}/tokens"
    token = requests.post(url, json=body, timeout=30).json()["token"]
    monkeypatch.setenv("TOKEN_TRIAL", token)
    record, event = exam_row(study)
    before = study.export()
    text = f"record_id,redcap_event_name,exam_num_teeth\n{record},{event},7\n"

    done = import_records.fn("trial", file_of(tmp_path, text))

    assert done["rows_stopped"] == {"not_exported": 1}
    assert study.export() == before


def exam_row(study: LiveStudy) -> tuple[str, str]:
    """A record and the event of its own arm."""
    rows = study.call(content="record", format="json", fields="record_id,rand_color").json()
    record, arm = next((row["record_id"], row["rand_color"]) for row in rows if row["rand_color"])
    return record, f"6_month_arm_{arm}"


def test_a_row_that_is_stopped_is_not_half_erased(study: LiveStudy, live: LiveProject) -> None:
    run = begin_run(live, flow="test", now=now(), dry_run=False)
    last = held(study, "1", "part_last_name")
    cells = pd.DataFrame(
        [
            cell("1", "part_first_name", before="Somebody else's", after="Ours"),
            cell("1", "part_last_name", before=last, after=""),
        ]
    )

    written = write_cells(live, run, cells=cells, clock=now)
    end_run(live, run, state=RunState.PARTLY, now=now(), counts=written.counts)

    assert held(study, "1", "part_last_name") == last


def test_a_record_that_was_deleted_or_went_to_another_arm_since_the_plan_is_left_alone(
    addresses: dict[str, Any], study: LiveStudy, live: LiveProject
) -> None:
    rows = study.call(content="record", format="json", fields="record_id,rand_color").json()
    gone, moved = [row["record_id"] for row in rows if row["rand_color"] == "2"][:2]
    present = Present(read_records(live, records={gone, moved}), frozenset({gone, moved}))
    run = begin_run(live, flow="test", now=now(), dry_run=False)
    study.call(content="record", action="delete", **{"records[0]": gone})
    edit(addresses, study, moved, "rand_color", "3")
    before = study.export()
    event = "12_month_arm_2"
    cells = pd.DataFrame(
        [cell(r, "exam_num_teeth", before="", after="9", event=event) for r in (gone, moved)]
    )

    written = write_cells(live, run, cells=cells, clock=now, expected=present)
    end_run(live, run, state=RunState.PARTLY, now=now(), counts=written.counts)

    assert set(written.verdicts["check"]) == {"stale_base"}
    assert study.export() == before


def test_a_new_record_that_is_touched_while_it_is_undone_stays(
    addresses: dict[str, Any], study: LiveStudy, live: LiveProject, tmp_path: Path
) -> None:
    text = "record_id,redcap_event_name,part_first_name\n777,baseline_arm_1,Newcomer\n"
    done = import_records.fn("trial", file_of(tmp_path, text))
    way = plan_way_back(live, done["run"])
    run = begin_run(live, flow="revert_run", now=now(), dry_run=False, reverts=done["run"])
    edit(addresses, study, "777", "part_last_name", "Theirs")

    removed = remove_rows(live, run, cells=way.remove, clock=now)
    end_run(live, run, state=RunState.PARTLY, now=now(), counts=removed.counts)

    assert removed.counts["cells_written"] == 0
    assert set(removed.verdicts["check"]) == {"moved_on"}
    assert held(study, "777", "part_last_name") == "Theirs"


def test_lines_that_hold_nothing_are_no_rows_and_are_counted(study: LiveStudy, tmp_path: Path) -> None:
    blank = ',,\n" ",\u00a0,\n,\n\n'

    done = import_records.fn(
        "trial",
        file_of(
            tmp_path, f"record_id,redcap_event_name,part_first_name,part_age\n1,baseline_arm_1,Ann,4\n{blank}"
        ),
    )

    assert (done["outcome"], done["rows_in"], done["lines_blank"]) == ("done", 1, 3)


def test_a_cell_of_any_length_is_read_and_judged(study: LiveStudy, tmp_path: Path) -> None:
    long = "x" * 2_000_000

    done = import_records.fn(
        "trial", file_of(tmp_path, f"record_id,redcap_event_name,part_first_name\n1,baseline_arm_1,{long}\n")
    )

    assert (done["outcome"], done["rows_stopped"]) == ("idle", {"too_long": 1})


def test_a_locked_form_stops_its_row_and_no_other(
    addresses: dict[str, Any], study: LiveStudy, tmp_path: Path
) -> None:
    head = "record_id,redcap_event_name,part_first_name\n"
    place = {"record": "1", "event": "baseline_arm_1", "form": "participant_info"}
    url = f"{addresses['control_url']}projects/{study.project_id}/locks"
    assert requests.post(url, json=place, timeout=30).ok
    before = held(study, "1", "part_first_name")

    done = import_records.fn(
        "trial", file_of(tmp_path, f"{head}1,baseline_arm_1,Ours\n2,baseline_arm_1,Ours\n")
    )

    assert (done["outcome"], done["rows_stopped"]) == ("partly", {"locked": 1})
    assert held(study, "1", "part_first_name") == before
    assert held(study, "2", "part_first_name") == "Ours"


def test_importing_new_instances_again_adds_none(study: LiveStudy, tmp_path: Path) -> None:
    record, event = exam_row(study)
    text = (
        "record_id,redcap_event_name,redcap_repeat_instrument,redcap_repeat_instance,pfu_contact_date,pfu_remarks\n"
        f"{record},{event},phone_follow_up,new,2026-05-01,first\n"
        f"{record},{event},phone_follow_up,new,2026-05-02,second\n"
    )
    first = import_records.fn("trial", file_of(tmp_path, text))
    between = study.export()

    second = import_records.fn("trial", file_of(tmp_path, text))

    assert (first["outcome"], second["outcome"]) == ("done", "idle")
    assert study.export() == between


def test_an_id_in_another_unicode_form_is_the_same_record(study: LiveStudy, tmp_path: Path) -> None:
    composed, decomposed = "Zo\u00e9", "Zoe\u0301"
    head = "record_id,redcap_event_name,part_first_name\n"
    import_records.fn("trial", file_of(tmp_path, f"{head}{composed},baseline_arm_1,Ann\n"))

    again = import_records.fn("trial", file_of(tmp_path, f"{head}{decomposed},baseline_arm_1,Ann\n"))

    assert again["outcome"] == "idle"


def test_a_new_record_with_nothing_but_its_id_is_created_beside_others(
    study: LiveStudy, tmp_path: Path
) -> None:
    before = study.export()
    text = "record_id,redcap_event_name,part_first_name\n1,baseline_arm_1,Ann\n900,baseline_arm_1,\n"

    done = import_records.fn("trial", file_of(tmp_path, text))
    between = study.export()
    undone = revert_run.fn("trial", done["run"])

    assert (done["outcome"], undone["outcome"]) == ("done", "done")
    assert b"\n900,baseline_arm_1," in between
    assert study.export() == before
