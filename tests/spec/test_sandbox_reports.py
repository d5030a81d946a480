"""What a report exports: its own columns, order, filters and options (protocol section B.17)."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from redcap import Project
from sandbox_recordings import Api, create, load
from sandbox_studies import Study, new_study

from sandbox.server import Running
from sandbox.setup.reports import add_report

PEOPLE = [
    {"record_id": "1", "name": "Ann", "sex": "1", "weight": "70.5", "likes___a": "1", "likes___c": "1"},
    {"record_id": "2", "name": "Bo", "sex": "2", "weight": "9", "notes": "one\r\ntwo"},
    {"record_id": "10", "name": "Cy", "sex": "2", "weight": "100"},
]


@pytest.fixture(scope="module")
def simple(server: Running) -> Api:
    return load(server, "simple")


@pytest.fixture(scope="module")
def classic(server: Running) -> Study:
    study = new_study(server)
    study.send("dag", [{"data_access_group_name": "North", "unique_group_name": ""}], action="import")
    study.send("record", [{**PEOPLE[0], "redcap_data_access_group": "north"}, *PEOPLE[1:]])
    return study


@pytest.fixture(scope="module")
def longitudinal(server: Running) -> Study:
    study = new_study(server, longitudinal=True)
    base, month = {"redcap_event_name": "baseline_arm_1"}, {"redcap_event_name": "month_6_arm_1"}
    call = {"redcap_repeat_instrument": "call"}
    rows = [
        {"record_id": "1", **base, "name": "Ann", "weight": "70"},
        {"record_id": "1", **month, "weight": "60"},
        {"record_id": "1", **month, **call, "redcap_repeat_instance": 1, "reached": "0"},
        {"record_id": "2", **base, "name": "Bo", "weight": "80"},
        {"record_id": "2", **month, "weight": "81"},
    ]
    for row in rows:
        study.send("record", [row])
    return study


def report(server: Running, study: Study, fields: str, *, logic: str = "", **options: str) -> str:
    """Add a report with attributes as project XML spells them; returns its id."""
    project = server.state.store.projects.get(study.project_id)
    with server.state.writing():
        made = add_report(
            server.state.store,
            project,
            title="Test",
            fields=fields.split(","),
            logic=logic,
            options=options,
        )
    return str(made.number)


def rows_of(study: Study, report_id: str, **fields: str) -> list[dict[str, Any]]:
    return study.api.json("report", report_id=report_id, **fields)


def ids_of(study: Study, report_id: str) -> list[str]:
    return [row["record_id"] for row in rows_of(study, report_id)]


def test_the_columns_are_in_the_reports_order(simple: Api) -> None:
    header = simple.text("report", report_id="1", format="csv").splitlines()[0]

    assert header == "record_id,height,health_complete,address,ethnicity"


def test_a_report_is_found_by_its_unique_name_too(simple: Api) -> None:
    by_number = simple.text("report", report_id="1", format="csv")

    assert simple.text("report", report_id="R-3788YK8R7X", format="csv") == by_number


@pytest.mark.parametrize("report_id", ["", "0", "99", "x", "1,2", "1 OR 1=1"])
def test_an_unknown_report_is_refused(classic: Study, report_id: str) -> None:
    message = 'The value of the parameter "report_id" is not valid'

    assert classic.error("report", report_id=report_id) == (400, message)


def test_combined_checkboxes_are_one_column(simple: Api) -> None:
    raw = simple.json("report", report_id="2")
    labels = simple.json("report", report_id="2", rawOrLabel="label")

    assert raw[1] == {"record_id": "2", "race": "3,5"}
    assert labels[1]["race"] == "Native Hawaiian or Other Pacific Islander,White"


def test_labels_and_headings_are_those_of_a_record_export(simple: Api) -> None:
    text = simple.text(
        "report",
        report_id="1",
        format="csv",
        rawOrLabel="label",
        rawOrLabelHeaders="label",
        csvDelimiter="tab",
    )
    lines = list(csv.reader(io.StringIO(text), delimiter="\t"))

    assert lines[0] == ["Study ID", "Height (cm)", "Complete?", "Street, City, State, ZIP", "Ethnicity"]
    assert lines[1][2] == "Unverified"


def test_every_carriage_return_and_line_feed_becomes_a_blank(server: Running, classic: Study) -> None:
    joined = report(server, classic, "record_id,notes", remove_line_breaks_in_values="1")
    kept = report(server, classic, "record_id,notes")

    assert rows_of(classic, joined)[1]["notes"] == "one  two"
    assert rows_of(classic, kept)[1]["notes"] == "one\r\ntwo"


def test_checkboxes_are_columns_of_zeros_and_ones(server: Running, classic: Study) -> None:
    number = report(server, classic, "record_id,likes")

    assert rows_of(classic, number)[0] == {
        "record_id": "1",
        "likes___a": "1",
        "likes___b": "0",
        "likes___c": "1",
    }


def test_decimal_marks_are_changed_on_demand(server: Running, classic: Study) -> None:
    number = report(server, classic, "record_id,weight,double")
    row = rows_of(classic, number, decimalCharacter=",")[0]

    assert row == {"record_id": "1", "weight": "70,5", "double": "141"}


@pytest.mark.parametrize(
    ("orders", "ids"),
    [
        ({}, ["1", "2", "10"]),
        ({"orderby_field1": "record_id", "orderby_sort1": "DESC"}, ["10", "2", "1"]),
        ({"orderby_field1": "weight", "orderby_sort1": "ASC"}, ["2", "1", "10"]),
        ({"orderby_field1": "notes", "orderby_sort1": "ASC"}, ["1", "10", "2"]),
        (
            {
                "orderby_field1": "sex",
                "orderby_sort1": "DESC",
                "orderby_field2": "weight",
                "orderby_sort2": "DESC",
            },
            ["10", "2", "1"],
        ),
    ],
)
def test_rows_are_sorted_by_up_to_three_fields(
    server: Running, classic: Study, orders: dict[str, str], ids: list[str]
) -> None:
    assert ids_of(classic, report(server, classic, "record_id", **orders)) == ids


def test_both_kinds_of_logic_must_hold(server: Running, classic: Study) -> None:
    number = report(
        server,
        classic,
        "record_id",
        logic="[sex] = '2'\n# men",
        limiter_logic="[weight] > 50 or [weight] = ''",
    )

    assert ids_of(classic, number) == ["10"]


def test_broken_logic_is_refused(server: Running, classic: Study) -> None:
    number = report(server, classic, "record_id", logic="[sex] = (")

    assert classic.error("report", report_id=number)[0] == 400


def test_a_filter_by_access_group_keeps_its_records(server: Running, classic: Study) -> None:
    number = report(server, classic, "record_id,name", output_dags="1", redcap_reports_filter_dags="north")

    assert rows_of(classic, number) == [
        {"record_id": "1", "redcap_data_access_group": "north", "name": "Ann"}
    ]


def test_a_user_in_an_access_group_gets_only_its_records(server: Running, classic: Study) -> None:
    number = report(server, classic, "record_id,name")
    api = classic.as_user(data_access_group="north")

    assert [row["record_id"] for row in api.json("report", report_id=number)] == ["1"]


def test_export_rights_hold_for_reports(server: Running, classic: Study) -> None:
    number = report(server, classic, "record_id,name,sex,weight")
    part = classic.as_user(forms_export={"contact": 3, "exam": 0})
    none = classic.as_user(forms_export=dict.fromkeys(("contact", "exam", "call"), 0))

    assert part.json("report", report_id=number)[0] == {"record_id": "1", "sex": "1"}
    assert none.post("report", report_id=number).status_code == 403


def test_a_report_needs_the_right_to_export(server: Running, classic: Study) -> None:
    number = report(server, classic, "record_id")

    assert classic.as_user(rights={"api_export": 0}).post("report", report_id=number).status_code == 403


def test_filters_of_a_record_export_do_not_count(server: Running, classic: Study) -> None:
    number = report(server, classic, "record_id,name")
    fields = {"records": "2", "fields": "sex", "filterLogic": "[sex] = '1'", "type": "eav"}

    assert rows_of(classic, number, **fields) == rows_of(classic, number)


def test_event_and_repeat_columns_follow_the_id(server: Running, longitudinal: Study) -> None:
    number = report(server, longitudinal, "record_id,reached,weight")
    row = rows_of(longitudinal, number)[2]

    assert list(row) == [
        "record_id",
        "redcap_event_name",
        "redcap_repeat_instrument",
        "redcap_repeat_instance",
        "reached",
        "weight",
    ]
    assert list(row.values()) == ["1", "month_6_arm_1", "call", 1, "0", ""]


def test_repeat_columns_can_be_left_out(server: Running, longitudinal: Study) -> None:
    number = report(server, longitudinal, "record_id,name", report_display_include_repeating_fields="0")

    assert rows_of(longitudinal, number)[0] == {
        "record_id": "1",
        "redcap_event_name": "baseline_arm_1",
        "name": "Ann",
    }


def test_rows_without_any_value_of_the_report_are_left_out(server: Running, longitudinal: Study) -> None:
    number = report(server, longitudinal, "record_id,name")

    assert [row["name"] for row in rows_of(longitudinal, number)] == ["Ann", "Bo"]


@pytest.mark.parametrize(("kind", "weights"), [("EVENT", ["60"]), ("RECORD", ["70", "60"])])
def test_logic_keeps_rows_or_whole_records(
    server: Running, longitudinal: Study, kind: str, weights: list[str]
) -> None:
    number = report(server, longitudinal, "record_id,weight", logic="[weight] < 65", filter_type=kind)

    assert [row["weight"] for row in rows_of(longitudinal, number)] == weights


def test_a_filter_by_event_keeps_its_rows(server: Running, longitudinal: Study) -> None:
    number = report(server, longitudinal, "record_id,weight", redcap_reports_filter_events="month_6_arm_1")

    assert [row["weight"] for row in rows_of(longitudinal, number)] == ["60", "81"]


def test_survey_columns_come_before_the_first_field_of_their_form(server: Running) -> None:
    study = new_study(server)
    study.control("surveys", {"instrument": "exam"})
    study.send("record", [{"record_id": "1", "weight": "5", "name": "Ann"}])
    number = report(server, study, "record_id,notes,weight,name", output_survey_fields="1")

    assert list(rows_of(study, number)[0]) == [
        "record_id",
        "redcap_survey_identifier",
        "exam_timestamp",
        "notes",
        "weight",
        "name",
    ]


@pytest.mark.parametrize(("option", "value"), [("0", ""), ("1", "-99")])
def test_codes_for_missing_data_are_shown_on_demand(server: Running, option: str, value: str) -> None:
    study = new_study(server)
    project = server.state.store.projects.get(study.project_id)
    with server.state.writing():
        project.settings["MissingDataCodes"] = "-99, Not asked"
        server.state.store.projects.save(project)
    study.send("record", [{"record_id": "1", "weight": "-99"}])
    number = report(server, study, "record_id,weight", output_missing_data_codes=option)

    assert rows_of(study, number) == [{"record_id": "1", "weight": value}]


def test_an_empty_report_is_a_line_break_or_an_empty_list(server: Running, classic: Study) -> None:
    number = report(server, classic, "record_id", logic="[sex] = '9'")

    assert classic.api.text("report", report_id=number, format="csv") == "\n"
    assert rows_of(classic, number) == []
    assert classic.api.text("report", report_id=number).endswith("<records></records>")


def test_fields_that_the_project_lost_are_left_out(server: Running) -> None:
    study = new_study(server)
    number = report(server, study, "record_id,weight")
    dictionary = [one for one in study.api.json("metadata") if one["field_name"] not in ("weight", "double")]
    study.send("metadata", dictionary)
    study.send("record", [{"record_id": "1"}])

    assert rows_of(study, number) == [{"record_id": "1"}]


def test_a_report_that_was_made_here_survives_a_round_trip(server: Running) -> None:
    study = new_study(server)
    study.send("record", [PEOPLE[0]])
    made = study.control(
        "reports", {"title": 'A "quoted" <b>title</b>', "fields": "record_id,name", "logic": "[sex]\n<> '2'"}
    )
    again = create(server, study.api.text("project_xml"))

    assert study.control("reports", method="GET") == [made]
    assert again.json("report", report_id=made["unique_name"]) == [{"record_id": "1", "name": "Ann"}]


def test_pycap_exports_a_report(simple: Api) -> None:
    project = Project(simple.url, simple.token)
    frame = project.export_report("1", format_type="df", df_kwargs={"dtype": "str"})

    assert project.export_report("1")[0]["height"] == "7"
    assert list(frame.columns) == ["height", "health_complete", "address", "ethnicity"]
    assert "<health_complete>" in project.export_report("1", format_type="xml")
