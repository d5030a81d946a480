"""The log: what is written when, and how it is exported (B.16)."""

from __future__ import annotations

from datetime import datetime

import pytest
from sandbox_trial import CALL, OpenTrial, Trial


@pytest.fixture
def trial(opened: OpenTrial) -> Trial:
    return opened()


def said(trial: Trial, **fields: str) -> list[tuple[str, str]]:
    return [(row["action"], row["details"]) for row in trial.log(**fields)]


def test_only_what_changed_is_written(trial: Trial) -> None:
    trial.load([{"record_id": "1", "name": "Ann", "sex": "1", "likes___1": "1"}])

    trial.load([{"record_id": "1", "name": "Ann", "sex": "0", "likes___1": "0", "likes____9": "1"}])
    trial.load([{"record_id": "1", "name": "Ann"}])

    assert said(trial, logtype="record") == [
        ("Update record (API) 1", "sex = '0', likes(1) = unchecked, likes(-9) = checked"),
        (
            "Create record (API) 1",
            "record_id = '1', name = 'Ann', sex = '1', likes(1) = checked, start_complete = '0'",
        ),
    ]


def test_instances_are_named_from_the_second_on(trial: Trial) -> None:
    trial.load(
        [{"record_id": "1", **CALL, "redcap_repeat_instance": n, "call_complete": "2"} for n in (1, 2)]
    )

    assert [details for _, details in said(trial, logtype="record")] == [
        "[instance = 2], record_id = '1', call_complete = '2'",
        "record_id = '1', call_complete = '2'",
    ]


def test_computed_values_have_a_row_of_their_own(trial: Trial) -> None:
    trial.load([{"record_id": "1", "weight": "60"}])

    assert said(trial, logtype="record_edit") == [
        (
            "Update record (Auto calculation) 1",
            "double = '120', words = 'heavy, (very)', change = '0', fourfold = '240'",
        )
    ]


def test_assignments_to_groups_have_a_row_of_their_own(trial: Trial) -> None:
    trial.load([{"record_id": "1", "redcap_data_access_group": "north"}])

    assert said(trial)[0] == (
        "Update record (API) 1",
        "Assign record to Data Access Group (redcap_data_access_group = 'north')",
    )


def test_the_wording_was_in_the_past_tense_before_version_12(opened: OpenTrial) -> None:
    trial = opened("11.4.0")
    trial.load([{"record_id": "1", "name": "Ann"}])
    trial.load([{"record_id": "1", "name": "Bob"}])
    trial.ask(trial.owner, "record", action="delete", records=["1"])

    assert [action for action, _ in said(trial, logtype="record")] == [
        "Deleted Record (API) 1",
        "Updated Record (API) 1",
        "Created Record (API) 1",
    ]


def test_exports_are_written_with_no_record(trial: Trial) -> None:
    trial.rows()
    trial.log()

    rows = trial.log()
    assert [(row["action"], row["record"]) for row in rows] == [
        ("Manage/Design ", ""),
        ("Data Export (API) ", ""),
        ("Manage/Design ", ""),
    ]
    assert [row["details"] for row in (rows[0], rows[2])] == ["Export Logging (API)", "Create project (API)"]


def test_an_empty_log_is_an_empty_list(trial: Trial) -> None:
    assert trial.ask(trial.owner, "log", format="json", logtype="record").content == b"[]"


def test_the_log_comes_in_every_format(trial: Trial) -> None:
    trial.state.clock.freeze(datetime.fromisoformat("2024-05-06 07:08:09"))
    trial.load([{"record_id": "1"}])

    csv, xml = (trial.ask(trial.owner, "log", format=fmt, logtype="record").content for fmt in ("csv", "xml"))

    assert csv.decode() == (
        "timestamp,username,action,details,record\n"
        '"2024-05-06 07:08",site_admin,"Create record (API) 1","record_id = \'1\'",1\n'
    )
    assert b"<item><timestamp><![CDATA[2024-05-06 07:08]]></timestamp>" in xml


ALL_ACTIONS = ["Data Export", "Delete", "Update", "Update", "Create", "Create", "Manage/Design "]


@pytest.fixture
def full(trial: Trial) -> Trial:
    """A log of three days, of two users, with all kinds of rows."""
    clock = trial.state.clock
    clock.freeze(datetime.fromisoformat("2024-01-01 10:00:30"))
    trial.load([{"record_id": "1", "name": "Ann", "redcap_data_access_group": "north"}, {"record_id": "2"}])
    clock.freeze(datetime.fromisoformat("2024-01-02 10:00:30"))
    trial.load([{"record_id": "2", "name": "Bob"}], token=trial.token("bob"))
    clock.freeze(datetime.fromisoformat("2024-01-03 10:00:30"))
    trial.ask(trial.owner, "record", action="delete", records=["2"])
    trial.rows()
    return trial


@pytest.mark.parametrize(
    ("wanted", "kinds"),
    [
        ({}, ALL_ACTIONS),
        ({"logtype": ""}, ALL_ACTIONS),
        ({"logtype": "manage"}, ["Manage/Design "]),
        ({"logtype": "export"}, ["Data Export"]),
        ({"logtype": "record"}, ["Delete", "Update", "Update", "Create", "Create"]),
        ({"logtype": "record_add"}, ["Create", "Create"]),
        ({"logtype": "record_edit"}, ["Update", "Update"]),
        ({"logtype": "record_delete"}, ["Delete"]),
        ({"logtype": "lock_record"}, []),
        ({"logtype": "page_view"}, []),
        ({"user": "bob"}, ["Update"]),
        ({"record": "1"}, ["Update", "Create"]),
        ({"dag": "north"}, ["Update", "Create"]),
        ({"dag": "nowhere"}, []),
        ({"beginTime": "2024-01-02 10:00"}, ["Data Export", "Delete", "Update"]),
        ({"beginTime": "2024-01-02 10:01"}, ["Data Export", "Delete"]),
        ({"endTime": "2024-01-01 10:00", "logtype": "record"}, ["Update", "Create", "Create"]),
        ({"endTime": "2024-01-01 09:59", "logtype": "record"}, []),
        ({"beginTime": "2024-01-02 00:00", "endTime": "2024-01-03 00:00", "record": "2"}, ["Update"]),
    ],
)
def test_filters_leave_what_is_wanted_newest_first(
    full: Trial, wanted: dict[str, str], kinds: list[str]
) -> None:
    rows = full.log(**wanted)

    assert [row["action"].split(" record")[0].split(" (")[0] for row in rows] == kinds


def test_reading_the_log_is_a_right(full: Trial) -> None:
    answer = full.ask(full.token("ann", rights=("api_export",)), "log", format="json")

    assert answer.status == 403


def test_a_user_in_a_group_sees_what_happened_to_its_records(full: Trial) -> None:
    rows = full.json(full.token("ann", group="north"), "log")

    assert {row["record"] for row in rows} == {"1"}
