"""Held plans: shown, approved, applied once and exactly, or refused with nothing written."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from command_line import CommandLine, Said, changed
from live_study import LiveStudy
from processes import run_flow, start_flow
from trial_study import change_dictionary, edit, held, make_trial, rows_file

from capstan.errors import Refused, UsageError
from capstan.store import RunState, Store, find_run, list_runs, load_keys
from cli.showing import show_diff
from flows.apply_plan import apply_plan
from flows.import_records import import_records
from tasks.plans import approve_plan, read_plan

ROWS = ("1,Ann,4", "2,Ben,5", "3,Cyd,6")


@pytest.fixture
def study(addresses: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LiveStudy:
    return make_trial(tmp_path, addresses, monkeypatch)


def hold(tmp_path: Path) -> str:
    """Import what is too much for one run; returns the plan's digest."""
    return str(import_records.fn("trial", rows_file(tmp_path, *ROWS))["plan"])


def approve(capstan: CommandLine, digest: str, *more: str) -> Said:
    return capstan("plan", "approve", digest, "--by", "Ann Lee", "--reason", "as planned", *more)


def open_store(study: LiveStudy) -> Store:
    return Store.open(f"sqlite:///{study.home / 'store.sqlite'}", load_keys(None, home=study.home))


def test_an_approved_plan_is_applied_and_can_be_undone(
    study: LiveStudy, tmp_path: Path, capstan: CommandLine
) -> None:
    before = study.export()
    digest = hold(tmp_path)
    unwritten = study.export()

    done = approve(capstan, digest[:8], "--json")
    summary = json.loads(done.out)
    written = [held(study, record, "part_first_name") for record in "123"]
    undone = capstan("journal", "revert", summary["run"], "--json")

    assert unwritten == before
    assert (done.code, summary["outcome"], summary["cells_written"]) == (0, "done", 6)
    assert written == ["Ann", "Ben", "Cyd"]
    assert json.loads(undone.out)["outcome"] == "done"
    assert study.export() == before


def test_the_journal_says_who_approved_what_a_run_applied(
    study: LiveStudy, tmp_path: Path, capstan: CommandLine
) -> None:
    approve(capstan, hold(tmp_path))

    with open_store(study) as store:
        applied, approved = list_runs(store)
    assert approved.state is RunState.APPROVED
    assert approved.note == f"applied by run {applied.id}; approved by Ann Lee: as planned"
    assert applied.note == f"applies the plan of run {approved.id}, approved by Ann Lee"


def test_an_approval_is_used_once(study: LiveStudy, tmp_path: Path, capstan: CommandLine) -> None:
    digest = hold(tmp_path)
    approve(capstan, digest)

    again = approve(capstan, digest)
    applied = capstan("run", "apply_plan", "--study", "trial", "-p", f"plan={digest}")

    assert again.code == applied.code == 2
    assert again.sentence == f"No held plan begins with '{digest}'. `capstan plan list` lists them."


def test_a_plan_can_be_approved_now_and_applied_later(
    study: LiveStudy, tmp_path: Path, capstan: CommandLine
) -> None:
    digest = hold(tmp_path)
    early = capstan("run", "apply_plan", "--study", "trial", "-p", f"plan={digest}")
    said = approve(capstan, digest, "--later")
    between = held(study, "1", "part_first_name")

    done = capstan("run", "apply_plan", "--study", "trial", "-p", f"plan={digest[:6]}", "--json")

    assert (early.code, early.sentence.startswith("Nobody has approved the plan")) == (3, True)
    assert (said.code, between != "Ann") == (0, True)
    assert json.loads(done.out)["outcome"] == "done"
    assert held(study, "1", "part_first_name") == "Ann"


def test_the_deployment_approves_and_applies_at_once(study: LiveStudy, tmp_path: Path) -> None:
    digest = hold(tmp_path)

    done = apply_plan.fn("trial", digest, approved_by="Ann Lee", reason="as planned")

    assert (done["outcome"], done["cells_written"]) == ("done", 6)


def test_a_dry_run_says_whether_a_plan_could_be_applied_and_uses_nothing_up(
    study: LiveStudy, tmp_path: Path
) -> None:
    digest, before = hold(tmp_path), study.export()

    said = apply_plan.fn("trial", digest, dry_run=True)

    assert (said["outcome"], said["cells_planned"]) == ("dry run", 6)
    assert study.export() == before


def refused(study: LiveStudy, digest: str) -> str:
    """Apply an approved plan; returns why it was refused, and sees that nothing was written."""
    before = study.export()
    with pytest.raises(Refused) as caught:
        apply_plan.fn("trial", digest, approved_by="Ann Lee", reason="as planned")
    assert study.export() == before
    return str(caught.value)


def test_a_plan_of_which_one_cell_changed_is_refused_whole(
    addresses: dict[str, Any], study: LiveStudy, tmp_path: Path
) -> None:
    digest = hold(tmp_path)
    edit(addresses, study, "2", "part_first_name", "Somebody else's")

    assert "1 of 6 cells changed in REDCap since" in refused(study, digest)


def test_a_plan_from_before_a_change_of_the_dictionary_is_refused(study: LiveStudy, tmp_path: Path) -> None:
    digest = hold(tmp_path)
    change_dictionary(study, field_name="part_new", form_name="participant_info", field_type="text")

    assert "the data dictionary changed" in refused(study, digest)


def test_a_plan_from_before_a_change_of_the_limits_is_refused(study: LiveStudy, tmp_path: Path) -> None:
    digest = hold(tmp_path)
    file = study.folder / "study.yaml"
    file.write_text(changed(file.read_text("utf-8"), "records: 2", "records: 1"), "utf-8")

    assert "what the study allows (arms, writes, checks) changed" in refused(study, digest)


def test_a_plan_that_was_tampered_with_is_refused(study: LiveStudy, tmp_path: Path) -> None:
    digest = hold(tmp_path)
    with open_store(study) as store, store.write() as connection:
        run, cells = read_plan(store, digest).run, read_plan(store, digest).plan.cells
        sealed = store.seal(cells.assign(after="Mallory"))
        connection.exec_driver_sql("UPDATE run SET plan = ? WHERE id = ?", (sealed, run.id))

    assert "does not have its digest any more" in refused(study, digest)


def test_a_plan_of_a_participant_who_went_to_another_arm_is_refused(
    addresses: dict[str, Any], study: LiveStudy, tmp_path: Path
) -> None:
    rows = study.call(content="record", format="json", fields="record_id,rand_color").json()
    people = [row["record_id"] for row in rows if row["rand_color"] == "2"][:3]
    path = tmp_path / "exams.csv"
    path.write_text(
        "record_id,redcap_event_name,exam_num_teeth\n" + "".join(f"{p},12_month_arm_2,7\n" for p in people)
    )
    digest = str(import_records.fn("trial", str(path))["plan"])
    edit(addresses, study, people[0], "rand_color", "3")

    assert "wrong_arm" in refused(study, digest)


def test_a_plan_that_is_too_old_is_refused_and_cannot_be_approved(study: LiveStudy, tmp_path: Path) -> None:
    digest = hold(tmp_path)
    long_ago = datetime.now(UTC) - timedelta(days=1)
    with open_store(study) as store, store.write() as connection:
        connection.exec_driver_sql("UPDATE run SET expires_at = ?", (f"{long_ago:%Y-%m-%d %H:%M:%S}.0",))

    assert "expired at" in refused(study, digest)


def test_an_approval_that_is_too_old_is_refused(study: LiveStudy, tmp_path: Path) -> None:
    digest, now = hold(tmp_path), datetime.now(UTC)
    with open_store(study) as store:
        approve_plan(
            store, read_plan(store, digest), by="Ann", reason="x", now=now - timedelta(hours=3), hours=2
        )

    with pytest.raises(Refused, match=f"The approval of the plan {digest[:12]} expired"):
        apply_plan.fn("trial", digest)


def test_of_two_who_approve_and_apply_at_once_one_writes_and_the_journal_names_that_one(
    study: LiveStudy, tmp_path: Path
) -> None:
    digest = hold(tmp_path)
    logged = len(study.log())
    asked = [
        {"study": "trial", "plan": digest, "approved_by": name, "reason": "as planned"}
        for name in ("Ann", "Ben")
    ]

    started = [start_flow("apply_plan", one, environment=study.environment) for one in asked]
    told = [one.end().told for one in started]

    done = [one for one in told if isinstance(one, dict)]
    refused = [one for one in told if isinstance(one, Refused | UsageError)]
    assert (len(done), len(refused)) == (1, 1)
    assert done[0]["cells_written"] == 6
    assert len(study.log()) == logged + len(ROWS)
    with open_store(study) as store:
        applied = find_run(store, done[0]["run"])
        (approved,) = list_runs(store, state=RunState.APPROVED)
    by = applied.note.rpartition(" ")[2]
    assert approved.note == f"applied by run {applied.id}; approved by {by}: as planned"


def test_of_two_approvals_the_later_one_counts(
    study: LiveStudy, tmp_path: Path, capstan: CommandLine
) -> None:
    digest = hold(tmp_path)
    for name in ("Ann", "Ben"):
        capstan("plan", "approve", digest, "--by", name, "--reason", "as planned", "--later")

    told = json.loads(capstan("plan", "show", digest, "--json").out)

    assert told["approval"]["by"] == "Ben"


def test_a_plan_of_another_study_is_not_applied(study: LiveStudy, tmp_path: Path) -> None:
    digest, before = hold(tmp_path), study.export()
    text = (study.folder / "study.yaml").read_text("utf-8")
    other = study.folder.parent / "other"
    other.mkdir()
    (other / "study.yaml").write_text(changed(text, "study: trial", "study: other"), "utf-8")

    with pytest.raises(UsageError, match="No held plan begins with"):
        apply_plan.fn("other", digest, approved_by="Ann", reason="as planned")

    assert study.export() == before


def test_a_rejected_plan_is_gone(study: LiveStudy, tmp_path: Path, capstan: CommandLine) -> None:
    digest = hold(tmp_path)

    said = capstan("plan", "reject", digest, "--by", "Ann Lee", "--reason", "wrong file")

    assert said.code == 0
    assert json.loads(capstan("plan", "list", "--json").out) == {"plans": []}
    assert approve(capstan, digest).code == 2


@pytest.mark.parametrize(("by", "reason"), [("", "x"), ("Ann", " ")])
def test_a_decision_without_name_or_reason_is_refused(
    by: str, reason: str, study: LiveStudy, tmp_path: Path, capstan: CommandLine
) -> None:
    said = capstan("plan", "approve", hold(tmp_path), "--by", by, "--reason", reason)

    assert (said.code, said.sentence) == (
        2,
        "A decision needs a name and a reason: --by NAME --reason TEXT.",
    )


@pytest.mark.parametrize("by", ["participant", "field"])
def test_a_plan_is_shown_without_values_unless_they_are_asked_for(
    by: str, study: LiveStudy, tmp_path: Path, capstan: CommandLine
) -> None:
    digest = hold(tmp_path)
    masked = capstan("plan", "show", digest, "--by", by)
    plain = capstan("plan", "show", digest, "--by", by, "--values")
    told = capstan("plan", "show", digest, "--json")

    assert "Ann" not in masked.all + told.all
    assert "replaces a value" in masked.out
    assert "+ Ann" in plain.out
    assert {"before", "after"}.isdisjoint(json.loads(told.out)["cells"][0])


def test_a_diff_counts_as_people_do_and_says_nothing_twice(capsys: pytest.CaptureFixture[str]) -> None:
    records = ["10", "2", "AB-2", "AB-10"]
    places = {"event": "baseline_arm_1", "instrument": "", "instance": "", "field": "age"}
    cells = pd.DataFrame([{"record": record, **places, "before": "4", "after": "5"} for record in records])

    show_diff(cells, by="participant", values=True)
    by_participant = capsys.readouterr().out.split("\n")
    show_diff(cells, by="field", values=True)
    by_field = capsys.readouterr().out.split("\n")

    assert by_participant[0] == "2  1 cell"
    assert [line.split()[0] for line in by_participant if "cell" in line] == ["2", "10", "AB-2", "AB-10"]
    assert by_participant[1].split() == ["baseline_arm_1", "·", "age", "-", "4", "+", "5"]
    assert [line.split()[:3] for line in by_field[:2]] == [
        ["age", "4", "cells"],
        ["2", "·", "baseline_arm_1"],
    ]


def test_a_process_that_dies_with_an_approval_in_its_hand_writes_nothing_twice(
    study: LiveStudy, tmp_path: Path, capstan: CommandLine
) -> None:
    digest, before = hold(tmp_path), study.export()
    approve(capstan, digest, "--later")
    asked = {"study": "trial", "plan": digest}

    killed = run_flow("apply_plan", asked, environment=study.environment, crash_at="approved")
    again = run_flow("apply_plan", asked, environment=study.environment)

    assert killed.exit_code == -9
    assert "No held plan begins with" in str(again.told)
    assert study.export() == before
    assert import_records.fn("trial", rows_file(tmp_path, *ROWS))["outcome"] == "held"
