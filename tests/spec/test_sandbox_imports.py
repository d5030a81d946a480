"""What a record import accepts, what it refuses and with which words (protocol section D)."""

from __future__ import annotations

import json

import pytest
from sandbox_recordings import Api, create, load

from sandbox.server import Running

GENERIC = (
    "The value you provided could not be validated because it does not follow the expected format. "
    "Please try again."
)
DATE = (
    "Invalid date format. (NOTE: Dates must be imported here only in {0} format or {1} format, regardless of "
    "the specific date format designated for this field.)"
)
DAY = DATE.format("M/D/Y", "Y-M-D")
MINUTE = DATE.format("M/D/Y H:M", "Y-M-D H:M")
SECOND = DATE.format("M/D/Y H:M:S", "Y-M-D H:M:S")
# Field of the project with all validation types, a wrong value, and REDCap's words.
REFUSED = [
    ("f_dropdown", "3", "The value is not a valid category for f_dropdown"),
    ("f_dropdown", "Zero", "The value is not a valid category for f_dropdown"),
    ("f_radio", "01", "The value is not a valid category for f_radio"),
    ("f_yes_no", "Yes", "The value is not a valid category for f_yes_no"),
    ("f_true_false", "TRUE", "The value is not a valid category for f_true_false"),
    ("f_checkbox___1", "2", "The value is not a valid category for f_checkbox___1"),
    ("form_1_complete", "3", "The value is not a valid category for form_1_complete"),
    ("f_slider", "101", GENERIC),
    ("f_slider", "1.5", GENERIC),
    ("v_date_dmy", "31/12/2020", DAY),
    ("v_date_mdy", "2020-13-01", DAY),
    ("v_date_ymd", "2020-02-30", DAY),
    ("v_date_ymd", "2020-02-03 10:00", DAY),
    ("v_datetime_dmy", "2020-01-01", MINUTE),
    ("v_datetime_mdy", "2020-01-01 24:00", MINUTE),
    ("v_datetime_ymd", "2020-01-01T10:00", MINUTE),
    ("v_datetime_seconds_dmy", "2020-01-01 10:00:60", SECOND),
    ("v_datetime_seconds_mdy", "10:00:00", SECOND),
    ("v_datetime_seconds_ymd", "soon", SECOND),
    ("v_integer", "1.0", "This value you provided is not an integer. Please try again."),
    ("v_number", "1,5", GENERIC),
    ("v_number_1dp", "22", GENERIC),
    ("v_number_1dp", "22.00", GENERIC),
    ("v_number_2dp", "22.0", GENERIC),
    ("v_number_3dp", "22.00", GENERIC),
    ("v_number_4dp", "22.000", GENERIC),
    ("v_number_comma_decimal", "1.5", GENERIC),
    ("v_number_1dp_comma_decimal", "1.5", GENERIC),
    ("v_number_2dp_comma_decimal", "1,5", GENERIC),
    ("v_number_3dp_comma_decimal", "1,50", GENERIC),
    ("v_number_4dp_comma_decimal", "1,500", GENERIC),
    ("v_email", "nobody@nowhere", "Email address is not properly formatted."),
    (
        "v_phone",
        "555 1212",
        "This field must be a 10 digit U.S. phone number (like 415 555 1212). Please re-enter it now.",
    ),
    ("v_phone_australia", "12", GENERIC),
    (
        "v_zipcode",
        "9404",
        "This field must be a 5 or 9 digit U.S. ZIP Code (like 94043). Please re-enter it now.",
    ),
    ("v_postalcode_australia", "123", GENERIC),
    ("v_postalcode_canada", "K1A", GENERIC),
    ("v_postalcode_french", "7500", GENERIC),
    ("v_postalcode_germany", "1011", GENERIC),
    ("v_ssn", "123456789", GENERIC),
    ("v_alpha_only", "abc1", GENERIC),
    ("v_mrn_10d", "123456789", GENERIC),
    ("v_mrn_generic", "a b", GENERIC),
    (
        "v_vmrn",
        "123",
        "The value entered is not a valid Vanderbilt Medical Record Number (i.e. 4- to 9-digit number, "
        "excluding leading zeros). Please try again.",
    ),
    (
        "v_time_hh_mm",
        "24:00",
        "The value entered must be a time value in the following format HH:MM within the range 00:00-23:59 "
        "(e.g., 04:32 or 23:19).",
    ),
    ("v_time_hh_mm_ss", "10:00", GENERIC),
    ("v_time_mm_ss", "60:00", GENERIC),
]
# Field, given text, stored text.
ACCEPTED = [
    ("v_date_dmy", "2020-1-2", "2020-01-02"),
    ("v_date_dmy", "01/02/2020", "2020-01-02"),
    ("v_date_ymd", "2020/01/02", "2020-01-02"),
    ("v_date_mdy", "1/2/20", "2020-01-02"),
    ("v_datetime_dmy", "2020-01-02 3:04", "2020-01-02 03:04"),
    ("v_datetime_seconds_ymd", "2020-01-02 03:04", "2020-01-02 03:04:00"),
    ("v_integer", "-7", "-7"),
    ("v_number", ".5", ".5"),
    ("v_number", "5.", "5."),
    ("v_number", "1e5", "1e5"),
    ("v_number_1dp", "22.0", "22.0"),
    ("v_number_comma_decimal", "1,5", "1,5"),
    ("v_email", "joe@user.com", "joe@user.com"),
    ("v_phone", "(405) 321-1111", "(405) 321-1111"),
    ("v_zipcode", "94043-1234", "94043-1234"),
    ("v_postalcode_canada", "K1A 0B1", "K1A 0B1"),
    ("v_time_hh_mm", "4:32", "4:32"),
    ("f_notes", " kept\r\nas it is ", " kept\r\nas it is "),
    ("f_slider", "100", "100"),
]


@pytest.fixture(scope="module")
def types(server: Running) -> Api:
    return load(server, "validation-types-1")


@pytest.fixture
def simple(server: Running) -> Api:
    return load(server, "simple")


@pytest.fixture
def longitudinal(server: Running) -> Api:
    return load(server, "longitudinal")


@pytest.fixture
def repeating(server: Running) -> Api:
    return load(server, "repeating-instruments")


def send(api: Api, rows: list[dict], **fields: str):
    return api.post("record", format="json", data=json.dumps(rows), **fields)


def refusal(api: Api, rows: list[dict]) -> str:
    response = send(api, rows)
    assert response.status_code == 400
    return response.json()["error"]


def value(api: Api, record: str, field: str) -> str:
    return api.json("record", records=record)[0][field]


@pytest.mark.parametrize(("field", "wrong", "message"), REFUSED)
def test_a_value_of_the_wrong_type_is_refused_in_redcaps_words(
    types: Api, field: str, wrong: str, message: str
) -> None:
    error = refusal(types, [{"record_id": "1", field: wrong}])

    assert error == f'"1","{field}","{wrong}","{message}"'


@pytest.mark.parametrize(("field", "given", "stored"), ACCEPTED)
def test_a_value_of_the_right_type_is_stored(types: Api, field: str, given: str, stored: str) -> None:
    response = send(types, [{"record_id": "7", field: given}])

    assert response.text == '{"count": 1}'
    assert value(types, "7", field) == stored


def test_slash_dates_are_read_day_first_on_request(types: Api) -> None:
    send(types, [{"record_id": "8", "v_date_mdy": "02/01/2020"}], dateFormat="DMY")

    assert value(types, "8", "v_date_mdy") == "2020-01-02"


def test_one_wrong_cell_keeps_everything_out(simple: Api) -> None:
    before = simple.text("record", format="csv")

    error = refusal(simple, [{"record_id": "1", "age": "12"}, {"record_id": "2", "sex": "9"}])

    assert error == '"2","sex","9","The value is not a valid category for sex"'
    assert simple.text("record", format="csv") == before


def test_every_wrong_cell_is_one_line_of_the_error_block(simple: Api) -> None:
    rows = [{"record_id": "1", "sex": "9"}, {"record_id": "2", "sex": 'a"b'}]

    body = send(simple, rows, returnFormat="csv").text

    text = "The value is not a valid category for sex"
    assert body == f'ERROR: "1","sex","9","{text}"\n"2","sex","a""b","{text}"'


def test_the_error_block_in_json_has_escaped_quotes_and_breaks(simple: Api) -> None:
    rows = [{"record_id": "1", "sex": "9"}, {"record_id": "2", "sex": "8"}]

    body = send(simple, rows).text

    text = "The value is not a valid category for sex"
    assert (
        body
        == f'{{"error":"\\"1\\",\\"sex\\",\\"9\\",\\"{text}\\"\\n\\"2\\",\\"sex\\",\\"8\\",\\"{text}\\""}}'
    )


def test_limits_and_required_fields_do_not_stop_an_import(simple: Api) -> None:
    response = send(simple, [{"record_id": "1", "height": "7000"}])

    assert response.text == '{"count": 1}'
    assert value(simple, "1", "height") == "7000"


def test_unknown_columns_are_refused_alone_and_first(simple: Api) -> None:
    error = refusal(simple, [{"record_id": "1", "foo": "", "sex": "9", "baz": "1"}])

    assert error == "The following fields were not found in the project as real data fields: foo, baz"


def test_files_are_refused_and_supplied_calculations_ignored(simple: Api) -> None:
    error = refusal(simple, [{"record_id": "1", "mugshot": "a.jpg", "bmi": "3"}])

    assert error.startswith('"1","mugshot","a.jpg",')
    assert "bmi" not in error


def test_a_calculated_field_follows_its_inputs(simple: Api) -> None:
    send(simple, [{"record_id": "1", "height": "180", "weight": "80", "bmi": "1"}])

    assert value(simple, "1", "bmi") == "24.7"
    assert value(simple, "2", "bmi") == "277.8"


def test_a_calculated_field_is_emptied_with_its_input(simple: Api) -> None:
    send(simple, [{"record_id": "3", "weight": ""}], overwriteBehavior="overwrite")

    assert value(simple, "3", "bmi") == ""


def test_blanks_leave_values_alone_in_normal_mode(simple: Api) -> None:
    send(simple, [{"record_id": "1", "age": "", "race___5": ""}])

    assert value(simple, "1", "age") == "11"
    assert value(simple, "1", "race___5") == "1"


def test_blanks_delete_values_in_overwrite_mode(simple: Api) -> None:
    send(simple, [{"record_id": "1", "age": "", "race___5": ""}], overwriteBehavior="overwrite")

    assert value(simple, "1", "age") == ""
    assert value(simple, "1", "race___5") == "0"
    assert value(simple, "1", "dob") == "2003-08-30"


def test_a_zero_unchecks_an_option_in_both_modes(simple: Api) -> None:
    send(simple, [{"record_id": "1", "race___5": "0"}])

    assert value(simple, "1", "race___5") == "0"


def test_a_row_with_an_id_alone_creates_the_record(simple: Api) -> None:
    response = send(simple, [{"record_id": "6"}, {"record_id": "7"}])

    assert response.text == '{"count": 2}'
    assert value(simple, "7", "demographics_complete") == "0"


def test_the_status_of_a_form_starts_with_its_first_data(simple: Api) -> None:
    send(simple, [{"record_id": "6", "height": "180"}])

    row = simple.json("record", records="6", exportBlankForGrayFormStatus="true")[0]
    assert row["health_complete"] == "0"
    assert row["race_and_ethnicity_complete"] == ""


def test_the_later_of_two_rows_wins_cell_by_cell(simple: Api) -> None:
    rows = [
        {"record_id": "1", "age": "20", "name_first": "A"},
        {"record_id": "1", "age": "30", "name_first": ""},
    ]

    response = send(simple, rows)

    assert response.text == '{"count": 1}'
    assert value(simple, "1", "age") == "30"
    assert value(simple, "1", "name_first") == "A"


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({"returnFormat": "json"}, '{"count": 2}'),
        ({"returnFormat": "csv"}, "2"),
        ({"returnFormat": "xml"}, '<?xml version="1.0" encoding="UTF-8" ?><count>2</count>'),
        ({"returnContent": "ids"}, '["6","7"]'),
        ({"returnContent": "ids", "returnFormat": "csv"}, "id\n6\n7"),
        ({"returnContent": "nothing"}, ""),
        ({"returnContent": "auto_ids", "forceAutoNumber": "true"}, '["6,7","7,6"]'),
        ({"returnContent": "auto_ids", "forceAutoNumber": "1", "returnFormat": "csv"}, 'id\n"6,7"\n"7,6"'),
        ({"backgroundProcess": "true"}, '{"success": true}'),
    ],
)
def test_the_answer_has_the_shape_asked_for(simple: Api, fields: dict, answer: str) -> None:
    order = ["7", "6"] if "auto_ids" in fields.values() else ["6", "7"]

    response = send(simple, [{"record_id": record} for record in order], **fields)

    assert response.text == answer


def test_forced_numbers_keep_the_rows_of_one_placeholder_together(simple: Api) -> None:
    rows = [{"record_id": "x", "age": "1"}, {"record_id": "y", "age": "2"}, {"record_id": "x", "sex": "0"}]

    response = send(simple, rows, forceAutoNumber="true", returnContent="ids")

    assert response.json() == ["6", "7"]
    assert (value(simple, "6", "age"), value(simple, "6", "sex"), value(simple, "7", "age")) == (
        "1",
        "0",
        "2",
    )


def test_placeholders_stay_where_numbering_is_off(server: Running) -> None:
    api = load(server, "dag")

    response = send(api, [{"record_id": "new1"}], forceAutoNumber="true", returnContent="auto_ids")

    assert response.json() == ["new1,new1"]


def test_csv_with_another_delimiter_and_blank_lines_is_read(simple: Api) -> None:
    data = 'record_id;name_first\n\n6;"a ""b""\nc"\n;\n'

    answer = simple.text("record", format="csv", data=data, csvDelimiter=";")

    assert answer == "1"
    assert value(simple, "6", "name_first") == 'a "b"\nc'


def test_xml_is_read_with_cdata(simple: Api) -> None:
    data = (
        '<?xml version="1.0" encoding="UTF-8" ?><records><item><record_id>6</record_id>'
        "<comments><![CDATA[a < b]]></comments></item></records>"
    )

    answer = simple.text("record", format="xml", data=data)

    assert answer == '<?xml version="1.0" encoding="UTF-8" ?><count>1</count>'
    assert value(simple, "6", "comments") == "a < b"


def test_odm_rows_are_read_without_a_study(server: Running) -> None:
    first, second = load(server, "repeating-instruments"), load(server, "repeating-instruments")
    first.json("record", data='[{"record_id": "9", "first_name": "A", "sex": "1"}]')

    answer = second.text("record", format="odm", data=first.text("record", format="odm", records="9"))

    assert answer == '<?xml version="1.0" encoding="UTF-8" ?><count>1</count>'
    assert second.text("record", format="csv") == first.text("record", format="csv")


def test_eav_lines_address_checkboxes_by_column(simple: Api) -> None:
    rows = [
        {"record": "6", "field_name": "race___4", "value": "1"},
        {"record": "6", "field_name": "age", "value": 5},
    ]

    response = send(simple, rows, type="eav")

    assert response.text == '{"count": 1}'
    assert (value(simple, "6", "race___4"), value(simple, "6", "age")) == ("1", "5")


@pytest.mark.parametrize(
    ("number", "text"),
    [("1.50", "1.5"), ("4.0", "4"), ("1e3", "1000"), ("0.1", "0.1"), ("-5", "-5"), ("1e-7", "1.0E-7")],
)
def test_numbers_of_json_are_spelled_as_php_spells_them(simple: Api, number: str, text: str) -> None:
    simple.text("record", format="json", data=f'[{{"record_id": 6, "comments": {number}}}]')

    assert simple.json("record", records="6")[0]["comments"] == text


def test_nulls_and_texts_of_json_are_taken_as_written(simple: Api) -> None:
    data = '[{"record_id": 6, "height": "1.50", "comments": null, "age": "007"}]'

    simple.text("record", format="json", data=data)

    row = simple.json("record", records="6")[0]
    assert (row["height"], row["comments"], row["age"]) == ("1.50", "", "007")


def test_a_bare_json_object_imports_nothing(simple: Api) -> None:
    answer = simple.text("record", format="json", data='{"record_id": "6"}')

    assert answer == '{"count": 0}'
    assert len(simple.json("record")) == 5


def test_broken_json_is_refused(simple: Api) -> None:
    response = simple.post("record", format="json", data="[{]")

    assert response.status_code == 400
    assert response.json()["error"] == (
        "The data being imported is not formatted correctly. PHP error from JSON decoder: Syntax error. "
        "The JSON "
        "must be in an array, as in [{ ... }]."
    )


def test_a_row_without_an_event_goes_into_the_first(longitudinal: Api) -> None:
    send(longitudinal, [{"study_id": "900", "first_name": "A"}])

    assert value(longitudinal, "900", "redcap_event_name") == "enrollment_arm_1"


def test_unknown_events_are_refused_together(longitudinal: Api) -> None:
    rows = [{"study_id": "1", "redcap_event_name": name} for name in ("visit_11_arm_1", "dose_1_arm_1", "no")]

    error = refusal(longitudinal, rows)

    assert error == "The following values of redcap_event_name are invalid: visit_11_arm_1, no"


def test_a_value_on_a_form_that_the_event_does_not_have_is_refused(longitudinal: Api) -> None:
    error = refusal(
        longitudinal, [{"study_id": "100", "redcap_event_name": "dose_1_arm_1", "first_name": "A"}]
    )

    assert error == (
        '"100","first_name","A","This field (\'first_name\') exists on an instrument that is not '
        "designated for "
        "the event named 'Dose 1 (Arm 1: Drug A)'. You are not allowed to import data for this field "
        "into this "
        'event."'
    )


def test_a_record_in_two_events_counts_once(longitudinal: Api) -> None:
    rows = [
        {"study_id": "900", "redcap_event_name": "enrollment_arm_1"},
        {"study_id": "900", "redcap_event_name": "dose_1_arm_1"},
    ]

    response = send(longitudinal, rows)

    assert response.text == '{"count": 1}'
    assert len(longitudinal.json("record", records="900")) == 2


def test_a_form_that_does_not_repeat_takes_no_instance(repeating: Api) -> None:
    row = {"record_id": "1", "redcap_repeat_instrument": "demographics", "redcap_repeat_instance": "1"}

    lines = refusal(repeating, [row]).split("\n")

    assert lines == [
        '"1","redcap_repeat_instrument","demographics","redcap_repeat_instrument must be the unique '
        "form name of a "
        "Repeating Instrument. It currently does not match the unique form name of any Repeating "
        "Instruments.  "
        'Please fix this in the data import file and try again."',
        '"1","redcap_repeat_instance","1","redcap_repeat_instance cannot have a value since this '
        "instrument or "
        "event is not a repeating instrument or repeating event, respectively.  The "
        "redcap_repeat_instance field "
        'must be left blank for this row of data."',
    ]


def test_a_repeating_form_needs_its_instance(repeating: Api) -> None:
    error = refusal(repeating, [{"record_id": "1", "bp_systolic": "120"}])

    assert error == (
        '"1","bp_systolic","120","This field (\'bp_systolic\') exists on a Repeating Instrument named '
        "'bp'. "
        "However, the fields 'redcap_repeat_instance' and/or 'redcap_repeat_instrument' for this row of "
        "data have "
        "no value, which are both required for importing data into a Repeating Instrument.  You are not "
        "allowed "
        'to import data for this field into a non-repeating instrument."'
    )


def test_other_forms_values_are_refused_on_a_repeating_row(repeating: Api) -> None:
    row = {
        "record_id": "1",
        "redcap_repeat_instrument": "bp",
        "redcap_repeat_instance": "1",
        "first_name": "A",
        "bp_systolic": "1",
    }

    error = refusal(repeating, [row])

    assert error.startswith('"1","first_name","A",')
    assert "\n" not in error


def test_new_instances_count_on_from_the_highest(repeating: Api) -> None:
    row = {"record_id": "2", "redcap_repeat_instrument": "bp", "redcap_repeat_instance": "new"}

    send(repeating, [{**row, "bp_systolic": "1"}, {**row, "bp_systolic": "2"}])

    rows = repeating.json("record", records="2", forms="bp", fields="record_id")
    assert [(one["redcap_repeat_instance"], one["bp_systolic"]) for one in rows] == [
        ("", ""),
        (1, "114"),
        (2, "1"),
        (3, "2"),
    ]


@pytest.mark.parametrize("instance", ["0", "-1", "1.5", "x"])
def test_an_instance_is_a_positive_whole_number(repeating: Api, instance: str) -> None:
    row = {"record_id": "2", "redcap_repeat_instrument": "bp", "redcap_repeat_instance": instance}

    error = refusal(repeating, [row])

    assert error.startswith(f'"2","redcap_repeat_instance","{instance}",')


def test_a_repeating_event_without_an_instance_means_the_first(server: Running) -> None:
    api = load(server, "repeating-events")

    send(api, [{"record_id": "1001", "redcap_event_name": "visit_arm_1", "weight_kg": "1.0"}])

    rows = [row for row in api.json("record", records="1001") if row["redcap_event_name"] == "visit_arm_1"]
    assert [row["weight_kg"] for row in rows] == ["1.0", "95.8"]


def test_a_missing_data_code_fits_every_type(server: Running) -> None:
    api = load(server, "validation-types-1")
    xml = api.text("project_xml").replace(
        "<redcap:MissingDataCodes></redcap:MissingDataCodes>",
        "<redcap:MissingDataCodes>NI, No information</redcap:MissingDataCodes>",
    )
    coded = create(server, xml)

    response = send(coded, [{"record_id": "1", "v_date_dmy": "NI", "f_radio": "NI"}])

    assert response.text == '{"count": 1}'
    assert value(coded, "1", "v_date_dmy") == "NI"


def test_the_access_group_of_a_record_can_be_set_and_taken(server: Running) -> None:
    api = load(server, "dag")
    send(api, [{"record_id": "331-1", "redcap_data_access_group": "dagb"}])

    rows = api.json("record", exportDataAccessGroups="true")

    assert [row["redcap_data_access_group"] for row in rows] == ["dagb", "daga", "dagb"]
    send(api, [{"record_id": "331-1", "redcap_data_access_group": ""}], overwriteBehavior="overwrite")
    assert api.json("record", exportDataAccessGroups="true")[0]["redcap_data_access_group"] == ""
