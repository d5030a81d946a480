"""Rules of exports that no recording shows alone: rights, survey columns, combined options, odd versions."""

from __future__ import annotations

import hashlib
import json

import pytest
import requests
from sandbox_recordings import Api, load

from sandbox.server import Running
from sandbox.storage.rows import sort_records

VALIDATION = "text_validation_type_or_show_slider_number"
CHOICES = "select_choices_or_calculations"
METADATA = [
    {"field_name": "id", "form_name": "person", "field_type": "text", "identifier": "y"},
    {"field_name": "name", "form_name": "person", "field_type": "text", "identifier": "y"},
    {"field_name": "born", "form_name": "person", "field_type": "text", VALIDATION: "date_ymd"},
    {"field_name": "remark", "form_name": "person", "field_type": "text"},
    {"field_name": "story", "form_name": "person", "field_type": "notes"},
    {"field_name": "height", "form_name": "person", "field_type": "text", VALIDATION: "number"},
    {"field_name": "scan", "form_name": "person", "field_type": "file"},
    {"field_name": "sees", "form_name": "exam", "field_type": "yesno"},
    {
        "field_name": "likes",
        "form_name": "exam",
        "field_type": "checkbox",
        CHOICES: "1, <b>Milk</b> | -2, Tea, hot",
    },
    {"field_name": "pain", "form_name": "exam", "field_type": "slider", CHOICES: "none | some | much"},
    {"field_name": "town", "form_name": "exam", "field_type": "sql", CHOICES: "select code, name from towns"},
    {
        "field_name": "less",
        "form_name": "exam",
        "field_type": "radio",
        CHOICES: "1, x < 5 and y > 3 | 2, <i>no</i>",
    },
    {"field_name": "about", "form_name": "exam", "field_type": "descriptive"},
]
ROW = {"id": "1", "name": "Ann", "born": "1980-01-02", "remark": "a, b", "story": "long", "height": "1.5"}
EXAM = {"sees": "1", "likes___1": "1", "likes____2": "1", "pain": "40", "less": "1", "exam_complete": "2"}


@pytest.fixture(scope="module")
def people(server: Running) -> Api:
    api = new_project(server, METADATA)
    api.json("dag", action="import", data='[{"data_access_group_name": "Site A", "unique_group_name": ""}]')
    rows = [{**ROW, **EXAM, "redcap_data_access_group": "site_a"}, {"id": "2", "person_complete": "1"}]
    api.json("record", data=json.dumps(rows))
    return api


def new_project(server: Running, metadata: list[dict[str, str]], **settings: str) -> Api:
    attributes = [{"project_title": "Rules", "purpose": "0", **settings}]
    data = {
        "token": server.super_token,
        "content": "project",
        "format": "json",
        "data": json.dumps(attributes),
    }
    api = Api(server.redcap_url, requests.post(server.redcap_url, data=data, timeout=30).text[-32:])
    api.json(
        "metadata", data=json.dumps([{"field_label": row["field_name"].title(), **row} for row in metadata])
    )
    return api


def token_with(server: Running, api: Api, **levels: int) -> Api:
    project_id = api.json("project")["project_id"]
    name = f"user_{'_'.join(f'{form}{level}' for form, level in levels.items())}"
    answer = requests.post(
        f"{server.control_url}projects/{project_id}/tokens",
        json={"username": name, "forms_export": levels},
        timeout=30,
    )
    return Api(server.redcap_url, answer.json()["token"])


def header(api: Api, **fields: str) -> str:
    return api.text("record", format="csv", **fields).split("\n")[0]


def test_without_identifiers_their_fields_are_missing(server: Running, people: Api) -> None:
    few = token_with(server, people, person=3)

    assert header(few, forms="person") == "id,born,remark,story,height,scan,person_complete"


def test_deidentified_exports_have_no_identifiers_free_text_or_dates(server: Running, people: Api) -> None:
    few = token_with(server, people, person=2)

    assert header(few, forms="person") == "id,height,scan,person_complete"


@pytest.mark.parametrize("level", [2, 3])
def test_an_id_that_is_an_identifier_is_hashed(server: Running, people: Api, level: int) -> None:
    few = token_with(server, people, person=level)
    hashed = hashlib.md5(b"1").hexdigest()

    flat = few.json("record", records="1", fields="id,height")
    eav = few.json("record", records="1", fields="id,height", type="eav")
    odm = few.text("record", records="1", format="odm")

    assert flat == [{"id": hashed, "height": "1.5"}]
    assert eav == [
        {"record": hashed, "field_name": "id", "value": hashed},
        {"record": hashed, "field_name": "height", "value": "1.5"},
    ]
    assert f'SubjectKey="{hashed}"' in odm
    assert "Ann" not in odm


def test_a_hashed_record_keeps_its_group_and_can_be_filtered_by_its_name(
    server: Running, people: Api
) -> None:
    few = token_with(server, people, person=2)

    rows = few.json("record", fields="id,height", exportDataAccessGroups="true", filterLogic="[name] = 'Ann'")

    assert [row["redcap_data_access_group"] for row in rows] == ["site_a"]


def test_forms_without_access_vanish_and_their_structure_stays(server: Running, people: Api) -> None:
    few = token_with(server, people, exam=0)

    assert header(few) == "id,name,born,remark,story,height,scan,person_complete"
    assert "sees" in {row["field_name"] for row in few.json("metadata")}


@pytest.mark.parametrize("fields", [{}, {"type": "eav"}, {"format": "odm"}], ids=str)
def test_who_may_export_no_form_is_refused(server: Running, people: Api, fields: dict) -> None:
    nobody = token_with(server, people, person=0, exam=0)

    assert nobody.post("record", **{"format": "json", **fields}).status_code == 403


@pytest.mark.parametrize(
    ("spelled", "delimiter"),
    [
        ("tab", "\t"),
        ("TAB", "\t"),
        (";", ";"),
        ("|", "|"),
        ("^", "^"),
        (",", ","),
        ("", ","),
        ('"', ","),
        ("x", ","),
    ],
)
def test_delimiters_are_those_that_redcap_offers(people: Api, spelled: str, delimiter: str) -> None:
    answer = people.text("record", format="csv", fields="id,remark", records="1", csvDelimiter=spelled)

    remark = '"a, b"'
    assert answer == f"id{delimiter}remark\n1{delimiter}{remark}\n"


def test_combined_options_are_one_column_of_codes_or_labels(people: Api) -> None:
    raw = people.json("record", fields="id,likes", combineCheckboxOptions="true")
    label = people.json("record", fields="id,likes", combineCheckboxOptions="true", rawOrLabel="label")

    assert [row["likes"] for row in raw] == ["1,-2", ""]
    assert [row["likes"] for row in label] == ["Milk,Tea, hot", ""]


def test_combined_options_alone_keep_rows_with_any_of_them(people: Api) -> None:
    assert people.json("record", fields="likes", combineCheckboxOptions="1") == [{"likes": "1,-2"}]


def test_combined_options_have_the_fields_label_as_heading(people: Api) -> None:
    columns = header(people, fields="id,likes", combineCheckboxOptions="1", rawOrLabelHeaders="label")

    assert columns == "Id,Likes"


def test_labels_lose_their_tags_but_no_comparison(people: Api) -> None:
    row = people.json("record", records="1", rawOrLabel="label", exportCheckboxLabel="1")[0]

    assert (row["likes___1"], row["likes____2"], row["less"]) == ("Milk", "Tea, hot", "x < 5 and y > 3")


def test_sliders_and_queries_have_no_labels(people: Api) -> None:
    row = people.json("record", records="1", rawOrLabel="label")[0]

    assert (row["pain"], row["sees"], row["exam_complete"]) == ("40", "Yes", "Complete")


def test_groups_are_shown_by_name_where_labels_are(people: Api) -> None:
    fields = {"records": "1", "fields": "id", "exportDataAccessGroups": "true"}

    raw = people.json("record", **fields)[0]["redcap_data_access_group"]
    label = people.json("record", rawOrLabel="label", **fields)[0]["redcap_data_access_group"]

    assert (raw, label) == ("site_a", "Site A")
    assert header(people, rawOrLabelHeaders="label", **fields) == 'Id,"Data Access Group"'


def test_eav_has_groups_and_choice_labels(people: Api) -> None:
    rows = people.json(
        "record", type="eav", records="1", fields="likes,sees", exportDataAccessGroups="1", rawOrLabel="label"
    )

    assert [(row["field_name"], row["value"]) for row in rows] == [
        ("sees", "Yes"),
        ("likes", "Milk"),
        ("likes", "Tea, hot"),
        ("redcap_data_access_group", "site_a"),
    ]


def test_eav_ignores_how_flat_exports_show_checkboxes_and_headings(people: Api) -> None:
    plain = people.text("record", type="eav", format="csv")
    asked = people.text(
        "record",
        type="eav",
        format="csv",
        rawOrLabelHeaders="label",
        combineCheckboxOptions="1",
        exportCheckboxLabel="1",
    )

    assert asked == plain


def test_a_group_member_gets_no_group_column_and_only_the_groups_records(
    server: Running, people: Api
) -> None:
    project_id = people.json("project")["project_id"]
    answer = requests.post(
        f"{server.control_url}projects/{project_id}/tokens",
        json={"username": "member", "data_access_group": "site_a"},
        timeout=30,
    )
    member = Api(server.redcap_url, answer.json()["token"])

    rows = member.json("record", fields="id", exportDataAccessGroups="true", records="1,2,3")

    assert rows == [{"id": "1"}]


def test_status_fields_can_be_asked_for_by_name_and_options_cannot(people: Api) -> None:
    refused = people.post("record", format="json", fields="likes___1")

    assert people.json("record", fields="exam_complete") == [{"exam_complete": "2"}]
    assert refused.status_code == 400


def test_descriptive_fields_can_be_asked_for_and_have_no_column(people: Api) -> None:
    assert header(people, fields="id,about") == "id"


def test_cells_are_quoted_for_any_blank_quote_delimiter_or_backslash(server: Running) -> None:
    api = new_project(server, [METADATA[0], {**METADATA[4], "identifier": ""}])
    stories = [
        "plain",
        "a b",
        "a\tb",
        'say "no"',
        "back\\slash",
        "one\ntwo",
        "one\r\ntwo",
        "semi;colon",
        "a,b",
        "ü",
    ]
    api.json("record", data=json.dumps([{"id": str(n), "story": text} for n, text in enumerate(stories)]))

    answer = api.text("record", format="csv", fields="id,story")

    assert answer == (
        'id,story\n0,plain\n1,"a b"\n2,"a\tb"\n3,"say ""no"""\n4,"back\\slash"\n5,"one\ntwo"\n6,"one\r\ntwo"\n'
        '7,semi;colon\n8,"a,b"\n9,ü\n'
    )


def test_missing_data_codes_have_labels_in_any_field(server: Running) -> None:
    xml = new_project(server, METADATA[:3]).text("project_xml", returnMetadataOnly="true")
    xml = xml.replace(
        "<redcap:MissingDataCodes></redcap:MissingDataCodes>",
        "<redcap:MissingDataCodes>NI, No information</redcap:MissingDataCodes>",
    )
    data = {"token": server.super_token, "content": "project", "format": "json", "odm": xml}
    data["data"] = '[{"project_title": "Missing", "purpose": "0"}]'
    api = Api(server.redcap_url, requests.post(server.redcap_url, data=data, timeout=30).text[-32:])
    api.json("record", data='[{"id": "1", "born": "NI", "name": "Ann"}]')

    assert api.json("record", fields="born,name")[0] == {"born": "NI", "name": "Ann"}
    assert api.json("record", fields="born,name", rawOrLabel="label")[0] == {
        "born": "No information",
        "name": "Ann",
    }


@pytest.mark.parametrize(("character", "shown"), [(",", "1,5"), (".", "1.5"), ("", "1.5"), ("x", "1.5")])
def test_the_decimal_character_is_a_comma_a_dot_or_nothing(people: Api, character: str, shown: str) -> None:
    flat = people.json("record", records="1", fields="height", decimalCharacter=character)
    eav = people.json("record", records="1", fields="height", decimalCharacter=character, type="eav")

    assert flat == [{"height": shown}]
    assert eav[0]["value"] == shown


def test_events_are_ignored_in_classic_projects(people: Api) -> None:
    assert people.text("record", format="csv", events="event_9_arm_1") == people.text("record", format="csv")


def test_headings_as_labels_are_for_csv_and_flat_alone(people: Api) -> None:
    for fields in ({"format": "json"}, {"format": "xml"}, {"format": "csv", "type": "eav"}):
        plain = people.text("record", **fields)
        assert people.text("record", rawOrLabelHeaders="label", **fields) == plain


def test_a_date_range_and_records_leave_what_both_leave(people: Api) -> None:
    begin = "2000-01-01 00:00:00"

    assert [row["id"] for row in people.json("record", fields="id", dateRangeBegin=begin, records="2,7")] == [
        "2"
    ]
    assert people.json("record", fields="id", dateRangeEnd=begin) == []


def test_aggregates_in_filter_logic_reach_all_records(people: Api) -> None:
    rows = people.json("record", fields="id", filterLogic="[aggregate-count:height] = 1")

    assert [row["id"] for row in rows] == ["1", "2"]


def test_names_of_records_with_odd_characters_are_found(server: Running) -> None:
    api = new_project(server, METADATA[:2])
    names = ["Ä 1", 'q"uote', "back\\slash", "1 000", "€", "a'b"]
    api.json("record", data=json.dumps([{"id": name, "name": "x"} for name in names]))

    assert {row["id"] for row in api.json("record", fields="id")} == set(names)
    assert [row["id"] for row in api.json("record", **{"fields": "id", "records[0]": 'q"uote'})] == ['q"uote']


def test_a_surveys_timestamp_comes_with_any_of_its_fields(server: Running) -> None:
    survey = load(server, "survey")

    assert header(survey, fields="participant_id,pmq1", exportSurveyFields="true") == (
        "participant_id,redcap_survey_identifier,prescreening_survey_timestamp,"
        "participant_morale_questionnaire_timestamp,pmq1"
    )
    assert header(survey, fields="participant_id,pmq1") == "participant_id,pmq1"


def test_survey_columns_have_label_headings(server: Running) -> None:
    survey = load(server, "survey")

    columns = header(survey, fields="dob", exportSurveyFields="true", rawOrLabelHeaders="label")

    assert columns.startswith('"Survey Identifier","Survey Timestamp",')


def test_a_survey_that_was_begun_is_not_completed(server: Running) -> None:
    survey = load(server, "survey")

    rows = survey.json("record", forms="participant_morale_questionnaire", exportSurveyFields="true")

    stamps = [row["participant_morale_questionnaire_timestamp"] for row in rows]
    assert "[not completed]" in stamps
    assert set(stamps) <= {"[not completed]", "", *(stamp for stamp in stamps if len(stamp) == 19)}


def test_eav_has_instances_as_numbers(server: Running) -> None:
    visits = load(server, "repeating-events")

    rows = visits.json("record", type="eav", records="1001", fields="weight_kg")

    assert {type(row["redcap_repeat_instance"]) for row in rows} == {int, str}
    assert {row["redcap_repeat_instance"] for row in rows} == {"", 1, 2}


def test_files_are_shown_by_name_only_by_newer_servers(server: Running) -> None:
    simple = load(server, "simple")
    shown = {}
    for version in ("12.5.0", "13.0.0"):
        requests.post(server.control_url + "version", json={"version": version}, timeout=30)
        shown[version] = simple.json("record", records="1", fields="mugshot")[0]["mugshot"]
    requests.post(server.control_url + "version", json={"version": "15.2.1"}, timeout=30)

    assert shown["12.5.0"] == "[document]"
    assert shown["13.0.0"].endswith(".jpg")


def test_pseudo_fields_in_the_list_of_fields_were_allowed_once(server: Running, people: Api) -> None:
    asked = {"format": "json", "fields": "id,redcap_data_access_group"}
    requests.post(server.control_url + "version", json={"version": "13.4.9"}, timeout=30)
    before = people.post("record", **asked).status_code
    requests.post(server.control_url + "version", json={"version": "13.4.10"}, timeout=30)
    since = people.post("record", **asked).status_code
    requests.post(server.control_url + "version", json={"version": "15.2.1"}, timeout=30)

    assert (before, since) == (200, 400)


@pytest.mark.parametrize("records", ["9" * 5000, "1,\x00", "\ud7ff", "nonsense"])
def test_records_that_cannot_be_are_no_rows(people: Api, records: str) -> None:
    rows = people.json("record", fields="id", records=records)

    assert rows in ([], [{"id": "1"}])


def test_long_ids_of_digits_are_sorted_too() -> None:
    names = ["1" * 5000, "10", "9", "a1"]

    assert sort_records(names) == ["9", "10", "1" * 5000, "a1"]
    assert sort_records(names[:3]) == ["9", "10", "1" * 5000]
