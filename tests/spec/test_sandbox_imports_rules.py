"""The rules of imports that one project with events, repeats, groups and equations shows (D)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sandbox_trial import CALL, MONTH_6, WEEKLY, OpenTrial, Trial, error

from sandbox.data.locking import FORM_LOCKED, RECORD_LOCKED, lock, unlock
from sandbox.imports.addressing import BAD_INSTRUMENT, NO_INSTANCE
from sandbox.project.names import LONG_RECORD, NO_RECORD
from sandbox.project.parts import RowKey

PROLOG = '<?xml version="1.0" encoding="UTF-8" ?>'
BASE = RowKey("1", 101, "", 0)


@pytest.fixture
def trial(opened: OpenTrial) -> Trial:
    return opened()


# Payloads (D.1)


def test_the_same_rows_come_in_as_json_csv_xml_and_eav(trial: Trial) -> None:
    xml = "<records><item><record_id>3</record_id><name><![CDATA[a<b]]></name><sex>1</sex></item></records>"
    eav = [
        {"record": "4", "field_name": "name", "value": "a<b"},
        {"record": "4", "field_name": "sex", "value": 1},
    ]
    trial.load([{"record_id": 1, "name": "a<b", "sex": 1}])
    trial.load("sex;record_id;name\n1;2;a<b\n", format="csv", csvDelimiter=";")
    trial.load(xml, format="xml")
    trial.load(eav, type="eav")

    rows = trial.rows(fields="record_id,name,sex")
    assert [(row["record_id"], row["name"], row["sex"]) for row in rows] == [
        (number, "a<b", "1") for number in "1234"
    ]


@pytest.mark.parametrize(
    ("name", "delimiter"), [("tab", "\t"), ("|", "|"), ("^", "^"), (",", ","), ("?", ",")]
)
def test_csv_comes_with_any_of_the_delimiters(trial: Trial, name: str, delimiter: str) -> None:
    answer = trial.load(f"record_id{delimiter}name\n1{delimiter}Ann", format="csv", csvDelimiter=name)

    assert answer == "1"
    assert trial.value("name") == "Ann"


def test_eav_in_csv_and_xml_is_read_as_well(trial: Trial) -> None:
    xml = "<records><item><record>2</record><field_name>name</field_name><value>Bob</value></item></records>"

    trial.load("record,field_name,value\n1,name,Ann\n", format="csv", type="eav")
    trial.load(xml, format="xml", type="eav")

    assert [trial.value("name", record) for record in "12"] == ["Ann", "Bob"]


def test_an_eav_export_can_be_imported_again(trial: Trial, opened: OpenTrial) -> None:
    trial.load([{"record_id": "1", "likes___1": "1", "likes____9": "1", "story": "a\nb"}])
    trial.load([{"record_id": "1", **CALL, "redcap_repeat_instance": "2", "outcome": "1"}])
    copy = opened()

    copy.load(trial.rows(type="eav"), type="eav")

    assert copy.rows() == trial.rows()


def test_booleans_of_json_are_not_converted(trial: Trial) -> None:
    text = trial.refusal([{"record_id": "1", "adult": True}])

    assert text == error("1", "adult", "true", "The value is not a valid category for adult")


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_what_javascript_calls_numbers_is_no_json(trial: Trial, constant: str) -> None:
    text = trial.refusal(f'[{{"record_id": "1", "weight": {constant}}}]')

    assert text.startswith("The data being imported is not formatted correctly.")


def test_a_cell_of_csv_may_be_large(trial: Trial) -> None:
    story = "x" * 300_000

    trial.load(f"record_id,story\n1,{story}\n", format="csv")

    assert trial.value("story") == story


def test_lines_of_csv_that_are_too_short_end_with_blanks(trial: Trial) -> None:
    trial.load("record_id,name,sex\n1,Ann\n", format="csv")

    assert (trial.value("name"), trial.value("sex")) == ("Ann", "")


@pytest.mark.parametrize(
    ("fmt", "text"),
    [
        ("csv", ""),
        ("csv", "\n\n"),
        ("csv", "name\nAnn\n"),
        ("xml", "<records>"),
        ("xml", "no"),
        ("odm", "no"),
    ],
)
def test_unusable_payloads_are_refused(trial: Trial, fmt: str, text: str) -> None:
    said = trial.refusal(text, format=fmt, action="import")

    assert said == "The data is not in the specified format."


# Addressing (D.2, D.3, D.6)


def test_ids_are_trimmed_and_must_be_there(trial: Trial) -> None:
    trial.load([{"record_id": "  a 1 "}])

    assert [row["record_id"] for row in trial.rows()] == ["a 1"]
    assert trial.refusal([{"record_id": " ", "name": "x"}]) == error("", "record_id", "", NO_RECORD)
    long = "x" * 101
    assert trial.refusal([{"record_id": long}]) == error(long, "record_id", long, LONG_RECORD)


def test_a_record_may_live_in_two_arms(trial: Trial) -> None:
    trial.load([{"record_id": "1", "name": "Ann"}])

    answer = trial.load([{"record_id": "1", "redcap_event_name": "baseline_arm_2", "name": "Bob"}])

    assert answer == '{"count": 1}'
    assert [(row["redcap_event_name"], row["name"]) for row in trial.rows()] == [
        ("baseline_arm_1", "Ann"),
        ("baseline_arm_2", "Bob"),
    ]


def test_blanks_on_forms_that_an_event_lacks_are_ignored(trial: Trial) -> None:
    trial.load([{"record_id": "1", "name": "Ann", "weight": "60", "likes___2": "1"}])
    trial.load([{"record_id": "1", **CALL, "redcap_repeat_instance": 1, "outcome": "2"}])
    calculated = ("double", "fourfold", "words", "due", "change", "calls")
    before = trial.rows()

    answer = trial.load([{key: row[key] for key in row if key not in calculated} for row in before])

    assert answer == '{"count": 1}'
    assert trial.rows() == before


def test_wrong_repeats_are_refused_in_redcaps_words(trial: Trial) -> None:
    row = {"record_id": "1", "redcap_repeat_instrument": "nothing", "redcap_repeat_instance": "2"}

    text = trial.refusal([row])

    assert text.split("\n") == [
        error("1", "redcap_repeat_instrument", "nothing", BAD_INSTRUMENT),
        error("1", "redcap_repeat_instance", "2", NO_INSTANCE),
    ]


def test_instances_need_not_be_contiguous_and_new_ones_come_after_the_highest(trial: Trial) -> None:
    row = {"record_id": "1", **CALL, "outcome": "1"}

    trial.load([{**row, "redcap_repeat_instance": 7}, {**row, "redcap_repeat_instance": "new"}])
    trial.load([{**row, "redcap_repeat_instance": "new"}, {**row, "redcap_repeat_instance": "007"}])

    assert [one["redcap_repeat_instance"] for one in trial.rows()] == [7, 8, 9]


def test_new_instances_of_a_repeating_event_count_as_well(trial: Trial) -> None:
    row = {"record_id": "1", **WEEKLY, "redcap_repeat_instance": "new", "day": "1"}

    trial.load([row, row])

    rows = trial.rows()
    assert [(one["redcap_repeat_instrument"], one["redcap_repeat_instance"]) for one in rows] == [
        ("", 1),
        ("", 2),
    ]


@pytest.mark.parametrize("instance", ["9" * 5000, "1e3", "٣", "0", "NEW"])
def test_what_is_no_instance_is_refused(trial: Trial, instance: str) -> None:
    text = trial.refusal([{"record_id": "1", **CALL, "redcap_repeat_instance": instance}])

    assert text.startswith(f'"1","redcap_repeat_instance","{instance}",')


# Values (D.4, D.5)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [("sex", "1.0"), ("sex", "Male"), ("adult", "2"), ("likes____9", "-9"), ("start_complete", "4")],
)
def test_codes_compare_as_text(trial: Trial, name: str, wrong: str) -> None:
    text = trial.refusal([{"record_id": "1", name: wrong}])

    assert text == error("1", name, wrong, f"The value is not a valid category for {name}")


def test_every_code_of_an_sql_field_is_taken(trial: Trial) -> None:
    trial.load([{"record_id": "1", "city": "any code"}])

    assert trial.value("city") == "any code"


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [("pain", ("0", "100"), ("-1", "101", "5.0")), ("mood", ("-5", "5"), ("-6", "6"))],
)
def test_sliders_take_whole_numbers_in_their_range(
    trial: Trial, name: str, good: tuple[str, ...], bad: tuple[str, ...]
) -> None:
    for value in good:
        trial.load([{"record_id": "1", name: value}])
    for value in bad:
        assert trial.refusal([{"record_id": "1", name: value}]).startswith(f'"1","{name}"')

    assert trial.value(name) == good[-1]


@pytest.mark.parametrize(
    ("order", "given", "stored"),
    [
        ("YMD", "02/03/2020", "2020-02-03"),
        ("MDY", "2/3/2020", "2020-02-03"),
        ("DMY", "2/3/2020", "2020-03-02"),
        ("dmy", "31/12/99", "1999-12-31"),
        ("MDY", "12/31/05", "2005-12-31"),
        ("DMY", "2020-3-2", "2020-03-02"),
        ("?", "2020/3/2", "2020-03-02"),
    ],
)
def test_dates_are_read_in_the_order_asked_for(trial: Trial, order: str, given: str, stored: str) -> None:
    trial.load([{"record_id": "1", "born": given, "seen": f"{given} 7:05"}], dateFormat=order)

    assert (trial.value("born"), trial.value("seen")) == (stored, f"{stored} 07:05")


def test_missing_data_codes_fit_every_field_but_files_options_and_statuses(opened: OpenTrial) -> None:
    trial = opened(MissingDataCodes="NI, No information | -8, Refused")
    names = ("name", "born", "seen", "sex", "adult", "city", "weight", "pain")

    trial.load([{"record_id": "1", **dict.fromkeys(names, " -8 ")}])

    assert {trial.value(name).strip() for name in names} == {"-8"}
    assert trial.refusal([{"record_id": "1", "scan": "NI"}]).startswith('"1","scan","NI"')
    assert trial.refusal([{"record_id": "1", "start_complete": "NI"}]).startswith('"1","start_complete","NI"')


def test_supplied_calculations_are_ignored_in_every_mode(trial: Trial) -> None:
    trial.load([{"record_id": "1", "weight": "60", "double": "7", "words": "x", "due": "not a date"}])
    trial.load([{"record_id": "1", "double": "", "words": ""}], overwriteBehavior="overwrite")

    assert (trial.value("double"), trial.value("words"), trial.value("due")) == ("120", "heavy, (very)", "")


def test_a_blank_file_cell_is_no_file(trial: Trial) -> None:
    assert trial.load([{"record_id": "1", "scan": ""}], overwriteBehavior="overwrite") == '{"count": 1}'


# Calculated fields (D.12)


def test_calculations_follow_one_another(trial: Trial) -> None:
    trial.load([{"record_id": "1", "weight": "60.5"}])

    assert (trial.value("double"), trial.value("fourfold")) == ("121", "242")


def test_calculations_follow_inputs_at_other_events(trial: Trial) -> None:
    trial.load([{"record_id": "1", **MONTH_6, "weight": "62"}])
    assert trial.value("change", **MONTH_6) == ""

    trial.load([{"record_id": "1", "weight": "60"}])

    assert trial.value("change", **MONTH_6) == "2"


def test_a_date_is_computed_from_another_event(trial: Trial) -> None:
    trial.load([{"record_id": "1", **MONTH_6, "weight": "62"}, {"record_id": "1", "born": "2020-02-25"}])

    assert trial.value("due", **MONTH_6) == "2020-03-03"


def test_only_the_instances_that_changed_are_computed(trial: Trial) -> None:
    row = {"record_id": "1", **CALL}
    trial.load([{**row, "redcap_repeat_instance": number, "outcome": "1"} for number in (1, 2)])

    trial.load([{**row, "redcap_repeat_instance": 2, "outcome": "2"}])

    assert [one["calls"] for one in trial.rows()] == ["11", "12"]
    assert [one["details"] for one in trial.log(logtype="record_edit")][:2] == [
        "[instance = 2], calls = '12'",
        "[instance = 2], outcome = '2'",
    ]


def test_a_broken_equation_stops_nothing(trial: Trial) -> None:
    fields = tuple(
        replace(one, select_choices_or_calculations="[no_such] + (") if one.field_name == "double" else one
        for one in trial.project.fields
    )
    trial.save(replace(trial.project, fields=fields))

    trial.load([{"record_id": "1", "weight": "60"}])

    assert (trial.value("double"), trial.value("words")) == ("", "heavy, (very)")


# Answers (D.7, D.8)


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({"returnContent": "ids", "returnFormat": "csv"}, "id\na1"),
        ({"returnContent": "ids", "returnFormat": "xml"}, f"{PROLOG}<ids><id>a1</id></ids>"),
        ({"returnContent": "nothing", "returnFormat": "csv"}, ""),
        ({"returnContent": "nothing", "returnFormat": "xml"}, ""),
        ({"returnContent": "auto_ids", "returnFormat": "csv"}, "id\na1"),
        ({"backgroundProcess": "1", "returnFormat": "csv"}, "success:true"),
    ],
)
def test_answers_have_their_shape_in_every_format(trial: Trial, fields: dict, answer: str) -> None:
    assert trial.load([{"record_id": "a1"}], **fields) == answer


@pytest.mark.parametrize(
    ("fmt", "answer"),
    [
        ("json", '["1,x","2,y"]'),
        ("csv", 'id\n"1,x"\n"2,y"'),
        ("xml", f"{PROLOG}<ids><id>1,x</id><id>2,y</id></ids>"),
    ],
)
def test_forced_numbers_are_answered_with_what_was_given(opened: OpenTrial, fmt: str, answer: str) -> None:
    trial = opened(RecordAutonumberingEnabled="1")
    rows = [{"record_id": "x"}, {"record_id": "y"}, {"record_id": "x", **MONTH_6}]

    said = trial.load(rows, forceAutoNumber="true", returnContent="auto_ids", returnFormat=fmt)

    assert said == answer


def test_a_blank_id_is_a_placeholder_too(opened: OpenTrial) -> None:
    trial = opened(RecordAutonumberingEnabled="1")

    answer = trial.load([{"record_id": "", "name": "Ann"}], forceAutoNumber="true", returnContent="ids")

    assert answer == '["1"]'


@pytest.mark.parametrize(("fmt", "answer"), [("json", '{"count": 0}'), ("csv", "0")])
def test_nothing_at_all_imports_nothing(trial: Trial, fmt: str, answer: str) -> None:
    assert trial.load({"record_id": "1"}, returnFormat=fmt) == answer
    assert trial.load([], returnFormat=fmt) == answer
    assert trial.rows() == []


def test_errors_come_in_the_order_of_the_payload(trial: Trial) -> None:
    rows = [{"record_id": record, "sex": record} for record in ("9", "8", "9", "7")]

    text = trial.refusal(rows)

    assert [line.split(",")[0] for line in text.split("\n")] == ['"9"', '"8"', '"9"', '"7"']


# Overwriting, merging (D.9, D.10)


def test_a_status_that_is_not_supplied_stays(trial: Trial) -> None:
    trial.load([{"record_id": "1", "name": "Ann", "start_complete": "2"}])

    trial.load([{"record_id": "1", "name": "Bob"}, {"record_id": "1", "sex": "1"}])

    assert trial.value("start_complete") == "2"


def test_the_later_row_wins_back_what_was_stored(trial: Trial) -> None:
    trial.load([{"record_id": "1", "name": "Ann"}])
    before = len(trial.log(logtype="record"))

    trial.load([{"record_id": "1", "name": "Bob"}, {"record_id": "1", "name": "Ann"}])

    assert trial.value("name") == "Ann"
    assert len(trial.log(logtype="record")) == before


# Access groups (D.11)


@pytest.fixture
def grouped(trial: Trial) -> Trial:
    trial.load([{"record_id": "1", "redcap_data_access_group": "north"}, {"record_id": "2"}])
    return trial


def groups_of(trial: Trial) -> list[str]:
    return [row["redcap_data_access_group"] for row in trial.rows(exportDataAccessGroups="true")]


def test_groups_are_assigned_by_name_and_taken_away_by_a_blank(grouped: Trial) -> None:
    blank = [{"record_id": "1", "redcap_data_access_group": ""}]

    grouped.load(blank)

    assert groups_of(grouped) == ["north", ""]
    grouped.load(
        [*blank, {"record_id": "2", "redcap_data_access_group": "south"}], overwriteBehavior="overwrite"
    )
    assert groups_of(grouped) == ["", "south"]


def test_unknown_groups_are_row_errors(grouped: Trial) -> None:
    text = grouped.refusal([{"record_id": "2", "redcap_data_access_group": "West"}])

    assert text.startswith('"2","redcap_data_access_group","West",')


def test_a_user_in_a_group_keeps_to_it(grouped: Trial) -> None:
    token = grouped.token("ann", group="north")

    grouped.load([{"record_id": "1", "name": "Ann"}, {"record_id": "3"}], token=token)

    assert groups_of(grouped) == ["north", "", "north"]
    assert grouped.refusal([{"record_id": "2", "name": "x"}], token=token).startswith('"2","record_id","2",')


def test_a_user_in_a_group_may_not_send_the_column(grouped: Trial) -> None:
    text = grouped.refusal(
        [{"record_id": "1", "redcap_data_access_group": ""}], token=grouped.token("a", group="north")
    )

    assert text == "ERROR: Illegal use of 'redcap_data_access_group' field!"


def test_new_records_of_a_group_are_numbered_within_it(opened: OpenTrial) -> None:
    trial = opened(RecordAutonumberingEnabled="1")
    trial.load([{"record_id": "11-4"}, {"record_id": "9"}])
    token = trial.token("ann", group="north")

    answer = trial.load([{"record_id": "x"}], token=token, forceAutoNumber="1", returnContent="ids")

    assert answer == '["11-5"]'
    assert trial.ask(token, "generateNextRecordName").content == b"11-6"
    assert trial.ask(trial.owner, "generateNextRecordName").content == b"10"


# Rights, unique values, locks, background (D.2, D.4, D.8, D.12)


def test_creating_records_is_a_right(trial: Trial) -> None:
    trial.load([{"record_id": "1"}])
    token = trial.token("ann", rights=("api_import",))

    assert trial.load([{"record_id": "1", "name": "Ann"}], token=token) == '{"count": 1}'
    assert trial.refusal([{"record_id": "1"}, {"record_id": "2"}], token=token) == (
        "Your user privileges do NOT allow you to create new records."
    )


def test_values_of_the_secondary_unique_field_are_unique(opened: OpenTrial) -> None:
    trial = opened(SecondaryUniqueField="code")
    trial.load([{"record_id": "1", "code": "A"}])

    trial.load([{"record_id": "1", "code": "A"}, {"record_id": "2", "code": "B"}])

    assert trial.refusal([{"record_id": "3", "code": "A"}]).startswith('"3","code","A",')
    twice = [{"record_id": "3", "code": "C"}, {"record_id": "4", "code": "C"}]
    assert trial.refusal(twice).startswith('"4","code","C",')


def test_a_locked_record_cannot_be_changed(trial: Trial) -> None:
    trial.load([{"record_id": "1", "name": "Ann", "likes___1": "1"}, {"record_id": "2"}])
    session = trial.state.session(trial.project, "ann")
    lock(session, BASE)

    same = trial.load([{"record_id": "1", "name": "Ann"}, {"record_id": "2", "name": "Bob"}])
    text = trial.refusal([{"record_id": "1", "name": "Eve", "likes___1": "0"}])

    assert same == '{"count": 2}'
    assert text.split("\n") == [
        error("1", "name", "Eve", RECORD_LOCKED),
        error("1", "likes___1", "0", RECORD_LOCKED),
    ]
    unlock(session, BASE)
    assert trial.load([{"record_id": "1", "name": "Eve"}]) == '{"count": 1}'


def test_a_locked_form_keeps_its_values_and_calculations(trial: Trial) -> None:
    trial.load(
        [{"record_id": "1", "name": "Ann", "weight": "60"}, {"record_id": "1", **MONTH_6, "weight": "61"}]
    )
    lock(trial.state.session(trial.project, "ann"), RowKey("1", 102, "", 0), form="exam")

    text = trial.refusal([{"record_id": "1", **MONTH_6, "weight": "65"}])
    trial.load([{"record_id": "1", "name": "Eve", "weight": "50"}])

    assert text == error("1", "weight", "65", FORM_LOCKED)
    assert trial.value("change", **MONTH_6) == "1"


def test_a_background_import_skips_bad_records(trial: Trial) -> None:
    rows = [
        {"record_id": "1", "sex": "9"},
        {"record_id": "1", **MONTH_6, "weight": "60"},
        {"record_id": "2", "sex": "1"},
    ]

    answer = trial.load(rows, backgroundProcess="true")

    assert answer == '{"success": true}'
    assert [row["record_id"] for row in trial.rows()] == ["2"]
    assert trial.log(logtype="manage")[0]["details"] == "Import 1 of 3 rows (background process, API)"


def test_a_background_import_still_refuses_unknown_columns(trial: Trial) -> None:
    text = trial.refusal([{"record_id": "1", "foo": "1"}], backgroundProcess="true")

    assert text == "The following fields were not found in the project as real data fields: foo"
