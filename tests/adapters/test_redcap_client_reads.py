"""What REDCap sends arrives cell by cell as it was sent, whole or not at all."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scripted_server import TOKEN, Reply, ScriptedServer, serving

from capstan.errors import RedcapError, RedcapUnavailable, RightMissing, UsageError
from capstan.redcap import Redcap

GOLDEN = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "golden"
NASTY = [
    "007", "1.0", "2.20", " -0.119", "NA", "N/A", "null", "NULL", "None", "nan", "NaN", "inf", "TRUE",
    "false", "", " ", "#N/A", "-", "2024-02-30", 'say "hi"', '"', '""', "a,b", "line\nbreak", "line\r\nbreak",
    "\r", "\n\nempty lines\n\n", "tab\there", "back\\slash", "C:\\", 'quote after \\" it', "naïve café",
    "日本語", "👩‍👩‍👧", "\u2028", "\u00a0", "ERROR: not one", '{"error":"not one"}', "<html>", "=1+1",
    "1e5", "x" * 70_000,
]  # fmt: skip
TABLES = [
    ("field_names", "exportFieldNames", ("original_field_name", "choice_value", "export_field_name")),
    ("instruments", "instrument", ("instrument_name", "instrument_label")),
    ("arms", "arm", ("arm_num", "name")),
    ("events", "event", ("event_name", "arm_num", "unique_event_name", "custom_event_label", "event_id")),
    ("form_event_mapping", "formEventMapping", ("arm_num", "unique_event_name", "form")),
    ("repeating", "repeatingFormsEvents", ("event_name", "form_name", "custom_form_label")),
    ("log", "log", ("timestamp", "username", "action", "details", "record")),
]


def connected(server: ScriptedServer, **options) -> Redcap:
    options = {"sleep": lambda _: None, "timeout_seconds": (5.0, 5.0), **options}
    return Redcap(server.url, TOKEN, **options)


def as_csv(frame: pd.DataFrame) -> str:
    return frame.to_csv(index=False, lineterminator="\n", quoting=csv.QUOTE_ALL)


def exported(*replies: Reply) -> pd.DataFrame:
    with serving(*replies) as server:
        return connected(server).records()


def text_frame(rows: list[list[str]], names: list[str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=pd.Index(names, dtype="str"), dtype="str")


@pytest.mark.parametrize("is_gzip", [False, True])
@pytest.mark.parametrize("is_chunked", [False, True])
def test_nasty_values_arrive_exactly(is_gzip, is_chunked):
    sent = text_frame([[str(i), value, ""] for i, value in enumerate(NASTY)], ["record_id", "a", "b"])

    got = exported(Reply(as_csv(sent), is_gzip=is_gzip, is_chunked=is_chunked))

    pd.testing.assert_frame_equal(got, sent)
    assert [str(dtype) for dtype in got.dtypes] == ["str"] * 3


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(st.text(st.characters(codec="utf-8")), st.text('"\\,\n\r x')), max_size=8))
def test_any_text_arrives_exactly(rows):
    sent = text_frame([[str(i), *row] for i, row in enumerate(rows)], ["record_id", "a", "b"])

    with serving(by=lambda form: Reply(answer_of(sent, form["format"]))) as server:
        got = connected(server).records()

    pd.testing.assert_frame_equal(got, sent)


def answer_of(frame: pd.DataFrame, as_format: str) -> str:
    return as_csv(frame) if as_format == "csv" else json.dumps(frame.to_dict("records"))


def test_an_unescaped_quote_after_a_backslash_is_read_again_as_json():
    sent = text_frame([["1", '5\\"'], ["2", "plain"]], ["record_id", "height"])
    replies = {"csv": 'record_id,height\n1,"5\\""\n2,plain\n', "json": json.dumps(sent.to_dict("records"))}

    with serving(by=lambda form: Reply(replies[form["format"]])) as server:
        got = connected(server).records()

    pd.testing.assert_frame_equal(got, sent)


def test_an_empty_export_has_no_rows():
    got = exported(Reply("\n"))

    assert got.shape == (0, 0)


def test_a_header_without_rows_has_columns_of_text_and_no_rows():
    got = exported(Reply("record_id,age\n"))

    assert list(got.columns) == ["record_id", "age"]
    assert len(got) == 0
    assert [str(dtype) for dtype in got.dtypes] == ["str", "str"]


def test_a_blank_cell_of_a_single_column_is_kept():
    got = exported(Reply("age\n7\n\n8\n"))

    assert got["age"].tolist() == ["7", "", "8"]


def test_a_byte_order_mark_is_no_part_of_the_first_name():
    assert list(exported(Reply("\ufeffrecord_id,a\n1,2\n")).columns) == ["record_id", "a"]


def test_rows_of_several_megabytes_are_read_across_blocks():
    cell = 'note "quoted"\n' * 50_000
    sent = text_frame([[str(i), cell, cell] for i in range(8)], ["record_id", "a", "b"])

    pd.testing.assert_frame_equal(exported(Reply(as_csv(sent))), sent)


@pytest.mark.parametrize(
    "reply",
    [
        Reply("record_id,a\n1,2\n3,4\n", sent=18),
        Reply("record_id,a\n1,2\n3,4\n", sent=16),
        Reply("record_id,a\n1,2\n3,4\n" * 20, sent=200, is_chunked=True),
        Reply("record_id,a\n1,2\n3,4\n" * 20, sent=40, is_gzip=True, has_length=False),
        Reply("record_id,a\n1,2\n3,4\n", sent=18, has_length=False),
        Reply('record_id,a\n1,2\n3,"first line\n', has_length=False),
        Reply("record_id,a\n1,2\n3\n", has_length=False),
        Reply("record_id,a\n1,2\n3,4\n", sent=3),
        Reply(b"record_id,a\n1,2\n", headers={"Content-Encoding": "gzip"}),
    ],
)
def test_a_csv_that_is_cut_short_is_unavailable_and_read_again(reply):
    with serving(reply, reply, Reply("record_id,a\n1,2\n3,4\n")) as server:
        got = connected(server).records()

        assert got["a"].tolist() == ["2", "4"]
        assert len(server.forms) == 3


def test_a_csv_that_stays_cut_short_is_unavailable():
    with pytest.raises(RedcapUnavailable, match="cut short"):
        exported(Reply("record_id,a\n1,Marigold", has_length=False))


def test_a_json_that_is_cut_short_is_unavailable():
    with serving(Reply('[{"arm_num":1,"name":"Mari')) as server, pytest.raises(RedcapUnavailable) as caught:
        connected(server).arms()

    assert "Mari" not in str(caught.value)


def test_text_that_is_not_utf8_is_an_error_without_the_text():
    with pytest.raises(RedcapError, match="not UTF-8") as caught:
        exported(Reply(b"record_id,a\n1,Marigold\xff\n"))

    assert "Marigold" not in str(caught.value)


@pytest.mark.parametrize(
    "folder", ["simple", "longitudinal", "repeating-instruments", "validation-types-1", "dag"]
)
def test_a_recorded_export_is_read_as_pythons_own_csv_reads_it(folder):
    file = GOLDEN / folder / "data.csv"
    if not file.exists():
        pytest.skip("no recordings beside the repository")
    recorded = file.read_bytes().removeprefix(b"\xef\xbb\xbf")
    names, *rows = csv.reader(io.StringIO(recorded.decode(), newline=""))

    got = exported(Reply(recorded, is_gzip=True))

    pd.testing.assert_frame_equal(got, text_frame([row for row in rows if row], names))


@pytest.mark.parametrize(("method", "content", "columns"), TABLES)
def test_a_small_table_has_its_columns_as_text(method, content, columns):
    rows = [dict(zip(columns, [1, "Ä, b", None, "x", 7], strict=False)) | {"extra": 3}]

    with serving(Reply(json.dumps(rows))) as server:
        got = getattr(connected(server), method)()

        assert server.forms[0]["content"] == content
    assert list(got.columns) == [*columns, "extra"]
    assert got.iloc[0, :2].tolist() == ["1", "Ä, b"]
    assert all(str(dtype) == "str" for dtype in got.dtypes)


@pytest.mark.parametrize(("method", "content", "columns"), TABLES)
def test_a_small_table_without_rows_keeps_its_columns(method, content, columns):
    with serving(Reply("[]")) as server:
        got = getattr(connected(server), method)()

    assert list(got.columns) == list(columns)
    assert all(str(dtype) == "str" for dtype in got.dtypes)
    assert len(got) == 0


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("arms", "You cannot export arms for classic projects"),
        ("events", "You cannot export events for classic projects"),
        ("form_event_mapping", "You cannot export form/event mappings for classic projects"),
        (
            "repeating",
            "You cannot export repeating instruments and events because the project does not contain any "
            "repeating instruments and events",
        ),
    ],
)
def test_a_classic_project_has_no_arms_events_mapping_or_repeats(method, message):
    with serving(Reply(json.dumps({"error": message}), 400)) as server:
        got = getattr(connected(server), method)()

    assert len(got) == 0
    assert list(got.columns) == next(list(columns) for name, _, columns in TABLES if name == method)


def test_a_missing_right_is_not_taken_for_a_classic_project():
    reply = Reply(json.dumps({"error": "You do not have Project Design privileges"}), 403)

    with serving(reply) as server, pytest.raises(RightMissing):
        connected(server).repeating()


def test_the_project_is_one_object():
    with serving(Reply('{"project_id":14,"project_title":"Tooth Fairy Trial"}')) as server:
        got = connected(server).project()

    assert got == {"project_id": 14, "project_title": "Tooth Fairy Trial"}


def test_a_project_that_is_no_object_is_unavailable():
    with serving(Reply("[]")) as server, pytest.raises(RedcapUnavailable):
        connected(server).project()


def test_version_and_next_name_are_plain_words():
    with serving(Reply("15.2.1"), Reply("20-1\n"), Reply("not a version at all")) as server:
        redcap = connected(server, attempts=1)

        assert redcap.version() == "15.2.1"
        assert redcap.next_record_name() == "20-1"
        with pytest.raises(RedcapUnavailable):
            redcap.version()


def test_metadata_and_users_are_text_by_their_own_columns():
    with serving(
        Reply('field_name,form_name\nage,"a b"\n'), Reply('username,forms\nu,"a:1,b:2"\n')
    ) as server:
        redcap = connected(server)

        assert redcap.metadata(["age"], ["a"]).iloc[0].tolist() == ["age", "a b"]
        assert redcap.users().iloc[0].tolist() == ["u", "a:1,b:2"]
        assert server.forms[0]["fields[0]"] == "age"
        assert server.forms[0]["forms[0]"] == "a"


def test_project_xml_is_bytes_to_the_closing_tag():
    document = '<?xml version="1.0" encoding="UTF-8" ?>\n<ODM>é</ODM>\n'

    with serving(Reply(document), Reply(document[:-9])) as server:
        redcap = connected(server, attempts=1)

        assert redcap.project_xml(metadata_only=True) == document.encode()
        with pytest.raises(RedcapUnavailable):
            redcap.project_xml()
        assert server.forms[0]["returnMetadataOnly"] == "true"


def test_an_export_asks_with_redcaps_own_parameters():
    with serving(Reply("\n")) as server:
        connected(server).records(
            ["record_id", "age"],
            ["visit"],
            events=["baseline_arm_1"],
            changed_since=datetime(2026, 3, 1, 8, 5, 9, tzinfo=UTC),
            filter_logic="[age] > 3",
            blank_for_gray=True,
        )
        form = server.forms[0]

    assert {name: form.get(name) for name in ("content", "format", "type", "returnFormat", "rawOrLabel")} == {
        "content": "record", "format": "csv", "type": "flat", "returnFormat": "json", "rawOrLabel": "raw",
    }  # fmt: skip
    assert (form["fields[0]"], form["fields[1]"], form["forms[0]"]) == ("record_id", "age", "visit")
    assert form["events[0]"] == "baseline_arm_1"
    assert form["dateRangeBegin"] == "2026-03-01 08:05:09"
    assert form["filterLogic"] == "[age] > 3"
    assert form["exportBlankForGrayFormStatus"] == "true"
    assert form["token"] == TOKEN
    assert not {"data", "action", "dateRangeEnd", "records"} & set(form)


def test_the_log_is_asked_for_in_minutes():
    with serving(Reply("[]")) as server:
        connected(server).log(
            datetime(2026, 3, 1, 8, 5, 9, tzinfo=UTC),
            datetime(2026, 3, 2, tzinfo=UTC),
            log_type="record_delete",
        )
        form = server.forms[0]

    assert (form["beginTime"], form["endTime"]) == ("2026-03-01 08:05", "2026-03-02 00:00")
    assert form["logtype"] == "record_delete"


def test_a_long_list_of_records_comes_in_parts_in_redcaps_order():
    def answer(form: dict[str, str]) -> Reply:
        ids = [value for name, value in form.items() if name.startswith("records[")]
        return Reply("record_id\n" + "".join(f"{name}\n" for name in ids))

    with serving(by=answer) as server:
        got = connected(server, max_rows=2).records(records=["10", "a", "9", "331-2", "331-10", "9", "2"])

        assert len(server.forms) == 3
    assert got["record_id"].tolist() == ["2", "9", "10", "331-2", "331-10", "a"]
    assert got.index.tolist() == [0, 1, 2, 3, 4, 5]


def test_parts_in_which_no_record_exists_add_nothing():
    with serving(Reply("\n"), Reply("record_id\n2\n"), Reply("\n")) as server:
        got = connected(server, max_rows=1).records(records=["1", "2", "3"])

    assert got["record_id"].tolist() == ["2"]


def test_more_names_than_php_takes_are_sent_as_one_text():
    with serving(Reply("\n")) as server:
        connected(server, max_rows=5000).records(
            [f"f{i}" for i in range(400)], records=[str(i) for i in range(2000)]
        )
        form = server.forms[0]

    assert form["records"].startswith("0,1,2,3")
    assert form["fields[399]"] == "f399"
    assert len(form) < 1000


def test_record_ids_with_commas_are_never_sent_as_one_text():
    with serving(Reply("\n")) as server:
        connected(server, max_rows=5000).records(records=[f"{i},x" for i in range(1200)])

        assert len(server.forms) == 3
        assert all("records[0]" in form and "records" not in form for form in server.forms)


def test_records_and_times_of_change_cannot_be_combined():
    with serving(Reply("\n")) as server, pytest.raises(UsageError, match="times of change"):
        connected(server).records(records=["1"], changed_until=datetime(2026, 3, 1, tzinfo=UTC))


def test_one_text_in_place_of_a_list_is_refused():
    with serving(Reply("\n")) as server, pytest.raises(UsageError, match="list"):
        connected(server).records("record_id")
