"""Which rows and columns an export has, and how values are shown (protocol section C)."""

from __future__ import annotations

import json
from datetime import datetime

import pytest
from sandbox_recordings import Api, load

from sandbox.server import Running


@pytest.fixture(scope="module")
def simple(server: Running) -> Api:
    return load(server, "simple")


@pytest.fixture(scope="module")
def longitudinal(server: Running) -> Api:
    return load(server, "longitudinal")


@pytest.fixture(scope="module")
def visits(server: Running) -> Api:
    return load(server, "repeating-events")


def header(api: Api, **fields: str) -> str:
    return api.text("record", format="csv", **fields).split("\n")[0]


@pytest.mark.parametrize(
    "spelled",
    [
        {"fields": "weight,record_id"},
        {"fields[]": "weight", "fields": "", "fields[1]": "record_id"},
        {"fields[0]": "weight", "fields[1]": "record_id"},
    ],
)
def test_array_parameters_may_be_spelled_in_three_ways(simple: Api, spelled: dict) -> None:
    assert header(simple, **spelled) == "record_id,weight"


def test_an_empty_array_is_no_filter(simple: Api) -> None:
    assert header(simple, fields="", forms="") == header(simple)


def test_columns_are_the_union_of_forms_and_fields_in_project_order(simple: Api) -> None:
    columns = header(simple, forms="race_and_ethnicity", fields="bmi,health_complete,record_id")

    assert columns == (
        "record_id,bmi,health_complete,race___1,race___2,race___3,race___4,race___5,race___6,ethnicity,"
        "interpreter_needed,race_and_ethnicity_complete"
    )


def test_id_event_and_instance_columns_vanish_when_the_id_is_not_requested(visits: Api) -> None:
    answer = visits.text("record", format="csv", fields="weight_kg").split("\n")

    assert answer[0] == "weight_kg"
    assert len(answer) - 2 == 500


def test_rows_without_a_requested_value_vanish_only_without_the_id(visits: Api) -> None:
    assert len(visits.json("record", fields="race")) == 100
    assert len(visits.json("record", fields="race,record_id")) == 800


def test_unknown_fields_are_refused_by_name(simple: Api) -> None:
    response = simple.post("record", format="json", fields="age,xxx,yyy")

    assert response.status_code == 400
    assert response.json() == {
        "error": "The following values in the parameter \"fields\" are not valid: 'xxx', 'yyy'"
    }


def test_unknown_forms_are_no_filter(simple: Api) -> None:
    assert header(simple, forms="nonsense") == header(simple)


def test_pseudo_fields_are_unknown_fields(longitudinal: Api) -> None:
    assert longitudinal.post("record", format="json", fields="redcap_event_name").status_code == 400


def test_an_export_without_rows_is_a_line_break_or_an_empty_list(simple: Api) -> None:
    assert simple.text("record", format="csv", records="99") == "\n"
    assert simple.text("record", format="json", records="99") == "[]"
    assert simple.text("record", format="xml", records="99") == (
        '<?xml version="1.0" encoding="UTF-8" ?><records></records>'
    )


def test_xml_has_values_in_cdata(simple: Api) -> None:
    answer = simple.text("record", format="xml", records="1", fields="record_id,name_first")

    assert answer == (
        '<?xml version="1.0" encoding="UTF-8" ?><records><item><record_id><![CDATA[1]]></record_id>'
        "<name_first><![CDATA[Nutmeg]]></name_first></item></records>"
    )


def test_json_escapes_slashes_and_has_instances_as_numbers(visits: Api) -> None:
    answer = visits.text("record", format="json", records="1001", fields="record_id,weight_kg")

    assert '"redcap_repeat_instance":1,' in answer
    assert '"redcap_repeat_instance":"",' in answer
    assert '"record_id":"1001"' in answer


def test_events_filter_rows(longitudinal: Api) -> None:
    rows = longitudinal.json("record", events="dose_1_arm_1,nonsense")

    assert {row["redcap_event_name"] for row in rows} == {"dose_1_arm_1"}


def test_base_rows_of_all_events_come_before_all_repeating_rows(visits: Api) -> None:
    rows = visits.json("record", records="1001", fields="record_id")

    places = [
        (row["redcap_event_name"], row["redcap_repeat_instrument"], row["redcap_repeat_instance"])
        for row in rows
    ]
    assert places == [
        ("enrollment_arm_1", "", ""),
        ("baseline_arm_1", "", ""),
        ("visit_arm_1", "", 1),
        ("visit_arm_1", "", 2),
        ("home_visit_arm_1", "weight", 1),
        ("home_visit_arm_1", "weight", 2),
        ("home_visit_arm_1", "cardiovascular", 1),
        ("home_visit_arm_1", "cardiovascular", 2),
    ]


def test_cells_of_forms_that_the_row_does_not_have_are_blank(visits: Api) -> None:
    row = visits.json("record", records="1001")[1]

    assert row["redcap_event_name"] == "baseline_arm_1"
    assert {row["race___0"], row["enrollment_complete"], row["first_name"]} == {""}
    assert row["weight_complete"] == "2"


def test_records_are_in_natural_order(server: Running) -> None:
    api = load(server, "dag")
    api.json("record", data=json.dumps([{"record_id": name} for name in ("331-10", "9", "b1", "a2", "10")]))

    rows = api.json("record", fields="record_id")

    assert [row["record_id"] for row in rows] == ["9", "10", "331-1", "331-2", "331-10", "332-3", "a2", "b1"]


def test_labels_replace_codes(simple: Api) -> None:
    row = simple.json("record", records="1", rawOrLabel="label")[0]

    assert row["sex"] == "Female"
    assert (row["race___5"], row["race___1"]) == ("Checked", "Unchecked")
    assert (row["demographics_complete"], row["health_complete"]) == ("Complete", "Unverified")
    assert row["dob"] == "2003-08-30"


def test_checkbox_labels_replace_checked(simple: Api) -> None:
    row = simple.json("record", records="1", rawOrLabel="label", exportCheckboxLabel="true")[0]

    assert (row["race___5"], row["race___1"]) == ("White", "")


def test_event_labels_name_the_arm_where_there_are_several(longitudinal: Api) -> None:
    row = longitudinal.json("record", records="100", rawOrLabel="label")[0]

    assert row["redcap_event_name"] == "Enrollment (Arm 1: Drug A)"


def test_label_headings_are_for_csv_alone(simple: Api) -> None:
    columns = header(simple, rawOrLabelHeaders="label", fields="record_id,race,demographics_complete,sex")

    assert columns.startswith(
        '"Study ID",Gender,Complete?,"Race (Select all that apply) (choice=American Indian'
    )
    assert list(simple.json("record", rawOrLabelHeaders="label", fields="sex")[0]) == ["sex"]


def test_pseudo_columns_have_label_headings(visits: Api) -> None:
    columns = header(visits, rawOrLabelHeaders="label", fields="record_id")

    assert columns == '"Record ID","Event Name","Repeat Instrument","Repeat Instance"'


def test_gray_status_may_be_blank(server: Running) -> None:
    api = load(server, "simple")
    api.json("record", data='[{"record_id": "6", "age": "1"}]')

    gray = api.json("record", records="6", exportBlankForGrayFormStatus="TRUE")[0]
    plain = api.json("record", records="6")[0]

    assert (gray["demographics_complete"], gray["health_complete"], gray["race___1"]) == ("0", "", "0")
    assert plain["health_complete"] == "0"


def test_the_decimal_character_changes_numbers_and_calculations_only(simple: Api) -> None:
    row = simple.json("record", records="5", decimalCharacter=",")[0]

    assert (row["bmi"], row["height"], row["email"]) == ("27,9", "193,04", "left@hippocket.com")


def test_other_delimiters_change_what_is_quoted(simple: Api) -> None:
    answer = simple.text("record", format="csv", csvDelimiter="tab", records="1", fields="record_id,comments")

    assert answer == 'record_id\tcomments\n1\t"Character in a book, with some guessing"\n'


def test_eav_lists_stored_values_only(simple: Api) -> None:
    rows = simple.json("record", type="eav", records="1", fields="record_id,race,sex")

    assert rows == [
        {"record": "1", "field_name": "record_id", "value": "1"},
        {"record": "1", "field_name": "sex", "value": "0"},
        {"record": "1", "field_name": "race", "value": "5"},
    ]


def test_eav_of_a_repeating_project_says_where_values_are(visits: Api) -> None:
    answer = visits.text("record", format="csv", type="eav", records="1001", fields="weight_kg").split("\n")

    assert answer[:2] == [
        "record,redcap_event_name,redcap_repeat_instrument,redcap_repeat_instance,field_name,value",
        "1001,baseline_arm_1,,,weight_kg,93.1",
    ]


@pytest.mark.parametrize(
    ("logic", "records"),
    [
        ("[age] >= 61", {"3", "4"}),
        ("[name_first] = 'John Lee'", {"5"}),
        ("[race(5)] = '1' and [sex] = '0'", {"1", "4"}),
        ("[mugshot] = 'nothing'", set()),
    ],
)
def test_filter_logic_keeps_rows_where_it_holds(simple: Api, logic: str, records: set[str]) -> None:
    rows = simple.json("record", filterLogic=logic, fields="record_id")

    assert {row["record_id"] for row in rows} == records


def test_filter_logic_looks_at_each_row_unless_it_names_an_event(longitudinal: Api) -> None:
    own = longitudinal.json("record", filterLogic="[age] > 30", fields="study_id")
    named = longitudinal.json("record", filterLogic="[enrollment_arm_1][age] > 30", events="dose_1_arm_1")

    assert {row["redcap_event_name"] for row in own} == {"enrollment_arm_1", "enrollment_arm_2"} & {
        row["redcap_event_name"] for row in own
    }
    assert {row["study_id"] for row in named} <= {row["study_id"] for row in own}
    assert {row["redcap_event_name"] for row in named} == {"dose_1_arm_1"}


@pytest.mark.parametrize("logic", ["[age] >", "[nonsense] = 1"])
def test_wrong_filter_logic_is_refused(simple: Api, logic: str) -> None:
    assert simple.post("record", format="json", filterLogic=logic).status_code == 400


def test_a_date_range_keeps_records_that_the_log_says_were_written_in_it(server: Running) -> None:
    server.state.clock.freeze(datetime(2024, 4, 1))  # noqa: DTZ001  # REDCap's clock has no zone
    api = load(server, "simple")
    for day, record in ((1, "1"), (2, "2"), (3, "3")):
        with server.state.lock:
            server.state.clock.freeze(datetime(2024, 5, day, 12, 0, 0))  # noqa: DTZ001  # REDCap's clock has no zone
        api.json("record", data=json.dumps([{"record_id": record, "age": str(day)}]))
    server.state.clock.freeze(None)

    late = api.json("record", dateRangeBegin="2024-05-01 12:00:00", fields="record_id")
    middle = api.json(
        "record", dateRangeBegin="2024-05-01 12:00:00", dateRangeEnd="2024-05-03 12:00:00", fields="record_id"
    )

    assert [row["record_id"] for row in late] == ["2", "3"]
    assert [row["record_id"] for row in middle] == ["2"]


def test_an_import_that_changes_nothing_is_not_in_the_range(server: Running) -> None:
    server.state.clock.freeze(datetime(2024, 4, 1))  # noqa: DTZ001  # REDCap's clock has no zone
    api = load(server, "simple")
    server.state.clock.freeze(None)
    api.json("record", data='[{"record_id": "1", "age": "11"}]')

    assert api.json("record", dateRangeBegin="2024-04-01 00:00:01") == []
    assert len(api.json("record", dateRangeBegin="2024-03-31 00:00:00")) == 5
