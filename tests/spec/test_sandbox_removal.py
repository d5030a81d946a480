"""Deletion and renaming of records: what goes, what stays, what follows (B.1)."""

from __future__ import annotations

import json

import pytest
from sandbox_trial import CALL, MONTH_6, WEEKLY, OpenTrial, Trial

from sandbox.data.locking import lock
from sandbox.project.parts import RowKey

ARM_2 = {"redcap_event_name": "baseline_arm_2"}


@pytest.fixture
def trial(opened: OpenTrial) -> Trial:
    """A record with everything in arm 1, the same one in arm 2, and another one."""
    found = opened()
    rows = [
        {
            "record_id": "1",
            "name": "Ann",
            "weight": "60",
            "likes___1": "1",
            "redcap_data_access_group": "north",
        },
        {"record_id": "1", **MONTH_6, "weight": "61"},
        {"record_id": "1", **CALL, "redcap_repeat_instance": 1, "outcome": "1"},
        {"record_id": "1", **CALL, "redcap_repeat_instance": 2, "outcome": "2"},
        {"record_id": "1", **WEEKLY, "redcap_repeat_instance": 3, "day": "1"},
        {"record_id": "1", **ARM_2, "name": "Ann two"},
        {"record_id": "2", "name": "Bob", "redcap_data_access_group": "south"},
    ]
    found.load(rows)
    return found


def delete(trial: Trial, *records: str, **fields: str) -> str:
    answer = trial.ask(trial.owner, "record", action="delete", records=list(records), **fields)
    assert answer.status == 200, answer.content
    return answer.content.decode()


def refused(trial: Trial, action: str, *, token: str = "", **fields: object) -> str:
    answer = trial.ask(token or trial.owner, "record", action=action, returnFormat="json", **fields)
    assert answer.status == 400
    return json.loads(answer.content)["error"]


def rename(trial: Trial, old: str, new: str, **fields: str) -> None:
    answer = trial.ask(trial.owner, "record", action="rename", record=old, new_record_name=new, **fields)
    assert (answer.status, answer.content) == (200, b"1")


def places(trial: Trial, record: str = "1") -> list[tuple[str, object]]:
    rows = trial.rows(records=[record])
    return [(row["redcap_event_name"], row["redcap_repeat_instance"]) for row in rows]


def test_whole_records_go_from_all_arms(trial: Trial) -> None:
    assert delete(trial, "1") == "1"
    assert [row["record_id"] for row in trial.rows()] == ["2"]


def test_one_missing_record_keeps_all_of_them(trial: Trial) -> None:
    text = refused(trial, "delete", records=["1", "7", "8"])

    assert text == (
        "One or more of the records provided cannot be deleted because they do not exist in the project. "
        "The following records do not exist: 7, 8"
    )
    assert len(trial.rows()) == 7


def test_an_arm_goes_alone(trial: Trial) -> None:
    assert delete(trial, "1", arm="1") == "1"
    assert places(trial) == [("baseline_arm_2", "")]


def test_an_event_goes_with_all_its_rows(trial: Trial) -> None:
    assert delete(trial, "1", event="month_6_arm_1") == "1"
    assert places(trial) == [("baseline_arm_1", ""), ("baseline_arm_2", ""), ("weekly_arm_1", 3)]


def test_an_instrument_goes_at_its_event_only(trial: Trial) -> None:
    assert delete(trial, "1", instrument="exam", event="baseline_arm_1") == "1"

    first, second = (row["weight"] for row in trial.rows(records=["1"], fields="record_id,weight")[:2])
    assert (first, second) == ("", "61")
    assert trial.value("name", redcap_event_name="baseline_arm_1") == "Ann"


def test_a_row_goes_with_its_last_instrument(trial: Trial) -> None:
    delete(trial, "2", instrument="start", event="baseline_arm_1")

    assert [row["record_id"] for row in trial.rows()] == ["1"] * 6


def test_an_instance_goes_and_the_others_keep_their_numbers(trial: Trial) -> None:
    answer = delete(trial, "1", instrument="call", event="month_6_arm_1", repeat_instance="1")

    assert answer == "1"
    assert [row["redcap_repeat_instance"] for row in trial.rows(records=["1"])] == ["", "", "", 2, 3]


def test_an_instance_of_a_repeating_event_goes(trial: Trial) -> None:
    delete(trial, "1", event="weekly_arm_1", repeat_instance="3")

    assert "weekly_arm_1" not in {event for event, _ in places(trial)}


def test_a_part_that_a_record_does_not_have_counts_for_nothing(trial: Trial) -> None:
    assert delete(trial, "1", "2", event="weekly_arm_1") == "1"


@pytest.mark.parametrize(
    "fields",
    [
        {"instrument": "exam"},
        {"instrument": "nothing", "event": "baseline_arm_1"},
        {"event": "nothing"},
        {"arm": "3"},
        {"repeat_instance": "0"},
        {"repeat_instance": "9" * 5000},
    ],
)
def test_parts_that_there_cannot_be_are_refused(trial: Trial, fields: dict[str, str]) -> None:
    assert refused(trial, "delete", records=["1"], **fields)
    assert len(trial.rows()) == 7


def test_a_classic_project_has_no_arms_to_delete(opened: OpenTrial) -> None:
    trial = opened(classic=True)
    trial.load([{"record_id": "1", "name": "Ann", "weight": "60"}])

    assert refused(trial, "delete", records=["1"], arm="1")
    assert delete(trial, "1", instrument="exam") == "1"
    assert (trial.value("name"), trial.value("weight"), trial.value("double")) == ("Ann", "", "")


def test_files_go_with_their_row(trial: Trial) -> None:
    for record in ("1", "2"):
        file = {"action": "import", "record": record, "field": "scan", "event": "baseline_arm_1"}
        trial.ask(trial.owner, "file", file=("a.txt", b"hello"), **file)

    delete(trial, "1", instrument="exam", event="baseline_arm_1")

    assert list(trial.state.store.files.names(trial.project_id).values()) == ["a.txt"]


def test_groups_and_locks_go_with_their_record(trial: Trial) -> None:
    store, session = trial.state.store, trial.state.session(trial.project, "ann")
    lock(session, RowKey("1", 101, "", 0))
    lock(session, RowKey("1", 102, "", 0), form="exam")
    lock(session, RowKey("1", 102, "call", 2), form="call")

    delete(trial, "1", event="month_6_arm_1", instrument="call")
    kept = {(one.key.event_id, one.form) for one in store.locks.all(trial.project_id)}
    delete(trial, "1")

    assert kept == {(0, ""), (102, "exam")}
    assert store.locks.all(trial.project_id) == frozenset()
    assert set(store.groups.by_record(trial.project_id)) == {"2"}


def test_a_user_in_a_group_cannot_reach_other_records(trial: Trial) -> None:
    token = trial.token("ann", group="south")

    assert refused(trial, "delete", token=token, records=["1"]).endswith("do not exist: 1")
    assert refused(trial, "rename", token=token, record="1", new_record_name="3")


def test_deleting_is_a_right(trial: Trial) -> None:
    token = trial.token("ann", rights=("api_import", "api_export"))

    answer = trial.ask(token, "record", action="delete", records=["1"], returnFormat="csv")

    assert (answer.status, answer.content) == (403, b"ERROR: You do not have Delete Record privileges")


def test_the_log_tells_of_deletions(trial: Trial) -> None:
    delete(trial, "1", instrument="exam", event="month_6_arm_1")
    delete(trial, "2")

    last, before = trial.log()[:2]
    assert (last["action"], last["details"], last["record"]) == (
        "Delete record (API) 2",
        "record_id = '2'",
        "2",
    )
    assert before["action"] == "Update record (API) 1"
    assert before["details"].startswith("weight = ''")


@pytest.mark.parametrize(
    ("setting", "asked", "is_erased"),
    [("1", {}, True), ("1", {"delete_logging": "0"}, False), ("0", {}, False)],
)
def test_values_go_from_the_log_where_the_project_allows_it(
    opened: OpenTrial, setting: str, asked: dict[str, str], is_erased: bool
) -> None:
    trial = opened(AllowDeleteRecordFromLog=setting)
    trial.load([{"record_id": "1", "name": "Ann"}])

    delete(trial, "1", **asked)

    assert [row["details"] == "" for row in trial.log(record="1")] == [is_erased] * 2


def test_a_record_is_renamed_in_all_arms(trial: Trial) -> None:
    rename(trial, "1", "one")

    assert len(places(trial, "one")) == 6
    assert {row["record_id"] for row in trial.rows()} == {"one", "2"}
    assert trial.log(logtype="record")[0]["action"] == "Update record (API) one"


def test_a_record_is_renamed_in_one_arm(trial: Trial) -> None:
    rename(trial, "1", "one", arm="2")

    assert places(trial, "one") == [("baseline_arm_2", "")]
    assert len(places(trial)) == 5
    rename(trial, "1", "one", arm="1")
    assert len(places(trial, "one")) == 6


def test_group_locks_and_history_follow_a_renamed_record(trial: Trial) -> None:
    store = trial.state.store
    lock(trial.state.session(trial.project, "ann"), RowKey("1", 102, "", 0), form="exam")

    rename(trial, "1", "one")

    groups = store.groups.by_record(trial.project_id)
    assert (groups["one"], "1" in groups) == (11, False)
    assert [one.key.record for one in store.locks.all(trial.project_id)] == ["one"]
    assert trial.log(record="1") == []
    assert len(trial.log(record="one")) > 6


@pytest.mark.parametrize(
    ("old", "new", "arm"),
    [
        ("7", "8", ""),
        ("1", "2", ""),
        ("1", "", ""),
        ("1", "x" * 101, ""),
        ("1", "a\x00", ""),
        ("1", "3", "9"),
    ],
)
def test_names_that_cannot_be_are_refused(trial: Trial, old: str, new: str, arm: str) -> None:
    before = trial.rows()

    assert refused(trial, "rename", record=old, new_record_name=new, arm=arm)
    assert trial.rows() == before


@pytest.mark.parametrize(
    ("records", "following"),
    [([], b"1"), (["5", "9", "x"], b"10"), (["a", "b1"], b"1"), (["007"], b"8"), (["20-1", "1.5"], b"1")],
)
def test_the_next_name_is_the_integer_after_the_largest(
    opened: OpenTrial, records: list[str], following: bytes
) -> None:
    trial = opened()
    trial.load([{"record_id": record} for record in records])

    assert trial.ask(trial.owner, "generateNextRecordName").content == following
    assert len(trial.rows()) == len(records)
