"""Exports are read while they are sent: of one moment, without holding others up, in little memory."""

from __future__ import annotations

import gzip
import http.client
import json
import sqlite3
import time
import tracemalloc
from collections.abc import Iterator

import pytest
import requests
from sandbox_recordings import Api

from sandbox.call import Call
from sandbox.render import Answer, Stream
from sandbox.server import Running
from sandbox.state import State

RECORDS = 3000
NOTE = "a long note, "
METADATA = [
    {"field_name": "record_id", "form_name": "notes", "field_type": "text", "field_label": "Id"},
    {"field_name": "note", "form_name": "notes", "field_type": "notes", "field_label": "Note"},
    {"field_name": "many", "form_name": "notes", "field_type": "checkbox", "field_label": "Many"}
    | {"select_choices_or_calculations": "1, One | -2, Two"},
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with Running(state_dir=tmp_path_factory.mktemp("state")) as running:
        yield running


@pytest.fixture(scope="module")
def large(server: Running) -> Api:
    """A project whose export is larger than what sockets keep for a client that does not read."""
    made = requests.post(
        server.redcap_url,
        data={
            "token": server.super_token,
            "content": "project",
            "data": '[{"project_title": "L", "purpose": "0"}]',
        }
        | {"format": "json"},
        timeout=30,
    )
    api = Api(server.redcap_url, made.text[-32:])
    api.json("metadata", data=json.dumps(METADATA))
    rows = [
        {"record_id": str(number), "note": NOTE * 700, "many____2": "1"} for number in range(1, RECORDS + 1)
    ]
    api.json("record", data=json.dumps(rows))
    return api


def open_export(api: Api, **fields: str) -> requests.Response:
    data = {"token": api.token, "content": "record", "format": "csv", **fields}
    return requests.post(api.url, data=data, stream=True, timeout=30, headers={"Accept-Encoding": "identity"})


def answer(server: Running, api: Api, **fields: str) -> Answer:
    with server.state.lock:
        return server.state.redcap.answer(
            Call({"token": api.token, "content": "record", "format": "csv", **fields})
        )


def has_reader(server: Running) -> bool:
    """Tell whether a transaction that reads an older moment keeps the log of writes from being emptied."""
    connection = sqlite3.connect(server.state.store.path, timeout=0)
    try:
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.OperationalError:
        # Somebody holds the lock just now, as a connection does that is being closed.
        return True
    finally:
        connection.close()
    return bool(busy)


def test_an_export_shows_what_was_stored_when_it_was_asked_for(server: Running, large: Api) -> None:
    open_body = answer(server, large).body
    assert isinstance(open_body, Stream)
    first = next(open_body.parts).content
    large.json("record", data=json.dumps([{"record_id": str(RECORDS), "note": "written meanwhile"}]))

    rest = b"".join(part.content for part in open_body.parts)
    open_body.close()

    assert b"written meanwhile" not in first + rest
    assert (first + rest).count(b"\n") == RECORDS + 1
    assert "written meanwhile" in large.text("record", format="csv", records=str(RECORDS))


def test_others_are_served_while_a_client_reads_slowly(server: Running, large: Api) -> None:
    response = open_export(large)

    version = large.text("version")
    count = large.json("record", data='[{"record_id": "1", "many___1": "1"}]')

    assert (version, count) == ("15.2.1", {"count": 1})
    assert response.content.count(b"\n") == RECORDS + 1


def test_a_client_that_hangs_up_leaves_nothing_open(server: Running, large: Api) -> None:
    response = open_export(large)
    large.json("record", data='[{"record_id": "2", "many___1": "1"}]')
    was_reading = has_reader(server)

    response.close()
    deadline = time.monotonic() + 10
    while has_reader(server) and time.monotonic() < deadline:
        large.text("version")

    assert was_reading
    assert not has_reader(server)


def test_a_finished_export_leaves_nothing_open(server: Running, large: Api) -> None:
    large.text("record", format="csv")
    large.json("record", data='[{"record_id": "3", "many___1": "1"}]')

    assert not has_reader(server)


@pytest.mark.parametrize(
    "fields", [{"fields": "nonsense"}, {"filterLogic": "[note"}, {"filterLogic": "[x]=1"}]
)
def test_what_is_refused_is_refused_before_the_first_byte(server: Running, large: Api, fields: dict) -> None:
    refused = answer(server, large, **fields)

    assert refused.status == 400
    assert isinstance(refused.body, str)
    assert not has_reader(server)


@pytest.mark.parametrize(
    "fields", [{}, {"format": "json"}, {"format": "xml"}, {"format": "odm"}, {"type": "eav"}], ids=str
)
def test_a_body_is_made_in_parts_that_need_little_memory(server: Running, large: Api, fields: dict) -> None:
    body = answer(server, large, **fields).body
    assert isinstance(body, Stream)
    tracemalloc.start()
    size = sum(len(part.content) for part in body.parts)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    body.close()

    assert size > RECORDS * len(NOTE) * 700
    assert peak < size / 3


def test_a_streamed_body_is_packed_where_the_client_accepts_it(large: Api) -> None:
    data = {"token": large.token, "content": "record", "format": "csv"}
    packed = requests.post(
        large.url, data=data, stream=True, timeout=30, headers={"Accept-Encoding": "gzip, deflate"}
    )
    sent = packed.raw.read(decode_content=False)

    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(sent) < len(large.text("record", format="csv")) / 10
    assert gzip.decompress(sent).decode() == large.text("record", format="csv")


def test_a_client_of_http_1_0_reads_until_the_connection_closes(server: Running, large: Api) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection._http_vsn, connection._http_vsn_str = 10, "HTTP/1.0"
    body = f"token={large.token}&content=record&format=csv"
    connection.request("POST", "/api/", body, {"Content-Type": "application/x-www-form-urlencoded"})

    response = connection.getresponse()
    text = response.read().decode()
    connection.close()

    assert response.headers["Connection"] == "close"
    assert text == large.text("record", format="csv")


def test_a_truncated_export_is_noticed_by_the_client(server: Running, large: Api) -> None:
    requests.post(server.control_url + "faults", json={"kind": "truncated", "content": "record"}, timeout=30)

    with pytest.raises(requests.RequestException):
        large.text("record", format="csv")


def test_the_list_of_requests_has_the_size_of_a_streamed_body(server: Running, large: Api) -> None:
    text = large.text("record", format="csv")

    listed = requests.get(server.control_url + "requests", timeout=30).json()

    assert listed[-1]["sent_bytes"] == len(text.encode())


def test_a_slow_server_needs_time_for_every_row(server: Running, large: Api) -> None:
    requests.post(
        server.control_url + "faults",
        json={"kind": "row_latency", "seconds": 0.05, "content": "record"},
        timeout=30,
    )
    started = time.monotonic()
    large.text("record", format="csv", records="1,2,3,4")

    assert time.monotonic() - started >= 0.2


def test_a_store_without_a_folder_leaves_no_file_behind() -> None:
    state = State()
    folder = state.store.path.parent
    existed = folder.exists()
    state.close()

    assert existed
    assert not folder.exists()


def test_repeating_rows_of_one_record_stay_together_over_chunks(server: Running) -> None:
    made = requests.post(
        server.redcap_url,
        data={
            "token": server.super_token,
            "content": "project",
            "data": '[{"project_title": "R", "purpose": "0"}]',
        }
        | {"format": "json"},
        timeout=30,
    )
    api = Api(server.redcap_url, made.text[-32:])
    forms = [METADATA[0], {**METADATA[1], "form_name": "visit"}]
    api.json("metadata", data=json.dumps(forms))
    api.json("repeatingFormsEvents", data='[{"form_name": "visit", "custom_form_label": ""}]')
    rows = [
        {"record_id": str(record), "redcap_repeat_instrument": "visit", "redcap_repeat_instance": number}
        | {"note": "x"}
        for number in range(1, 26)
        for record in range(60, 0, -1)
    ]
    api.json("record", data=json.dumps(rows))

    found = api.json("record")

    places = [(int(row["record_id"]), row["redcap_repeat_instance"] or 0) for row in found]
    assert places == sorted(places)
    assert len([place for place in places if place[1]]) == 1500
