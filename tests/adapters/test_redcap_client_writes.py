"""What is imported or deleted arrives at REDCap cell by cell, in batches that never cut a record."""

from __future__ import annotations

import csv
import io
import json
from urllib.parse import quote_plus

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_server import TOKEN, Reply, ScriptedServer, serving

from capstan.errors import OutcomeUnknown, RowsRefused, UsageError
from capstan.redcap import Redcap, batches, create_project
from capstan.redcap.batching import payload
from capstan.redcap.parameters import encoded_size, form_body, natural_order

NASTY = [
    "007",
    "NA",
    "null",
    "None",
    "",
    'say "hi"',
    "a,b",
    "line\nbreak",
    "\r\n",
    "\t",
    "naïve 日本語 👩‍👧",
    "&=+%",
]
UNCLEAR = ["C:\\", '5\\"', "\\n", '\\"\\', "a\rb", "\r", "a\r\r\n"]


def connected(server: ScriptedServer, **options) -> Redcap:
    return Redcap(server.url, TOKEN, **{"timeout_seconds": (5.0, 5.0), **options})


def text_frame(**columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame(columns, columns=pd.Index(list(columns), dtype="str"), dtype="str")


def rows_in(form: dict[str, str]) -> list[dict[str, str]]:
    if form["format"] == "json":
        return json.loads(form["data"])
    return list(csv.DictReader(io.StringIO(form["data"], newline="")))


def echo(form: dict[str, str]) -> Reply:
    return Reply(json.dumps(list(dict.fromkeys(row["record_id"].strip() for row in rows_in(form)))))


def imported(frame: pd.DataFrame, *, by=echo, **options) -> tuple[list[str], list[dict[str, str]]]:
    with serving(by=by) as server:
        ids = connected(server, max_rows=options.pop("max_rows", 1000)).import_records(frame, **options)
        return ids, server.forms


@pytest.mark.parametrize("as_format", ["csv", "json", None])
def test_nasty_values_are_sent_exactly(as_format):
    frame = text_frame(record_id=[str(i) for i in range(len(NASTY))], a=NASTY, b=NASTY[::-1])

    _, forms = imported(frame, as_format=as_format)

    assert rows_in(forms[0]) == frame.to_dict("records")


@pytest.mark.parametrize("value", UNCLEAR)
def test_a_cell_that_is_unclear_in_csv_goes_as_json(value):
    _, (form,) = imported(text_frame(record_id=["1", "2"], a=["", value]))

    assert form["format"] == "json"
    assert [row["a"] for row in rows_in(form)] == ["", value]


def test_all_other_cells_go_as_csv():
    _, (form,) = imported(text_frame(record_id=["1"], a=["x\r\ny"]))

    assert form["format"] == "csv"


def test_an_import_asks_with_redcaps_own_parameters():
    _, (form,) = imported(text_frame(record_id=["1"], a=["x"]), overwrite=True, date_format="DMY")

    assert {name: form[name] for name in form if name not in ("data", "token")} == {
        "content": "record", "format": "csv", "type": "flat", "overwriteBehavior": "overwrite",
        "forceAutoNumber": "false", "dateFormat": "DMY", "backgroundProcess": "false",
        "returnContent": "ids", "returnFormat": "json",
    }  # fmt: skip


def test_blank_cells_leave_what_is_stored_unless_asked_otherwise():
    _, (form,) = imported(text_frame(record_id=["1"], a=[""]))

    assert form["overwriteBehavior"] == "normal"


@pytest.mark.parametrize(
    "body",
    [
        '["4","5","6"]',
        "[4, 5, 6]",
        "id\n4\n5\n6",
        'id\n"4"\n5\n6\n',
        '<?xml version="1.0" encoding="UTF-8" ?><ids><id>4</id><id><![CDATA[5]]></id><id>6</id></ids>',
    ],
)
def test_ids_are_read_in_every_shape(body):
    ids, _ = imported(text_frame(record_id=["4", "5", "6"]), by=lambda _: Reply(body))

    assert ids == ["4", "5", "6"]


@pytest.mark.parametrize("body", ["3", '{"count": 3}', "ok", '["1"', "<html></html>", "4\n5\n6"])
def test_an_answer_that_names_no_ids_leaves_the_outcome_unknown(body):
    with pytest.raises(OutcomeUnknown):
        imported(text_frame(record_id=["4", "5", "6"]), by=lambda _: Reply(body))


@pytest.mark.parametrize(("body", "missing"), [('["4"]', ["5", "6"]), ('{"count": 0}', ["4", "5", "6"])])
def test_records_that_redcap_did_not_write_are_named_in_rows_only(body, missing):
    with pytest.raises(RowsRefused, match="of the 3 records") as caught:
        imported(text_frame(record_id=["4", "5", "6"]), by=lambda _: Reply(body))

    assert [record for record, _, _ in caught.value.rows] == missing


def test_rows_of_one_record_count_as_one():
    frame = text_frame(record_id=["4", "4 ", "4"], redcap_event_name=["a_arm_1", "b_arm_1", "c_arm_1"])

    ids, _ = imported(frame)

    assert ids == ["4"]


@pytest.mark.parametrize("body", ['{"success": true}', "success:true"])
def test_a_background_import_returns_no_ids(body):
    ids, (form,) = imported(text_frame(record_id=["4"]), by=lambda _: Reply(body), background=True)

    assert ids == []
    assert form["backgroundProcess"] == "true"


@pytest.mark.parametrize("body", ['["1101,1","1102,2"]', 'id\n"1101,1"\n"1102,2"', "id\n1101,1\n1102,2\n"])
def test_new_ids_are_returned_for_placeholders(body):
    ids, (form,) = imported(text_frame(record_id=["1", "2"]), by=lambda _: Reply(body), auto_number=True)

    assert ids == ["1101", "1102"]
    assert (form["forceAutoNumber"], form["returnContent"]) == ("true", "auto_ids")


def test_no_rows_are_no_call():
    ids, forms = imported(text_frame(record_id=[], a=[]))

    assert (ids, forms) == ([], [])


def test_a_long_import_goes_in_batches_and_returns_all_ids():
    frame = text_frame(record_id=["1", "2", "1", "3", "4"], a=list("abcde"))

    ids, forms = imported(frame, max_rows=2)

    assert [[row["a"] for row in rows_in(form)] for form in forms] == [["a", "c"], ["b", "d"], ["e"]]
    assert ids == ["1", "2", "3", "4"]


BAD_ROWS = {
    "no column 'study_id'": (text_frame(record_id=["1"]), {"record_field": "study_id"}),
    "blank 'record_id'": (text_frame(record_id=["1", " "]), {}),
    "blank 'redcap_event_name'": (text_frame(record_id=["1", "2"], redcap_event_name=["a_arm_1", ""]), {}),
    "blank 'redcap_repeat_instance'": (
        text_frame(record_id=["1"], redcap_repeat_instrument=["sms"], redcap_repeat_instance=[""]),
        {},
    ),
    "no column 'redcap_repeat_instance'": (text_frame(record_id=["1"], redcap_repeat_instrument=["sms"]), {}),
    "change the columns age": (pd.DataFrame({"record_id": ["1"], "age": [7]}), {}),
    "change the columns name": (pd.DataFrame({"record_id": ["1"], "name": [None]}, dtype="str"), {}),
    "same name": (pd.DataFrame([["1", "2"]], columns=["record_id", "record_id"], dtype="str"), {}),
}


@pytest.mark.parametrize("text", BAD_ROWS)
def test_rows_that_redcap_would_take_otherwise_are_refused_before_they_are_sent(text):
    frame, options = BAD_ROWS[text]

    with serving(Reply('["1"]')) as server:
        with pytest.raises(UsageError, match=text):
            connected(server).import_records(frame, **options)

        assert server.forms == []


def test_rows_of_a_repeating_event_need_no_instrument():
    frame = text_frame(record_id=["1"], redcap_repeat_instrument=[""], redcap_repeat_instance=["2"])

    ids, _ = imported(frame)

    assert ids == ["1"]


def test_a_delete_names_its_records_and_place_and_returns_the_count():
    with serving(Reply("2")) as server:
        count = connected(server).delete_records(
            ["1", "2"], arm=2, event="b_arm_2", instrument="sms", instance=3
        )
        form = server.forms[0]

    assert count == 2
    assert {name: form[name] for name in form if name not in ("token", "returnFormat")} == {
        "content": "record", "action": "delete", "records[0]": "1", "records[1]": "2", "arm": "2",
        "event": "b_arm_2", "instrument": "sms", "repeat_instance": "3",
    }  # fmt: skip


def test_deleting_no_records_is_no_call():
    with serving(Reply("1")) as server:
        assert connected(server).delete_records([]) == 0
        assert server.forms == []


def test_a_delete_that_cannot_be_one_call_is_refused():
    with serving(Reply("1")) as server, pytest.raises(UsageError, match="commas"):
        connected(server).delete_records([f"{i},x" for i in range(1200)])


def test_a_created_project_answers_with_its_token():
    with serving(Reply(f"{TOKEN}\n")) as server:
        token = create_project(server.url, TOKEN * 2, title="Tooth Fairy Trial", odm="<ODM/>", purpose=2)
        form = server.forms[0]

    assert token == TOKEN
    assert form["token"] == TOKEN * 2
    assert form["odm"] == "<ODM/>"
    assert json.loads(form["data"])[0]["project_title"] == "Tooth Fairy Trial"
    assert json.loads(form["data"])[0]["purpose"] == "2"


RECORD = st.tuples(st.sampled_from(["1", "2", " 2", "a", "A", "007", "é", "x,y"]), st.text(max_size=30))


@given(
    rows=st.lists(RECORD, max_size=30),
    max_rows=st.integers(1, 8),
    max_bytes=st.integers(1, 400),
    as_format=st.sampled_from(["csv", "json"]),
)
def test_batches_hold_every_row_once_and_never_cut_a_record(rows, max_rows, max_bytes, as_format):
    frame = text_frame(record_id=[row[0] for row in rows], a=[row[1] for row in rows])

    parts = list(
        batches(frame, record_field="record_id", max_rows=max_rows, max_bytes=max_bytes, as_format=as_format)
    )

    keys = [set(part["record_id"].str.strip().str.casefold()) for part in parts]
    assert sum(map(len, keys)) == len(set().union(*keys))
    assert sorted(place for part in parts for place in part.index) == list(range(len(rows)))
    for part, key in zip(parts, keys, strict=True):
        size = encoded_size(payload(part, as_format=as_format))
        assert len(key) == 1 or (len(part) <= max_rows and size <= max_bytes)
        assert all(group.index.is_monotonic_increasing for _, group in part.groupby("record_id"))


def test_a_long_header_counts_in_every_batch():
    wide = {f"a_rather_long_field_name_{i}": ["", "", ""] for i in range(50)}
    frame = text_frame(record_id=["1", "2", "3"], **wide)
    max_bytes = encoded_size(payload(frame, as_format="csv")) - 1

    parts = list(batches(frame, record_field="record_id", max_rows=9, max_bytes=max_bytes))

    assert [len(part) for part in parts] == [2, 1]


@given(rows=st.lists(RECORD, min_size=1, max_size=30), max_rows=st.integers(1, 8))
def test_two_neighbouring_batches_never_fit_into_one(rows, max_rows):
    frame = text_frame(record_id=[row[0] for row in rows])

    parts = list(batches(frame, record_field="record_id", max_rows=max_rows, max_bytes=10**6))

    firsts = [part["record_id"].str.strip().str.casefold().iloc[0] for part in parts]
    sizes = frame["record_id"].str.strip().str.casefold().value_counts()
    for part, first in zip(parts, firsts[1:], strict=False):
        assert len(part) + sizes[first] > max_rows


def test_batches_refuse_a_column_or_limit_that_is_none():
    frame = text_frame(record_id=["1"])

    with pytest.raises(UsageError, match="study_id"):
        next(batches(frame, record_field="study_id", max_rows=1, max_bytes=1))
    with pytest.raises(UsageError, match="1 or more"):
        next(batches(frame, record_field="record_id", max_rows=0, max_bytes=1))


@given(st.text())
def test_the_encoded_size_is_that_of_the_encoded_text(text):
    text = text.encode("utf-8", "ignore").decode()

    assert encoded_size(text) == len(quote_plus(text))


def test_record_ids_sort_as_redcap_sorts_them():
    ids = ["10", "9", "a", "331-10", "331-2", "A2", "a10", "1", "007"]

    assert sorted(ids, key=natural_order) == ["1", "007", "9", "10", "331-2", "331-10", "a", "A2", "a10"]


def test_absent_parameters_are_not_sent():
    assert form_body({"content": "record", "fields": (), "filterLogic": "", "arm": None}) == "content=record"
