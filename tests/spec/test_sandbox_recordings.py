"""The sandbox answers what real servers answered for the same projects."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator

import pytest
from lxml import etree
from sandbox_recordings import Api, create, load, recording

from sandbox.server import Running


@pytest.fixture(scope="module")
def old_server() -> Iterator[Running]:
    with Running(version="9.1.3") as running:
        yield running


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def golden_table(folder: str, name: str = "data.csv") -> list[dict[str, str]]:
    return table(recording("golden", folder, name).decode())


def one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize(
    ("folder", "fields"),
    [
        ("repeating-instruments", {}),
        ("dag", {"exportDataAccessGroups": "true"}),
        ("decimal-comma", {}),
        ("validation-types-1", {}),
    ],
)
def test_a_csv_export_is_the_recording_byte_for_byte(server: Running, folder: str, fields: dict) -> None:
    api = load(server, folder)

    answer = api.post("record", format="csv", **fields).content

    assert answer == recording("golden", folder, "data.csv")


def test_simple_differs_from_its_recording_in_files_truefalse_and_a_later_field(server: Running) -> None:
    expected = golden_table("simple")
    api = load(server, "simple")

    rows = table(api.text("record", format="csv"))

    # The recording is older than the XML: it lacks a field that was added, shows files as [document],
    # and was written by a tool that spells the codes of `sex` as words.
    assert [row["mugshot"] for row in rows] == [f"mugshot-{number}.jpg" for number in range(1, 6)]
    words = {"0": "FALSE", "1": "TRUE"}
    adapted = [
        {**row, "mugshot": "[document]", "sex": words[row["sex"]]} | {"interpreter_needed": None}
        for row in rows
    ]
    assert adapted == [{**row, "interpreter_needed": None} for row in expected]
    assert list(expected[0]) == [name for name in rows[0] if name != "interpreter_needed"]


def test_an_old_server_shows_documents_instead_of_file_names(old_server: Running) -> None:
    api = load(old_server, "simple")

    rows = table(api.text("record", format="csv"))

    assert {row["mugshot"] for row in rows} == {"[document]"}


def test_longitudinal_differs_only_in_line_breaks_that_the_recording_lost(server: Running) -> None:
    expected = golden_table("longitudinal")
    api = load(server, "longitudinal")

    rows = table(api.text("record", format="csv"))

    flattened = [{name: one_line(value) for name, value in row.items()} for row in rows]
    assert flattened == [{name: one_line(value) for name, value in row.items()} for row in expected]
    assert list(rows[0]) == list(expected[0])


def test_checkboxes_differ_only_in_line_breaks_that_the_recording_lost(server: Running) -> None:
    expected = golden_table("checkboxes-1")
    api = load(server, "checkboxes-1")

    rows = table(api.text("record", format="csv"))

    kept = {name for name in rows[0] if name != "desired_result"}
    assert [{name: row[name] for name in kept} for row in rows] == [
        {name: row[name] for name in kept} for row in expected
    ]
    assert [one_line(row["desired_result"]) for row in rows] == [
        one_line(row["desired_result"]) for row in expected
    ]


def test_survey_differs_only_in_the_two_completion_timestamps(server: Running) -> None:
    expected = golden_table("survey")
    api = load(server, "survey")

    rows = table(api.text("record", format="csv", exportSurveyFields="true"))

    name = "prescreening_survey_timestamp"
    assert [row.pop(name) for row in rows] == ["2024-10-13 20:39:30", "2024-10-13 20:40:51"]
    assert [row.pop(name) for row in expected] == ["2018-03-06 15:52:43", "2018-03-06 15:53:15"]
    assert rows == expected
    assert [list(row) for row in rows] == [list(row) for row in expected]


def test_a_record_in_three_arms_has_its_rows_together(server: Running) -> None:
    expected = golden_table("arm-multiple-delete")
    api = load(server, "arm-multiple-delete")

    rows = table(api.text("record", format="csv"))

    # The recording lists arm by arm, as it was imported; an export sorts by record (C.5). The XML was made
    # after four records had been deleted from the second arm.
    expected.sort(key=lambda row: (int(row["record_id"]), row["redcap_event_name"]))
    gone = [row for row in expected if row not in rows]
    assert {row["redcap_event_name"] for row in gone} == {"event_1_arm_2"}
    assert len(gone) == 4
    assert rows == [row for row in expected if row not in gone]


@pytest.mark.parametrize("folder", ["longitudinal", "arm-multiple-delete"])
def test_events_are_the_recording_but_for_their_ids(server: Running, folder: str) -> None:
    expected = recording("golden", folder, "event.csv").decode()
    api = load(server, folder)

    answer = api.text("event", format="csv")

    def without_ids(text: str) -> str:
        return re.sub(r",\d+$", "", text, flags=re.MULTILINE)

    # An editor has given one of the recordings the final line break that servers do not send.
    assert without_ids(answer) == without_ids(expected.removesuffix("\n"))


def test_arms_are_the_recording_byte_for_byte(server: Running) -> None:
    api = load(server, "longitudinal")

    answer = api.post("arm", format="csv").content

    assert answer == recording("golden", "longitudinal", "arm.csv")


def test_arms_of_a_file_that_was_written_by_hand_have_the_same_content(server: Running) -> None:
    expected = golden_table("arm-multiple-delete", "arm.csv")
    api = load(server, "arm-multiple-delete")

    assert table(api.text("arm", format="csv")) == expected


@pytest.mark.parametrize(
    "folder",
    [
        "arm-multiple-delete",
        "checkboxes-1",
        "longitudinal",
        "repeating-instruments",
        "survey",
    ],
)
def test_metadata_is_the_downloaded_dictionary_but_for_blanks_around_bars(
    server: Running, folder: str
) -> None:
    expected = [list(row.values()) for row in golden_table(folder, "dictionary.csv")]
    api = load(server, folder)

    rows = [list(row.values()) for row in api.json("metadata")]

    assert [_without_bar_blanks(row) for row in rows] == [_without_bar_blanks(row) for row in expected]


def test_metadata_of_a_project_from_xml_has_lost_queries_and_slider_limits(server: Running) -> None:
    expected = {
        row["Variable / Field Name"]: row for row in golden_table("validation-types-1", "dictionary.csv")
    }
    api = load(server, "validation-types-1")

    rows = {row["field_name"]: list(row.values()) for row in api.json("metadata")}

    lost = {
        name
        for name, row in rows.items()
        if _without_bar_blanks(row) != _without_bar_blanks(expected[name].values())
    }
    assert lost == {"f_slider", "f_sql"}
    assert list(rows) == list(expected)


def _without_bar_blanks(row) -> list[str]:
    return [re.sub(r"\s*\|\s*", "|", cell) for cell in row]


@pytest.fixture(scope="module")
def recorded() -> dict:
    return json.loads(recording("golden", "repeating-events", "recorded.json"))


@pytest.fixture(scope="module")
def repeating(server: Running) -> Api:
    return load(server, "repeating-events")


def test_repeating_records_are_equal_on_a_server_as_old_as_the_recorded_one(
    old_server: Running, recorded: dict
) -> None:
    old = load(old_server, "repeating-events")

    records = old.json("record", exportSurveyFields="true", exportDataAccessGroups="true")

    assert records == recorded["records"]
    assert [list(row) for row in records] == [list(row) for row in recorded["records"]]


def test_repeating_records_of_today_differ_only_in_the_quirk_of_first_instances(
    repeating: Api, recorded: dict
) -> None:
    records = repeating.json("record")

    differing = [
        (old["redcap_repeat_instance"], old["enrollment_complete"], new["enrollment_complete"])
        for old, new in zip(recorded["records"], records, strict=True)
        if {**old, "enrollment_complete": ""} == {**new, "enrollment_complete": ""} and old != new
    ]
    assert set(differing) == {(1, "0", "")}
    assert len(differing) == sum(old != new for old, new in zip(recorded["records"], records, strict=True))


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ("metadata", "metadata"),
        ("exportFieldNames", "fieldNames"),
        ("formEventMapping", "instrumentEventMappings"),
    ],
)
def test_lists_are_equal_to_those_of_the_recorded_server(
    repeating: Api, recorded: dict, content: str, key: str
) -> None:
    assert repeating.json(content) == recorded[key]


def test_instruments_are_equal(repeating: Api, recorded: dict) -> None:
    answer = repeating.json("instrument")

    assert {row["instrument_name"]: row["instrument_label"] for row in answer} == recorded["instruments"]


def test_project_info_has_the_recorded_values(repeating: Api, recorded: dict) -> None:
    info = repeating.json("project")

    expected = recorded["projectInfo"] | {"project_title": "repeating-events"}
    own = ("project_id", "creation_time")
    assert {name: info[name] for name in expected if name not in own} == {
        name: value for name, value in expected.items() if name not in own
    }


def test_the_structure_in_xml_is_the_recorded_one(old_server: Running) -> None:
    expected = _structure(recording("golden", "repeating-events", "recorded-metadata.xml"))
    old = load(old_server, "repeating-events")

    structure = _structure(old.post("project_xml", returnMetadataOnly="true").content)

    assert structure == expected


def _structure(xml: bytes) -> list[tuple]:
    """Return elements below MetaDataVersion, but for its own name and for the wording of range warnings."""
    version = etree.fromstring(xml).find(".//{*}MetaDataVersion")
    return [
        (one.tag, dict(one.attrib), re.sub(r"range\.? \(", "range (", (one.text or "").strip()))
        for one in version.iterdescendants()
    ]


def test_the_demonstration_study_loads_with_its_arms_events_and_repeating_forms(server: Running) -> None:
    api = create(server, recording("caps-demo", "project.xml").decode())

    assert [row["arm_num"] for row in api.json("arm")] == [1, 2, 3]
    assert [row["unique_event_name"] for row in api.json("event")] == [
        "baseline_arm_1",
        "6_month_arm_2",
        "12_month_arm_2",
        "6_month_arm_3",
        "12_month_arm_3",
    ]
    assert {row["form_name"] for row in api.json("repeatingFormsEvents")} == {"phone_follow_up"}


def test_an_import_into_the_wrong_arm_succeeds_silently(server: Running) -> None:
    api = create(server, recording("caps-demo", "project.xml").decode())
    right = [{"record_id": "1", "redcap_event_name": "6_month_arm_2", "exam_num_teeth": "20"}]
    wrong = [{"record_id": "1", "redcap_event_name": "6_month_arm_3", "exam_num_teeth": "21"}]
    api.json("record", data=json.dumps(right))

    answer = api.json("record", data=json.dumps(wrong))

    assert answer == {"count": 1}
    assert [row["redcap_event_name"] for row in api.json("record")] == ["6_month_arm_2", "6_month_arm_3"]


@pytest.mark.parametrize(
    "folder",
    [
        "arm-multiple-delete",
        "checkboxes-1",
        "dag",
        "decimal-comma",
        "longitudinal",
        "repeating-events",
        "repeating-instruments",
        "simple",
        "survey",
        "validation-types-1",
    ],
)
def test_a_project_exported_as_xml_and_loaded_again_exports_the_same(server: Running, folder: str) -> None:
    flags = {"exportSurveyFields": "true", "exportDataAccessGroups": "true"}
    first = load(server, folder)

    second = create(server, first.text("project_xml", exportFiles="true", **flags), title=folder)

    for content, fields in (
        ("record", flags),
        ("metadata", {}),
        ("instrument", {}),
        ("exportFieldNames", {}),
    ):
        assert second.text(content, format="csv", **fields) == first.text(content, format="csv", **fields)
    if first.json("project")["is_longitudinal"]:
        assert second.text("formEventMapping", format="csv") == first.text("formEventMapping", format="csv")
        assert second.text("arm", format="csv") == first.text("arm", format="csv")


@pytest.mark.parametrize(
    "folder", ["longitudinal", "repeating-events", "repeating-instruments", "checkboxes-1"]
)
@pytest.mark.parametrize("shape", ["flat", "eav"])
def test_a_full_export_imports_again_and_changes_nothing(server: Running, folder: str, shape: str) -> None:
    api = load(server, folder)
    before = api.text("record", format="csv")
    rows = api.json("record", type=shape)
    if shape == "eav":
        # Checked options are exported by field and code, and imported by column.
        boxes = _fields(api, "checkbox")
        rows = [_for_import(row, boxes) for row in rows]
    files = _fields(api, "file")
    # Files are refused in every record import.
    rows = [{name: row[name] for name in row if name not in files} for row in rows]
    rows = [row for row in rows if row.get("field_name") not in files]

    answer = api.json("record", type=shape, data=json.dumps(rows))

    assert answer["count"] == len({row.get("record", row.get(next(iter(row)))) for row in rows})
    assert api.text("record", format="csv") == before


def _fields(api: Api, kind: str) -> set[str]:
    return {row["field_name"] for row in api.json("metadata") if row["field_type"] == kind}


def _for_import(row: dict, boxes: set[str]) -> dict:
    if row["field_name"] not in boxes:
        return row
    return {**row, "field_name": f"{row['field_name']}___{row['value']}", "value": "1"}
