"""Rows of REDCap's log: what happened to which record, by which way, and when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from capstan.triggers.log import Happened, LogRow, Way, read_log

NEW_YORK = ZoneInfo("America/New_York")


def read(action: str, *, details: str = "age = '5'", record: str = "5", **more: str) -> list[LogRow]:
    row = {"timestamp": "2026-11-22 10:15", "username": "ann", "action": action}
    return list(
        read_log(
            [row | {"details": details, "record": record} | more], record_field="record_id", zone=NEW_YORK
        )
    )


def read_one(action: str, **more: str) -> LogRow:
    (row,) = read(action, **more)
    return row


@pytest.mark.parametrize(
    ("action", "happened", "way"),
    [
        ("Create record 5", Happened.CREATED, Way.FORM),
        ("Create record (API) 5", Happened.CREATED, Way.API),
        ("Created Record (API) 5", Happened.CREATED, Way.API),
        ("Update record 5", Happened.UPDATED, Way.FORM),
        ("Updated Record 5", Happened.UPDATED, Way.FORM),
        ("Update record (API) 5", Happened.UPDATED, Way.API),
        ("Update record (import) 5", Happened.UPDATED, Way.IMPORT),
        ("Update record (Auto calculation) 5", Happened.UPDATED, Way.COMPUTED),
        ("Update record (Mobile App) 5", Happened.UPDATED, Way.OTHER),
        ("Delete record (API) 5", Happened.DELETED, Way.API),
        ("Deleted Record 5", Happened.DELETED, Way.FORM),
    ],
)
def test_old_and_new_wordings_say_what_happened_and_by_which_way(
    action: str, happened: Happened, way: Way
) -> None:
    row = read_one(action)

    assert (row.happened, row.way, row.record, row.former) == (happened, way, "5", "")


@pytest.mark.parametrize(
    ("action", "record"),
    [
        ("Data Export (API) ", ""),
        ("Manage/Design ", ""),
        ("Lock record", "5"),
        ("Update user rights", "5"),
        ("Update record (API) 5", ""),
    ],
)
def test_rows_that_are_about_no_record_are_left_out(action: str, record: str) -> None:
    assert read(action, record=record) == []


def test_only_what_people_save_fires_a_trigger() -> None:
    rows = {way: read_one(f"Update record {way}5".replace("form", "")) for way in ("", "(API) ", "(import) ")}
    survey = read_one("Update record 5", username="[survey respondent]")

    assert [row.fires for row in rows.values()] == [True, False, False]
    assert (survey.way, survey.fires) == (Way.SURVEY, True)
    assert not read_one("Delete record 5").fires


@pytest.mark.parametrize("record", ["(API) 5", "a record (1)", "5 6", "ähm", "(x)"])
def test_a_record_may_be_called_anything(record: str) -> None:
    form = read_one(f"Update record {record}", record=record)
    api = read_one(f"Update record (API) {record}", record=record)

    assert (form.way, form.former) == (Way.FORM, "")
    assert (api.way, api.former) == (Way.API, "")


def test_the_name_in_the_action_is_the_one_before_a_rename() -> None:
    row = read_one("Create record (API) 5", record="7-005")

    assert (row.record, row.former) == ("7-005", "5")


@pytest.mark.parametrize("action", ["Update record (API) 7", "Update record 7", "Updated Record (API) 7"])
def test_a_row_that_changes_the_id_alone_is_a_rename(action: str) -> None:
    again = read_one(action, details="record_id = '7'", record="8")

    assert read_one(action, details="record_id = '7'", record="7").happened is Happened.RENAMED
    assert (again.happened, again.former) == (Happened.RENAMED, "7")


def test_a_record_that_is_created_with_its_id_alone_is_not_renamed() -> None:
    assert read_one("Create record (API) 5", details="record_id = '5'").happened is Happened.CREATED


@pytest.mark.parametrize(
    ("details", "fields"),
    [
        ("age = '5', sex = '1'", {"age", "sex"}),
        ("[instance = 2], outcome = ''", {"outcome"}),
        ("[instance = 12],\ncolour(2) = checked,\ncolour(-1) = unchecked", {"colour"}),
        ("notes = 'she said, that = nothing', call_complete = '2'", {"notes", "call_complete"}),
        ("", None),
        ("something that nobody has described", None),
        ("Assign record to Data Access Group (redcap_data_access_group = 'north')", set()),
    ],
)
def test_details_name_the_fields_that_were_touched(details: str, fields: set[str] | None) -> None:
    assert read_one("Update record 5", details=details).fields == fields


def test_an_assignment_to_an_access_group_saves_no_form() -> None:
    details = "Assign record to Data Access Group (redcap_data_access_group = 'north')"

    assert not read_one("Update record 5", details=details).fires


def test_a_time_is_some_moment_of_the_servers_minute() -> None:
    row = read_one("Update record 5")

    assert row.begins == datetime(2026, 11, 22, 15, 15, tzinfo=UTC)
    assert row.ends == datetime(2026, 11, 22, 15, 16, tzinfo=UTC)


def test_in_the_hour_that_comes_twice_a_time_may_be_either() -> None:
    row = read_one("Update record 5", timestamp="2026-11-01 01:30")

    assert row.begins == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    assert row.ends - row.begins == timedelta(hours=1, minutes=1)


def test_values_do_not_show_where_a_row_is_printed() -> None:
    row = read_one("Update record (API) xformerx", record="xrecordx", details="age = 'xvaluex'")

    assert not {"xrecordx", "xvaluex", "xformerx"} & set(repr(row).replace("'", " ").split())
