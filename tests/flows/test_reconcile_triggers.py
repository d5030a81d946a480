"""Reconciliation: whatever REDCap did not tell of is worked all the same, and counted."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from command_line import CommandLine
from coverage_study import BODY, MONTH_6, Coverage, inhabiting, make_coverage, receiving
from coverage_trials import held, run_trial, told
from sqlalchemy import update

import capstan.redcap.wire
from capstan.errors import RedcapUnavailable, Refused
from capstan.store import Mailroom, Opening, keep_item, list_waits, open_waits, purge
from capstan.store.coverage import list_intervals
from capstan.store.reconcile_tables import SEEN_PLACE
from cli.calling import call_here

SCAN = {"scan_date": "2026-11-02", "scan_complete": "2"}


def told_by_mail(addresses: dict[str, Any]) -> str:
    """The part of a study file by which staff are told."""
    server = f"host: 127.0.0.1, port: {addresses['smtp'].rpartition(':')[2]}, security: none"
    channel = f"messaging: {{email: {{sender: study@example.org, {server}}}}}\n"
    return channel + "notify: {staff: {email: [ann@example.org]}}\n"


@pytest.fixture
def coverage(tmp_path: Path, addresses: dict[str, Any]) -> Any:
    made = make_coverage(tmp_path, addresses)
    with inhabiting(made):
        yield made


def reconcile(coverage: Coverage, **parameters: Any) -> dict[str, Any]:
    return call_here("reconcile_triggers", {"study": coverage.study.name, **parameters})


def ingest(coverage: Coverage) -> dict[str, Any]:
    return call_here("ingest_triggers", {"study": coverage.study.name})


def scan(number: int, **changes: str) -> dict[str, str]:
    return {"scan_id": f"DTI01_CMH_{number:04}_01_01", **SCAN, **changes}


def arrive(coverage: Coverage) -> int:
    """Let the last posts of the sandbox arrive as the receiver would keep them; returns how many."""
    coverage.settle()
    posts = [one for one in coverage.control("triggers", method="GET")["posts"] if one["note"] != "dropped"]
    coverage.control("triggers", method="DELETE")
    mine = [one for one in posts if one["project_id"] == coverage.study.project_id]
    with coverage.store() as store:
        for one in mine:
            keep_item(
                store, study=coverage.study.name, source="redcap", form=one["fields"], now=datetime.now(UTC)
            )
    return len(mine)


@pytest.fixture
def posting(coverage: Coverage) -> Coverage:
    """The study, to which triggers go; nobody listens, but the sandbox lists them."""
    coverage.send_triggers_to("http://127.0.0.1:9/")
    return coverage


def test_an_import_is_worked_like_a_form_that_was_saved(coverage: Coverage) -> None:
    coverage.load("1", **scan(1))

    found = reconcile(coverage)
    worked = ingest(coverage)
    again = reconcile(coverage)

    assert (found["items_made"], found["way"], found["triggers"]["missed"]) == (1, "log", 0)
    assert worked["items"] == {"loaded": 1}
    assert again["items_made"] == 0
    assert held(coverage) == told(coverage) != set()


def test_a_missed_trigger_is_made_and_a_received_one_is_not(posting: Coverage) -> None:
    posting.save("1", **scan(1))
    posting.control("triggers/faults", {"kind": "drop"})
    posting.save("2", **scan(2))
    arrive(posting)
    ingest(posting)

    found = reconcile(posting)
    ingest(posting)

    assert found["triggers"] == {"saves": 2, "received": 1, "late": 0, "missed": 1, "duplicate": 0}
    assert found["items_made"] == 1
    assert held(posting) == told(posting)


def test_a_trigger_that_waits_to_be_worked_is_not_made_again(posting: Coverage) -> None:
    posting.save("1", **scan(1))
    arrive(posting)

    assert reconcile(posting)["items_made"] == 0


def test_a_second_save_whose_trigger_was_lost_is_found_within_the_same_minute(posting: Coverage) -> None:
    posting.save("1", **scan(1))
    arrive(posting)
    ingest(posting)
    posting.control("triggers/faults", {"kind": "drop"})
    posting.save("1", scan_comment="moved")

    found = reconcile(posting)
    ingest(posting)

    assert found["items_made"] == 1
    assert {row[-1] for row in held(posting)} == {"moved"}


def test_a_trigger_that_comes_after_its_item_was_made_is_late(posting: Coverage) -> None:
    posting.save("1", **scan(1))
    first = reconcile(posting)
    ingest(posting)
    arrive(posting)

    reconcile(posting)

    assert (first["triggers"]["missed"], first["items_made"]) == (1, 1)
    assert (intervals(posting)[1]["late"], intervals(posting)[1]["missed"]) == (1, 0)


def intervals(coverage: Coverage) -> list[dict[str, Any]]:
    with coverage.store() as store:
        return [vars(each) for each in list_intervals(store, coverage.study.name)]


def test_a_repeating_form_is_made_at_each_of_its_instances(coverage: Coverage) -> None:
    for number in (1, 2, 7):
        coverage.load("1", event=MONTH_6, instance=number, **scan(number))
    coverage.load("1", **scan(9))

    found = reconcile(coverage)
    ingest(coverage)

    assert found["items_made"] == 4
    assert held(coverage) == told(coverage)


def test_forms_that_are_not_completed_and_forms_without_a_rule_are_left_alone(coverage: Coverage) -> None:
    coverage.load("1", **scan(1, scan_complete="1"))
    coverage.load("2", scan_complete="0")
    coverage.save("3", form="note", event=MONTH_6, remark="x", note_complete="2")

    assert reconcile(coverage)["items_made"] == 0


def test_a_dry_run_makes_and_remembers_nothing(coverage: Coverage) -> None:
    coverage.load("1", **scan(1))

    dry = [reconcile(coverage, dry_run=True) for _ in range(2)]

    assert [(one["outcome"], one["items_made"]) for one in dry] == [("dry run", 1)] * 2
    assert intervals(coverage) == []
    assert ingest(coverage)["items"] == {}


def delete(coverage: Coverage, record: str, **part: str) -> None:
    coverage.call(content="record", action="delete", records=record, **part)


def rename(coverage: Coverage, record: str, new: str) -> None:
    coverage.call(content="record", action="rename", record=record, new_record_name=new)


def load_two(coverage: Coverage) -> None:
    for number in (1, 2):
        coverage.load(str(number), **scan(number))
    reconcile(coverage)
    ingest(coverage)


def test_a_deleted_record_takes_its_session_with_it(coverage: Coverage) -> None:
    load_two(coverage)
    delete(coverage, "1")

    found = reconcile(coverage)

    assert (found["records_deleted"], found["items_made"]) == (1, 0)
    assert {row[0] for row in held(coverage)} == {"2"}
    assert reconcile(coverage)["records_deleted"] == 0


def test_monitors_end_with_their_record_and_go_on_under_its_new_name(
    tmp_path: Path, addresses: dict[str, Any]
) -> None:
    coverage = make_coverage(tmp_path, addresses, body=waiting_body(addresses))
    with inhabiting(coverage):
        load_two(coverage)
        delete(coverage, "1")
        rename(coverage, "2", "5")
        reconcile(coverage)
        with coverage.store() as store:
            found = list_waits(store, coverage.study.name)

    assert sorted((wait.reason, wait.ended_at is None) for wait in found) == [
        ("", True),
        ("the record was deleted in REDCap", False),
    ]


def waiting_body(addresses: dict[str, Any]) -> str:
    """The study file where a scan form is waited after."""
    body = BODY.replace("scan_comment}", "scan_comment, expects: note}")
    waits = "monitors: [{id: note, then: {form: note}, after: 48 hours}]\n"
    return f"{body}{told_by_mail(addresses)}{waits}"


def test_a_corrected_session_id_is_waited_for_and_the_wrong_one_no_more(
    tmp_path: Path, addresses: dict[str, Any]
) -> None:
    coverage = make_coverage(tmp_path, addresses, body=waiting_body(addresses))
    with inhabiting(coverage):
        for number in (1, 2):
            coverage.load("1", **scan(number))
            reconcile(coverage)
            ingest(coverage)
        with coverage.store() as store:
            found = list_waits(store, coverage.study.name)

    assert [(wait.session, wait.reason) for wait in found] == [
        ("DTI01_CMH_0002_01_01", ""),
        ("DTI01_CMH_0001_01_01", "its form names another session now"),
    ]


def test_a_renamed_record_keeps_its_session_and_nothing_is_worked_again(coverage: Coverage) -> None:
    load_two(coverage)
    rename(coverage, "1", "7-001")

    found = reconcile(coverage)

    assert (found["records_renamed"], found["records_deleted"], found["items_made"]) == (1, 0, 0)
    assert held(coverage) == told(coverage)
    assert reconcile(coverage)["records_renamed"] == 0


def test_a_record_that_was_renamed_twice_and_changed_is_followed(coverage: Coverage) -> None:
    load_two(coverage)
    rename(coverage, "1", "5")
    rename(coverage, "5", "6")
    coverage.load("6", scan_comment="after")

    found = reconcile(coverage)
    ingest(coverage)

    assert (found["records_renamed"], found["items_made"]) == (1, 1)
    assert held(coverage) == told(coverage)


def test_a_name_that_is_used_again_is_another_record(coverage: Coverage) -> None:
    load_two(coverage)
    delete(coverage, "1")
    coverage.load("1", **scan(11))
    rename(coverage, "2", "3")
    coverage.load("2", **scan(12))

    reconcile(coverage)
    ingest(coverage)

    assert held(coverage) == told(coverage)
    assert len(held(coverage)) == 3


def let_hours_pass(coverage: Coverage) -> None:
    """Let what was worked be of long ago, because REDCap's log knows minutes only."""
    with coverage.store() as store, store.write() as connection:
        connection.execute(update(SEEN_PLACE).values(seen_at=datetime.now(UTC) - timedelta(hours=3)))


def test_names_that_are_handed_on_or_exchanged_are_followed(coverage: Coverage) -> None:
    for number in range(1, 7):
        coverage.load(str(number), **scan(number))
    reconcile(coverage)
    ingest(coverage)
    let_hours_pass(coverage)
    for old, new in (("3", "9"), ("2", "3"), ("1", "2"), ("5", "8"), ("6", "5"), ("8", "6")):
        rename(coverage, old, new)

    reconcile(coverage)
    ingest(coverage)

    assert held(coverage) == told(coverage)
    assert len(held(coverage)) == 6


def test_a_form_whose_data_were_deleted_takes_only_its_session(coverage: Coverage) -> None:
    coverage.load("1", **scan(1))
    coverage.load("1", event=MONTH_6, instance=2, **scan(2))
    reconcile(coverage)
    ingest(coverage)
    delete(coverage, "1", event=MONTH_6, instrument="scan", repeat_instance="2")

    found = reconcile(coverage)

    assert (found["forms_emptied"], found["records_deleted"]) == (1, 0)
    assert held(coverage) == told(coverage)


def forget_names(coverage: Coverage) -> None:
    """Let retention delete the names of the records that were worked."""
    now = datetime.now(UTC) + timedelta(minutes=1)
    with coverage.store() as store:
        purge(store, before=now, now=now, study=coverage.study.name)


def test_a_form_whose_data_were_deleted_is_followed_after_retention_too(coverage: Coverage) -> None:
    coverage.load("1", **scan(1))
    coverage.load("1", event=MONTH_6, instance=2, **scan(2))
    reconcile(coverage)
    ingest(coverage)
    forget_names(coverage)
    delete(coverage, "1", event=MONTH_6, instrument="scan", repeat_instance="2")

    reconcile(coverage)

    assert held(coverage) == told(coverage)


def test_a_deleted_record_whose_name_retention_took_ends_no_wait_of_others(coverage: Coverage) -> None:
    load_two(coverage)
    forget_names(coverage)
    room = Mailroom(coverage.study.name, "127.0.0.1", coverage.study.project_id)
    with coverage.store() as store:
        open_waits(store, room, [Opening("visits_run", datetime.now(UTC))], now=datetime.now(UTC))
    delete(coverage, "1")

    found = reconcile(coverage)

    assert found["records_deleted"] == 1
    assert {row[0] for row in held(coverage)} == {"2"}
    with coverage.store() as store:
        assert [wait.ended_at for wait in list_waits(store, coverage.study.name)] == [None]


def without_log_right(coverage: Coverage) -> None:
    """Take the right Logging from the token's user."""
    name = coverage.call(content="user")[0]["username"]
    coverage.call(content="user", data=json.dumps([{"username": name, "logging": 0}]))


def test_a_token_without_the_right_logging_finds_changes_by_their_times(coverage: Coverage) -> None:
    load_two(coverage)
    without_log_right(coverage)
    coverage.load("3", **scan(3))
    delete(coverage, "1")
    rename(coverage, "2", "5")

    found = reconcile(coverage)
    ingest(coverage)

    assert (found["way"], found["items_made"]) == ("date range", 1)
    assert (found["records_deleted"], found["records_renamed"]) == (1, 1)
    assert "triggers" not in found
    assert "right Logging" in found["reason"]
    assert held(coverage) == told(coverage)
    assert intervals(coverage)[0]["missed"] is None


def test_a_log_that_is_too_long_for_the_server_is_read_in_halves(
    coverage: Coverage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capstan.redcap.wire, "BACKOFF_SECONDS", 0.01)
    coverage.load("1", **scan(1))
    # Each part of the log is tried four times.
    coverage.control("faults", {"kind": "status", "status": 500, "count": 8, "content": "log"})

    found = reconcile(coverage)

    assert (found["way"], found["items_made"]) == ("log", 1)


def test_a_server_that_is_down_is_told_and_what_was_missed_is_found_later(
    coverage: Coverage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capstan.redcap.wire, "BACKOFF_SECONDS", 0.001)
    coverage.load("1", **scan(1))
    coverage.control("faults", {"kind": "status", "status": 500, "count": 999, "content": "log"})

    with pytest.raises(RedcapUnavailable):
        reconcile(coverage)
    coverage.control("faults", method="DELETE")

    assert reconcile(coverage)["items_made"] == 1


def test_the_doctor_says_when_the_last_trigger_came(posting: Coverage, capstan: CommandLine) -> None:
    before = capstan("doctor", posting.study.name).out
    posting.save("1", **scan(1))
    arrive(posting)

    after = capstan("doctor", posting.study.name).out

    assert "none has come yet" in before
    assert "the last one came on" in after


def test_records_that_are_all_out_of_sight_are_not_taken_for_deleted(coverage: Coverage) -> None:
    load_two(coverage)
    delete(coverage, "1")
    delete(coverage, "2")

    with pytest.raises(Refused, match="No record is to be seen any more"):
        reconcile(coverage)


def test_a_study_may_begin_with_what_was_saved_long_ago(coverage: Coverage) -> None:
    clock = "2026-01-05T12:00:00"
    requests.post(f"{coverage.addresses['control_url']}clock", json={"now": clock}, timeout=30)
    coverage.load("1", **scan(1))
    requests.post(f"{coverage.addresses['control_url']}clock", json={"now": None}, timeout=30)

    usual = reconcile(coverage)["items_made"]

    assert usual == 0
    assert reconcile(coverage, since="2026-01-01")["items_made"] == 1


@pytest.fixture
def watched(tmp_path: Path, addresses: dict[str, Any]) -> Any:
    """A study whose staff are told by mail."""
    made = make_coverage(tmp_path, addresses, body=BODY + told_by_mail(addresses))
    with inhabiting(made):
        made.send_triggers_to("http://127.0.0.1:9/")
        yield made


def mails(coverage: Coverage) -> list[str]:
    found = coverage.control("mails", method="GET")
    listed = found["mails"] if isinstance(found, dict) else found
    return [mail["text"] for mail in reversed(listed)]


def test_triggers_that_stop_coming_are_told_once_and_told_when_they_come_again(watched: Coverage) -> None:
    watched.control("mails", method="DELETE")
    watched.save("1", **scan(1))
    first = reconcile(watched)
    watched.save("2", **scan(2))
    second = reconcile(watched)
    silent = mails(watched)
    watched.save("3", **scan(3))
    arrive(watched)
    third = reconcile(watched)

    assert "REDCap has sent no data entry trigger so far, although people saved forms." in silent[0]
    assert len(silent) == 1
    assert ["reason" in one for one in (first, second, third)] == [True, True, False]


def test_imports_alone_are_no_reason_to_expect_triggers(watched: Coverage) -> None:
    watched.control("mails", method="DELETE")
    watched.load("1", **scan(1))

    assert "reason" not in reconcile(watched)
    assert mails(watched) == []


def test_a_real_receiver_that_was_down_loses_nothing(coverage: Coverage) -> None:
    with receiving(coverage) as receiver:
        coverage.save("1", **scan(1))
        coverage.settle()
        receiver.stop()
        coverage.save("2", **scan(2))
        coverage.settle()
        receiver.start()
        coverage.save("3", **scan(3))
        coverage.settle()

    found = reconcile(coverage)
    ingest(coverage)

    assert found["triggers"] == {"saves": 3, "received": 2, "late": 0, "missed": 1, "duplicate": 0}
    assert held(coverage) == told(coverage)


# Many more by hand: python tests/flows/coverage_trials.py 50
def test_after_all_mishaps_the_store_says_what_a_full_export_says(
    tmp_path: Path, addresses: dict[str, Any]
) -> None:
    trial = run_trial(tmp_path, addresses, random.Random(11), actions=30)

    assert trial.faults == ()


def test_the_command_shows_intervals_without_a_record(coverage: Coverage, capstan: CommandLine) -> None:
    coverage.load("xrecordx", **scan(1))
    reconcile(coverage)

    shown = capstan("triggers", "coverage", coverage.study.name)
    listed = capstan("triggers", "coverage", coverage.study.name, "--json")

    assert "until (UTC)" in shown.out
    assert '"made": 1' in listed.out
    assert "xrecordx" not in shown.out + listed.out


def test_a_study_folder_without_intervals_says_what_makes_one(
    coverage: Coverage, capstan: CommandLine
) -> None:
    assert "capstan run reconcile_triggers" in capstan("triggers", "coverage", coverage.study.name).out
