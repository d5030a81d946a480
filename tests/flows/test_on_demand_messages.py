"""Messages, sessions, waits and quarantined rows of one participant: those of others stay as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from coverage_study import Coverage, make_coverage
from message_study import MessageStudy, make_message_study
from monitor_study import Watched, make_watched
from trial_study import BODY, edit, held, make_trial, rows_file

from capstan.errors import UsageError
from capstan.message import MessageState
from cli.calling import call_here
from flows.import_records import import_records
from tasks.references import references_of

NUMBERS = {"2": "206-555-0182", "3": "206-555-0183"}


def run(flow: str, **parameters: Any) -> dict[str, Any]:
    return call_here(flow, {"study": "trial", **parameters})


def reference(record: str) -> str:
    return references_of("trial", records=[record])[record]


@pytest.fixture
def trial(tmp_path: Path, addresses: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> MessageStudy:
    made = make_message_study(tmp_path, addresses, monkeypatch)
    for record, number in NUMBERS.items():
        made.phone(record, number)
    return made


def test_one_participant_is_texted_and_the_next_run_texts_the_others_alone(trial: MessageStudy) -> None:
    dry = run("send_messages", participant=reference("2"), dry_run=True)
    one = run("send_messages", participant=reference("2"))
    of_one = trial.texts()
    rest = run("send_messages")

    assert dry["messages planned"] == {"reminder": 1}
    assert (one["outcome"], rest["outcome"]) == ("done", "done")
    assert of_one == {"+12065550182": 1}
    assert trial.texts() == {"+12065550182": 1, "+12065550183": 1}


def test_what_became_of_one_participants_texts_is_asked_and_written_down_for_them_alone(
    trial: MessageStudy,
) -> None:
    run("send_messages")
    trial.let_time_pass()

    run("check_deliveries", participant=reference("2"))

    told = {row["record_id"]: row["txt_twilio_status"] for row in trial.log()}
    assert told == {"2": "delivered", "3": "queued"}


def test_what_waits_for_others_is_not_withdrawn_by_a_run_for_one(
    tmp_path: Path, addresses: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = make_message_study(tmp_path, addresses, monkeypatch, hours={"opens": "00:00", "closes": "00:01"})
    for record, number in NUMBERS.items():
        trial.phone(record, number)
    run("send_messages")
    edit(trial.addresses, trial.live, "3", "part_text_ok", "0")

    of_other = run("send_messages", participant=reference("2"))
    of_one = run("send_messages", participant=reference("3"))

    assert of_other["messages"]["withdrawn"] == 0
    assert of_one["messages"]["withdrawn"] == 1
    assert trial.states() == {MessageState.PLANNED: 1, MessageState.SUPPRESSED: 1}


@pytest.fixture
def scans(tmp_path: Path, addresses: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Coverage:
    made = make_coverage(tmp_path, addresses)
    for name, value in made.study.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    return made


def test_the_sessions_of_one_participant_are_loaded_and_those_of_others_are_not_forgotten(
    scans: Coverage,
) -> None:
    form = {"scan_date": "2026-11-20", "scan_complete": "2", "scan_comment": ""}
    for record in ("1", "2"):
        scans.load(record, scan_id=f"DTI01_CMH_H00{record}_01_01", **form)

    of_one = run("load_sessions", participant=reference("1"))
    of_all = run("load_sessions")
    again = run("load_sessions", participant=reference("2"))

    assert of_one["sessions"] == {"linked": 1, "changed": 1}
    assert of_all["sessions"] == {"linked": 2, "changed": 1}
    assert again["sessions"] == {"linked": 1}


@pytest.fixture
def watched(tmp_path: Path, addresses: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Watched:
    return make_watched(tmp_path, addresses, monkeypatch)


def test_a_monitor_that_the_study_lacks_is_refused_and_nothing_is_looked_at(watched: Watched) -> None:
    watched.add_session()
    watched.expect_data()

    with pytest.raises(UsageError, match="The study has no monitor 'nothing'"):
        watched.run(hours=48, monitors=["nothing"])

    assert watched.states() == ["open"]
    assert watched.run(hours=48, monitors=[watched.study.monitors[0].id])["waits"]["looked at"] == 1


def test_the_waits_of_one_participant_are_looked_at_and_those_of_others_are_not(watched: Watched) -> None:
    watched.add_session()
    watched.expect_data()

    other = watched.run(hours=48, participant=reference("9"))
    before = watched.states()
    own = watched.run(hours=48)

    assert "waits" not in other or not other["waits"]
    assert before == ["open"]
    assert own["waits"] == {"looked at": 1, "reminded": 1}


def test_the_quarantined_rows_of_one_participant_are_judged_and_the_others_stay(
    tmp_path: Path, addresses: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    study = make_trial(tmp_path, addresses, monkeypatch, body=BODY.replace("records: 2", "records: 9"))
    import_records.fn("trial", rows_file(tmp_path, "2,Ben,BAD", "3,Eva,BAD"))

    judged = run("rejudge_quarantine", participant=reference("3"), dry_run=True)
    whole = run("rejudge_quarantine", dry_run=True)

    assert (judged["rows_in"], whole["rows_in"]) == (1, 2)
    assert held(study, "3", "part_first_name") != "Eva"
