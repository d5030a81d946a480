"""Every public method of PyCap does its work against the sandbox; a new one without a case here fails."""

from __future__ import annotations

import inspect
import io
import json
from collections.abc import Callable
from typing import get_args

import pandas as pd
import pytest
import redcap
from sandbox_clients import control, metadata, new_project, post, send

from sandbox.server import Running

EVENT = "baseline_arm_1"
EXTRA = {"start": ("scan", "file"), "exam": ("note", "notes")}
SURVEY = (
    '<redcap:SurveysGroup><redcap:Surveys form_name="start" title="Start" survey_enabled="1"'
    ' save_and_return="1"/></redcap:SurveysGroup>'
    '<redcap:ReportsGroup><redcap:Reports title="Names" unique_report_name="R-4292EXAMPL" report_order="1"'
    ' redcap_reports_fields="record_id,first_name" ID="1"/></redcap:ReportsGroup>'
)
PUBLIC = sorted(
    name for name, _ in inspect.getmembers(redcap.Project, inspect.isfunction) if not name.startswith("_")
)


@pytest.fixture(scope="module")
def document(server: Running) -> str:
    """The XML of a small longitudinal project with a survey, a report, a file field and some data."""
    token = new_project(server, longitudinal=True)
    blank = dict.fromkeys(metadata()[0], "")
    extra = [
        {**blank, "field_name": name, "form_name": form, "field_type": kind, "field_label": name}
        for form, (name, kind) in EXTRA.items()
    ]
    rows = metadata()
    send(server, token, "metadata", [*rows[:4], extra[0], *rows[4:6], extra[1], *rows[6:]])
    send(server, token, "project_settings", [{"surveys_enabled": "1"}])
    send(
        server, token, "dag", [{"data_access_group_name": "North", "unique_group_name": ""}], action="import"
    )
    records = [
        {"record_id": "1", "redcap_event_name": EVENT, "first_name": "Ann", "likes___1": "1"},
        {"record_id": "2", "redcap_event_name": EVENT, "first_name": "Bob"},
        {"record_id": "1", "redcap_event_name": "month_6_arm_1", "height": "1.5"},
    ]
    send(server, token, "record", records)
    text = post(server, token, "project_xml").text
    return text.replace("</GlobalVariables>", f"{SURVEY}</GlobalVariables>")


@pytest.fixture
def project(server: Running, document: str) -> redcap.Project:
    token = control(server, "projects", {"xml": document})["token"]
    return redcap.Project(server.redcap_url, token)


def in_all_formats(export: Callable[..., object], *, expected: str) -> None:
    """Export in each format that PyCap has; each holds the expected text."""
    for format_type in get_args(inspect.signature(export).parameters["format_type"].annotation):
        found = export(format_type=format_type)
        text = found.reset_index().to_csv() if isinstance(found, pd.DataFrame) else str(found)
        assert expected in text, format_type


def arms_come_and_go(project: redcap.Project) -> None:
    in_all_formats(project.export_arms, expected="Arm 2")
    assert project.import_arms([{"arm_num": 3, "name": "Third"}]) == 1
    assert (
        project.import_arms("arm_num,name\n4,Fourth\n", import_format="csv", return_format_type="csv") == "1"
    )
    assert project.delete_arms(["3", "4"]) == 2
    assert project.import_arms([{"arm_num": 1, "name": "Only"}], override=1) == 1


def events_come_and_go(project: redcap.Project) -> None:
    in_all_formats(project.export_events, expected="month_6_arm_2")
    assert project.import_events([{"event_name": "Extra", "arm_num": "1"}]) == 1
    assert project.delete_events(["extra_arm_1"]) == 1
    assert [row["arm_num"] for row in project.export_events(arms=["2"])] == [2]


def groups_come_and_go(project: redcap.Project) -> None:
    in_all_formats(project.export_dags, expected="north")
    assert project.import_dags([{"data_access_group_name": "New DAG", "unique_group_name": ""}]) == 1
    assert project.import_dags([{"data_access_group_name": "Other", "unique_group_name": "new_dag"}]) == 1
    assert [row["unique_group_name"] for row in project.export_dags()] == ["north", "other"]
    assert project.delete_dags(["other"]) == 1


def people_are_put_into_groups(project: redcap.Project) -> None:
    project.import_users([{"username": "pat@example.org"}])
    mapping = [{"username": "pat@example.org", "redcap_data_access_group": "north"}]
    assert project.import_user_dag_assignment(mapping) == 1
    in_all_formats(project.export_user_dag_assignment, expected="north")
    assert project.export_user_dag_assignment()[0] == mapping[0]


def the_group_is_switched(project: redcap.Project) -> None:
    assert project.switch_dag("north") == "1"
    assert project.export_records() == []
    assert project.switch_dag("") == "1"
    assert len(project.export_records()) == 3


def users_come_and_go(project: redcap.Project) -> None:
    in_all_formats(project.export_users, expected="site_admin")
    rights = {"username": "pat@example.org", "email": "pat@example.org", "design": 0, "forms": {"start": 1}}
    assert project.import_users([rights]) == 1
    user = next(one for one in project.export_users() if one["username"] == "pat@example.org")
    assert (user["design"], user["api_export"]) == (0, 0)
    assert project.delete_users(["pat@example.org"], return_format_type="xml") == "1"


def roles_come_and_go(project: redcap.Project) -> None:
    assert project.import_user_roles([{"role_label": "Readers", "design": 0}]) == 1
    in_all_formats(project.export_user_roles, expected="Readers")
    roles = project.export_user_roles()
    assert project.import_user_roles(roles) == 1
    assert project.delete_user_roles([roles[0]["unique_role_name"]]) == 1
    assert project.export_user_roles() == []


def people_are_put_into_roles(project: redcap.Project) -> None:
    project.import_user_roles([{"role_label": "Readers"}])
    project.import_users([{"username": "pat"}])
    role = project.export_user_roles()[0]["unique_role_name"]
    assert project.import_user_role_assignment([{"username": "pat", "unique_role_name": role}]) == 1
    in_all_formats(project.export_user_role_assignment, expected=role)


def files_come_and_go(project: redcap.Project) -> None:
    where = {"record": "1", "field": "scan", "event": EVENT}
    answer = project.import_file(file_name="scan.txt", file_object=io.BytesIO(b"bytes\xff\x00"), **where)
    assert answer == [{}]
    content, about = project.export_file(**where)
    assert (content, about["name"]) == (b"bytes\xff\x00", "scan.txt")
    assert project.delete_file(**where) == [{}]
    with pytest.raises(redcap.RedcapError):
        project.export_file(**where)


def the_repository_keeps_files(project: redcap.Project) -> None:
    folder = project.create_folder_in_repository("papers")[0]["folder_id"]
    project.import_file_into_repository("notes.txt", io.BytesIO(b"hello"), folder_id=folder)
    in_all_formats(project.export_file_repository, expected="papers")
    doc = project.export_file_repository(folder_id=folder)[0]
    content, about = project.export_file_from_repository(doc["doc_id"])
    assert (content, about["name"], doc["name"]) == (b"hello", "notes.txt", "notes.txt")
    assert project.delete_file_from_repository(doc["doc_id"]) == [{}]
    assert project.export_file_repository(folder_id=folder) == []


def the_mapping_is_replaced(project: redcap.Project) -> None:
    in_all_formats(project.export_instrument_event_mappings, expected="month_6_arm_2")
    mapping = project.export_instrument_event_mappings()
    assert project.import_instrument_event_mappings(mapping[:1]) == 1
    assert project.export_instrument_event_mappings() == mapping[:1]
    assert project.import_instrument_event_mappings(mapping) == 4


def the_dictionary_is_replaced(project: redcap.Project) -> None:
    in_all_formats(project.export_metadata, expected="first_name")
    frame = project.export_metadata(format_type="df")
    assert project.import_metadata(frame, import_format="df") == 9
    csv = project.export_metadata(format_type="csv")
    assert project.import_metadata(csv, import_format="csv", return_format_type="csv") == "9"
    assert project.export_metadata(format_type="csv") == csv


def the_log_is_read(project: redcap.Project) -> None:
    project.import_records([{"record_id": "7", "redcap_event_name": EVENT}])
    in_all_formats(project.export_logging, expected="Create record (API) 7")
    assert [row["record"] for row in project.export_logging(log_type="record_add")] == ["7", "2", "1"]


def a_pdf_is_made(project: redcap.Project) -> None:
    for choice in ({}, {"record": "1"}, {"all_records": True}, {"instrument": "start"}):
        content, about = project.export_pdf(**choice)
        assert content.startswith(b"%PDF")
        assert about["name"].endswith(".pdf")


def records_come_and_go(project: redcap.Project) -> None:
    in_all_formats(project.export_records, expected="Ann")
    rows = [{"record_id": 3, "redcap_event_name": EVENT, "first_name": "Cleo"}]
    assert project.import_records(rows) == {"count": 1}
    assert project.import_records(rows, return_content="ids") == ["3"]
    assert project.import_records(rows, return_content="auto_ids", force_auto_number=True) == ["4,3"]
    assert project.import_records(rows, return_content="nothing") == [{}]
    frame = project.export_records(format_type="df", records=["3"])
    assert project.import_records(frame.reset_index(), import_format="df") == {"count": 1}
    assert project.generate_next_record_name() == "5"
    assert project.delete_records(["3", "4"], delete_logging=False) == 2
    with pytest.raises(redcap.RedcapError, match="do not exist: 3"):
        project.delete_records(["3"])


def what_repeats_is_replaced(project: redcap.Project) -> None:
    in_all_formats(project.export_repeating_instruments_events, expected="month_6_arm_1")
    rows = project.export_repeating_instruments_events(format_type="csv")
    assert project.import_repeating_instruments_events(rows, import_format="csv") == 1
    whole = [{"event_name": "month_6_arm_2", "form_name": "", "custom_form_label": ""}]
    assert project.import_repeating_instruments_events(whole) == 1
    assert project.export_repeating_instruments_events() == whole


def a_report_is_exported(project: redcap.Project) -> None:
    rows = project.export_report("1")
    assert [(row["record_id"], row["first_name"]) for row in rows] == [("1", "Ann"), ("2", "Bob")]
    assert project.export_report("1", format_type="csv").startswith("record_id,redcap_event_name,")
    assert len(project.export_report("1", format_type="df")) == 2


def survey_links_are_given(project: redcap.Project) -> None:
    where = {"record": "1", "instrument": "start", "event": EVENT}
    link = project.export_survey_link(**where)
    assert "/surveys/?s=" in link
    assert link == project.export_survey_link(**where)
    assert "/surveys/?sq=" in project.export_survey_queue_link(record="1")
    assert len(project.export_survey_return_code(**where)) == 8
    assert len(project.export_survey_access_code(**where)) == 9
    people = project.export_survey_participant_list(instrument="start", event=EVENT)
    assert link in [one["survey_link"] for one in people]


def the_project_describes_itself(project: redcap.Project) -> None:
    in_all_formats(project.export_project_info, expected="Small")
    in_all_formats(project.export_instruments, expected="exam")
    in_all_formats(project.export_field_names, expected="likes____9")
    assert project.export_field_names(field="likes")[0]["choice_value"] == "1"
    assert str(project.export_version()) == "15.2.1"


CASES: dict[Callable[[redcap.Project], None], list[str]] = {
    arms_come_and_go: ["export_arms", "import_arms", "delete_arms"],
    events_come_and_go: ["export_events", "import_events", "delete_events"],
    groups_come_and_go: ["export_dags", "import_dags", "delete_dags"],
    people_are_put_into_groups: ["export_user_dag_assignment", "import_user_dag_assignment"],
    the_group_is_switched: ["switch_dag"],
    users_come_and_go: ["export_users", "import_users", "delete_users"],
    roles_come_and_go: ["export_user_roles", "import_user_roles", "delete_user_roles"],
    people_are_put_into_roles: ["export_user_role_assignment", "import_user_role_assignment"],
    files_come_and_go: ["export_file", "import_file", "delete_file"],
    the_repository_keeps_files: [
        "create_folder_in_repository",
        "export_file_repository",
        "export_file_from_repository",
        "import_file_into_repository",
        "delete_file_from_repository",
    ],
    the_mapping_is_replaced: ["export_instrument_event_mappings", "import_instrument_event_mappings"],
    the_dictionary_is_replaced: ["export_metadata", "import_metadata"],
    the_log_is_read: ["export_logging"],
    a_pdf_is_made: ["export_pdf"],
    records_come_and_go: [
        "export_records",
        "import_records",
        "delete_records",
        "generate_next_record_name",
    ],
    what_repeats_is_replaced: ["export_repeating_instruments_events", "import_repeating_instruments_events"],
    a_report_is_exported: ["export_report"],
    survey_links_are_given: [
        "export_survey_link",
        "export_survey_queue_link",
        "export_survey_return_code",
        "export_survey_access_code",
        "export_survey_participant_list",
    ],
    the_project_describes_itself: [
        "export_project_info",
        "export_instruments",
        "export_field_names",
        "export_version",
    ],
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_pycap_does_its_work(project: redcap.Project, case: Callable[[redcap.Project], None]) -> None:
    called: set[str] = set()
    for name in CASES[case]:
        setattr(project, name, noting(getattr(project, name), called))

    case(project)

    assert called == set(CASES[case])


def noting(method: Callable[..., object], called: set[str]) -> Callable[..., object]:
    """Return the method, noting when it is called; its signature stays readable."""

    def noted(*arguments: object, **named: object) -> object:
        called.add(method.__name__)
        return method(*arguments, **named)

    noted.__signature__ = inspect.signature(method)  # type: ignore[attr-defined]
    return noted


def test_no_public_method_is_left_out() -> None:
    covered = sorted(name for names in CASES.values() for name in names)

    assert covered == PUBLIC


def test_a_refusal_is_raised_with_redcaps_text(project: redcap.Project) -> None:
    with pytest.raises(redcap.RedcapError, match=json.dumps("x")[1:-1]):
        project.export_records(fields=["x"])
