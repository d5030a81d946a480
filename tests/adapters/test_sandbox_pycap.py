"""PyCap, an independent client, works against the sandbox as against REDCap."""

from __future__ import annotations

import pytest
import redcap
from sandbox_clients import FIELDS, metadata, new_project, send

from sandbox.server import Running


@pytest.fixture
def project(server: Running) -> redcap.Project:
    token = new_project(server)
    rows = [
        {"record_id": "1", "first_name": "Ann", "born": "2000-01-02", "likes___1": "1", "height": "1.5"},
        {"record_id": "2", "first_name": 'Bob, the "2nd"\nof us', "likes____9": "1"},
    ]
    send(server, token, "record", rows)
    return redcap.Project(server.redcap_url, token)


@pytest.fixture
def visits(server: Running) -> redcap.Project:
    token = new_project(server, longitudinal=True)
    call = {"redcap_event_name": "month_6_arm_1", "redcap_repeat_instrument": "call"}
    rows = [
        {"record_id": "1", "redcap_event_name": "baseline_arm_1", "first_name": "Ann"},
        {"record_id": "1", **call, "redcap_repeat_instance": "1", "outcome": "2"},
        {"record_id": "1", **call, "redcap_repeat_instance": "new", "outcome": "1"},
    ]
    send(server, token, "record", rows)
    return redcap.Project(server.redcap_url, token)


def test_json_records_come_back(project: redcap.Project) -> None:
    records = project.export_records()

    assert records[0] == {
        "record_id": "1",
        "first_name": "Ann",
        "born": "2000-01-02",
        "likes___1": "1",
        "likes____9": "0",
        "start_complete": "0",
        "height": "1.5",
        "double": "3",
        "exam_complete": "0",
        "outcome": "",
        "call_complete": "0",
    }
    assert records[1]["first_name"] == 'Bob, the "2nd"\nof us'


def test_csv_and_xml_records_come_back(project: redcap.Project) -> None:
    csv = project.export_records(format_type="csv", fields=["record_id", "first_name"])
    xml = project.export_records(format_type="xml", fields=["record_id"])

    assert csv == 'record_id,first_name\n1,Ann\n2,"Bob, the ""2nd""\nof us"\n'
    assert xml.count("<item>") == 2


def test_records_come_back_as_a_frame(project: redcap.Project, visits: redcap.Project) -> None:
    classic = project.export_records(format_type="df")
    longitudinal = visits.export_records(format_type="df")

    assert list(classic.index) == [1, 2]
    assert classic.loc[1, "height"] == 1.5
    assert list(longitudinal.index.names) == ["record_id", "redcap_event_name"]
    assert len(longitudinal) == 3


def test_eav_records_come_back(project: redcap.Project) -> None:
    lines = project.export_records(record_type="eav", records=["2"], fields=["likes"])

    assert {"record": "2", "field_name": "likes", "value": "-9"} in lines


def test_filter_logic_reaches_the_server(project: redcap.Project) -> None:
    records = project.export_records(filter_logic="[double] > 2")

    assert [row["record_id"] for row in records] == ["1"]


def test_the_dictionary_comes_back(project: redcap.Project) -> None:
    rows = project.export_metadata()

    assert project.field_names == [field[0] for field in FIELDS]
    assert [row["select_choices_or_calculations"] for row in rows] == [field[3] for field in FIELDS]
    assert project.def_field == "record_id"


def test_export_field_names_include_checkbox_columns_and_calculations(project: redcap.Project) -> None:
    names = [row["export_field_name"] for row in project.export_field_names()]

    assert names[3:8] == ["likes___1", "likes____9", "start_complete", "height", "double"]


def test_instruments_come_back(project: redcap.Project) -> None:
    rows = project.export_instruments()

    assert [row["instrument_name"] for row in rows] == ["start", "exam", "call"]


def test_a_classic_project_is_not_longitudinal(project: redcap.Project, visits: redcap.Project) -> None:
    assert (project.is_longitudinal, visits.is_longitudinal) == (False, True)


def test_arms_and_events_come_back(visits: redcap.Project) -> None:
    assert visits.export_arms() == [{"arm_num": 1, "name": "Arm 1"}, {"arm_num": 2, "name": "Arm 2"}]
    assert [row["unique_event_name"] for row in visits.export_events()] == [
        "baseline_arm_1",
        "month_6_arm_1",
        "month_6_arm_2",
    ]


def test_an_arm_shows_once_it_has_an_event(visits: redcap.Project) -> None:
    visits.import_arms([{"arm_num": 3, "name": "Third"}])
    hidden = visits.export_arms(arms=["3"])

    visits.import_events([{"event_name": "Only", "arm_num": "3"}])

    assert hidden == []
    assert visits.export_arms(arms=["3"]) == [{"arm_num": 3, "name": "Third"}]
    assert visits.delete_arms(["3"]) == 1


def test_events_can_be_imported_as_exported_and_deleted(visits: redcap.Project) -> None:
    assert visits.import_events(visits.export_events()) == 3
    assert len(visits.export_events()) == 3
    assert visits.delete_events(["month_6_arm_2"]) == 1
    assert len(visits.export_events()) == 2


def test_mappings_are_replaced_whole(visits: redcap.Project) -> None:
    mapping = visits.export_instrument_event_mappings()

    count = visits.import_instrument_event_mappings(mapping[:1])

    assert (len(mapping), count) == (4, 1)
    assert visits.export_instrument_event_mappings() == mapping[:1]


def test_repeating_forms_come_back_and_are_replaced(visits: redcap.Project) -> None:
    rows = visits.export_repeating_instruments_events()

    assert rows == [{"event_name": "month_6_arm_1", "form_name": "call", "custom_form_label": "[outcome]"}]
    assert visits.import_repeating_instruments_events(rows) == 1


def test_repeating_rows_have_their_instances(visits: redcap.Project) -> None:
    rows = visits.export_records(fields=["record_id", "outcome"])

    assert [(row["redcap_repeat_instance"], row["outcome"]) for row in rows] == [("", ""), (1, "2"), (2, "1")]


def test_imports_answer_counts_ids_and_nothing(project: redcap.Project) -> None:
    rows = [{"record_id": "8", "height": "1"}, {"record_id": "9", "height": "2"}]

    assert project.import_records(rows) == {"count": 2}
    assert project.import_records(rows, return_content="ids") == ["8", "9"]
    assert project.import_records(rows, return_content="nothing") == [{}]
    assert project.import_records(rows, return_content="auto_ids", force_auto_number=True) == ["10,8", "11,9"]


def test_frames_and_csv_are_imported(project: redcap.Project) -> None:
    frame = project.export_records(format_type="df", fields=["record_id", "height"])
    frame["height"] = 2.25

    assert project.import_records(frame, import_format="df") == {"count": 2}
    assert project.import_records("record_id,height\n1,\n", import_format="csv", overwrite="overwrite") == {
        "count": 1
    }
    assert [row["height"] for row in project.export_records()] == ["", "2.25"]


def test_an_error_block_raises(project: redcap.Project) -> None:
    with pytest.raises(redcap.RedcapError) as caught:
        project.import_records([{"record_id": "1", "outcome": "3"}])

    assert (
        '"1","outcome","3","The value is not a valid category for outcome"' in caught.value.args[0]["error"]
    )


def test_records_are_deleted(project: redcap.Project, visits: redcap.Project) -> None:
    assert project.delete_records(["1"]) == 1
    assert [row["record_id"] for row in project.export_records()] == ["2"]
    assert visits.delete_records(["1"], event="baseline_arm_1") == 1
    assert {row["redcap_event_name"] for row in visits.export_records()} == {"month_6_arm_1"}


def test_the_next_record_name_is_one_more(project: redcap.Project) -> None:
    assert project.generate_next_record_name() == "3"


def test_the_dictionary_can_be_replaced(project: redcap.Project) -> None:
    kept = [row for row in metadata() if row["form_name"] != "call"]

    count = project.import_metadata(kept)

    assert count == 6
    assert "outcome" not in project.export_records()[0]


def test_project_info_is_one_object(project: redcap.Project, visits: redcap.Project) -> None:
    info = project.export_project_info()

    assert (info["project_title"], info["is_longitudinal"], info["in_production"]) == ("Small", 0, 0)
    assert visits.export_project_info()["has_repeating_instruments_or_events"] == 1


def test_the_version_is_a_version(project: redcap.Project) -> None:
    assert str(project.export_version()) == "15.2.1"


def test_the_log_has_what_changed_and_nothing_else(project: redcap.Project) -> None:
    project.import_records([{"record_id": "1", "height": "1.5", "first_name": "Eve", "likes___1": "0"}])

    newest = project.export_logging(log_type="record_edit")[0]

    assert newest["action"] == "Update record (API) 1"
    assert newest["details"] == "first_name = 'Eve', likes(1) = unchecked"
    assert newest["record"] == "1"


def test_the_log_calls_new_records_new(project: redcap.Project) -> None:
    rows = project.export_logging(log_type="record_add")

    assert [row["action"] for row in rows] == ["Create record (API) 2", "Create record (API) 1"]
    assert rows[1]["details"].startswith("record_id = '1', first_name = 'Ann'")


def test_users_are_listed_with_their_rights(project: redcap.Project) -> None:
    users = project.export_users()

    assert [user["api_import"] for user in users] == [1]
    assert set(users[0]["forms"]) == {"start", "exam", "call"}
    assert set(users[0]["forms_export"].values()) == {1}


def test_access_groups_are_made_renamed_and_deleted(project: redcap.Project) -> None:
    assert project.import_dags([{"data_access_group_name": "dag-a", "unique_group_name": ""}]) == 1
    made = project.export_dags()[0]
    project.import_dags([{"data_access_group_name": "A different name", "unique_group_name": "daga"}])
    renamed = project.export_dags()[0]

    assert (made["unique_group_name"], renamed["unique_group_name"]) == ("daga", "a_different_name")
    assert project.delete_dags(["a_different_name"]) == 1
    assert project.export_dags() == []
