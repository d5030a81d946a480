"""Bad days of the served sandbox: faults in all their kinds, the ban, and what is refused without harm."""

from __future__ import annotations

import json
import logging
import socket
import time
from collections.abc import Iterator

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sandbox_clients import control, new_project, post, send

from sandbox.control.routes import WORKS
from sandbox.server import Running

UNKNOWN = "0123456789ABCDEF0123456789ABCDEF"


@pytest.fixture(scope="module")
def served() -> Iterator[Running]:
    with Running() as running:
        yield running


@pytest.fixture(scope="module")
def token(served: Running) -> str:
    return new_project(served)


@pytest.fixture
def server(served: Running) -> Iterator[Running]:
    yield served
    control(served, "faults", method="DELETE")
    control(served, "limit", {"per_minute": 0})
    control(served, "ban", method="DELETE")


def statuses(server: Running, token: str, count: int) -> list[int]:
    return [post(server, token, "version").status_code for _ in range(count)]


def refused(server: Running, path: str, body: object, method: str = "POST") -> str:
    response = requests.request(method, server.control_url + path, json=body, timeout=9)
    assert response.status_code == 400, response.text
    return response.json()["error"]


def test_some_requests_may_pass_before_the_fault(server: Running, token: str) -> None:
    control(server, "faults", {"kind": "status", "status": 500, "after": 2, "count": 2})

    assert statuses(server, token, 5) == [200, 200, 500, 500, 200]


def test_a_fault_by_chance_comes_the_same_way_again(server: Running, token: str) -> None:
    fault = {"kind": "status", "status": 504, "count": 1000, "probability": 0.5, "seed": 7}
    runs = []
    for _ in range(2):
        control(server, "faults", fault)
        runs.append(statuses(server, token, 12))
        control(server, "faults", method="DELETE")

    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 504}


def test_faults_are_listed_while_they_wait_and_counted_when_met(server: Running, token: str) -> None:
    control(server, "faults", {"kind": "empty", "content": "version", "count": 2})
    control(server, "faults", {"kind": "latency", "seconds": 0.5, "content": "record"})
    statuses(server, token, 1)

    listed = control(server, "faults", method="GET")

    assert [(one["kind"], one["content"], one["left"]) for one in listed["faults"]] == [
        ("empty", "version", 1),
        ("latency", "record", 1),
    ]
    assert (listed["waiting"], listed["met"]) == (2, {"empty": 1})


def test_rows_of_an_export_can_be_slow(server: Running, token: str) -> None:
    send(server, token, "record", [{"record_id": str(number)} for number in range(1, 11)])
    control(server, "faults", {"kind": "row_latency", "seconds": 0.03})

    began = time.monotonic()
    rows = post(server, token, "record", format="csv").text.splitlines()

    assert time.monotonic() - began >= 0.3
    assert len(rows) == 11


def test_a_second_writer_edits_a_cell_between_two_requests(server: Running, token: str) -> None:
    number = post(server, token, "project", format="json").json()["project_id"]
    send(server, token, "record", [{"record_id": "1", "first_name": "Ann"}])
    cell = {"project_id": number, "record": "1", "field": "first_name", "value": "Eve", "username": "mary"}
    control(server, "faults", {"kind": "second_writer", "content": "record", "after": 1, "cell": cell})

    seen = [post(server, token, "record", format="json", records="1").json()[0] for _ in range(3)]

    assert [row["first_name"] for row in seen] == ["Ann", "Ann", "Eve"]
    newest = post(server, token, "log", format="json", logtype="record_edit").json()[0]
    assert (newest["username"], newest["action"]) == ("mary", "Update record 1")


def test_too_many_requests_a_minute_ban_an_address_until_the_ban_is_lifted(
    server: Running, token: str
) -> None:
    control(server, "limit", {"per_minute": 5})

    answers = [post(server, token, "version") for _ in range(8)]
    shown = control(server, "limit", method="GET")
    survey = requests.get(server.redcap_url.replace("api/", "surveys/?s=x"), timeout=9)
    control(server, "ban", method="DELETE")

    assert [one.text == "15.2.1" for one in answers] == [True] * 5 + [False] * 3
    assert "banned" in answers[-1].text
    assert answers[-1].headers["Content-Type"] == "text/html; charset=utf-8"
    assert shown == {"per_minute": 5, "banned": ["127.0.0.1"]}
    assert "banned" in survey.text
    assert statuses(server, token, 1) == [200]


def test_a_ban_can_be_asked_for(server: Running, token: str) -> None:
    control(server, "faults", {"kind": "ban", "after": 1})

    texts = [post(server, token, "version").text[:15] for _ in range(3)]

    assert texts == ["15.2.1", "<!DOCTYPE html>", "<!DOCTYPE html>"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("faults", {"kind": "nonsense"}),
        ("faults", {"kind": 5}),
        ("faults", {"count": -1}),
        ("faults", {"count": 1e30}),
        ("faults", {"count": "many"}),
        ("faults", {"kind": "latency", "seconds": -1}),
        ("faults", {"kind": "latency", "seconds": 1e9}),
        ("faults", {"status": 42}),
        ("faults", {"probability": 2}),
        ("faults", {"kind": "second_writer"}),
        ("faults", {"kind": "second_writer", "cell": []}),
        ("limit", {"per_minute": -1}),
        ("clock", {"now": "tomorrow"}),
        ("clock", {"now": ["2026"]}),
        ("version", {"version": "new"}),
        ("version", {"version": ""}),
        ("triggers/faults", {"kind": "drop", "count": 0}),
        ("triggers/faults", {}),
        ("projects", {"xml": 5}),
        ("projects", {"xml": "<ODM"}),
        ("projects", []),
    ],
)
def test_a_bad_control_is_refused_in_one_sentence(server: Running, path: str, body: object) -> None:
    told = refused(server, path, body)

    assert told.endswith(".")
    assert len(told) < 200


@pytest.mark.parametrize(
    "body", [b"{", b"\xff\xfe", b"[" * 100_000, b'{"count": NaN}', b'{"seconds": 1e999}']
)
def test_a_body_that_is_no_json_is_refused(server: Running, body: bytes) -> None:
    response = requests.post(server.control_url + "faults", data=body, timeout=9)

    assert response.status_code == 400
    assert response.json()["error"].endswith(".")


def test_a_missing_project_is_not_found(server: Running) -> None:
    response = requests.post(f"{server.control_url}projects/999999/forms", json={}, timeout=9)

    assert (response.status_code, response.json()) == (404, {"error": "There is no such project."})


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = """
kind status seconds content action after count probability seed cell per_minute now version xml title username
rights forms forms_export data_access_group record field value event instrument instance form values url is_on
on_imports
"""
HARMLESS = [(method, path) for method, path, _ in WORKS if path != "/_sandbox/projects/{project_id:number}"]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.sampled_from(HARMLESS), body=st.dictionaries(st.sampled_from(NAMES.split()), ANY, max_size=5))
def test_no_control_ever_fails_by_itself(
    server: Running, token: str, where: tuple[str, str], body: dict[str, object]
) -> None:
    number = post(server, token, "project", format="json").json()["project_id"]
    url = server.base_url + where[1].replace("{project_id:number}", str(number))[1:]

    response = requests.request(where[0], url, data=json.dumps(body).encode("utf-8", "replace"), timeout=9)
    requests.delete(server.control_url + "faults", timeout=9)
    requests.delete(server.control_url + "ban", timeout=9)
    requests.post(server.control_url + "limit", json={"per_minute": 0}, timeout=9)

    assert response.status_code in (200, 400, 403, 404), response.text
    assert isinstance(response.json(), dict | list)


def test_a_token_from_elsewhere_is_refused_with_a_warning_that_keeps_it_secret(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with Running() as fresh, caplog.at_level(logging.WARNING, logger="sandbox"):
        answers = [post(fresh, UNKNOWN, "record", format="json").status_code for _ in range(3)]

    assert answers == [403, 403, 403]
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "not this sandbox's own" in caplog.text
    assert not any(UNKNOWN[start : start + 5] in caplog.text for start in range(27))


def test_a_body_that_is_declared_too_large_is_not_read(server: Running) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=9) as client:
        client.sendall(b"POST /api/ HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n")
        answer = client.recv(100)

    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("body", [b"&a" * 200_001, b"token=%ff%fe&content=\xff\xfe", b"\x00=\x00", b"=&=&="])
def test_broken_and_endless_bodies_are_refused(server: Running, body: bytes) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    response = requests.post(server.redcap_url, data=body, headers=headers, timeout=20)

    assert response.status_code in (400, 403)


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=x",
        "multipart/form-data; boundary=x; charset=none",
    ],
)
def test_broken_multipart_is_refused(server: Running, kind: str) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="\xff"\r\n\r\n\xff'

    response = requests.post(server.redcap_url, data=body, headers={"Content-Type": kind}, timeout=9)

    assert response.status_code in (400, 403, 501)


def test_a_body_that_comes_slowly_holds_nobody_up(server: Running, token: str) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=9) as client:
        client.sendall(b"POST /api/ HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\ntoken=")

        assert statuses(server, token, 2) == [200, 200]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"])
def test_other_methods_are_not_implemented(server: Running, method: str) -> None:
    assert requests.request(method, server.redcap_url, timeout=9).status_code == 501


def test_the_folder_of_the_version_answers_too_and_others_do_not(server: Running, token: str) -> None:
    data = {"token": token, "content": "version"}
    there = requests.post(server.base_url + "redcap_v15.2.1/API/", data=data, timeout=9)
    elsewhere = requests.post(server.base_url + "other/API/", data=data, timeout=9)

    assert (there.status_code, there.text) == (200, "15.2.1")
    assert (elsewhere.status_code, elsewhere.headers["Content-Type"]) == (404, "text/html; charset=utf-8")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:1"},
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "["},
    ],
)
def test_other_sites_may_not_use_the_controls(server: Running, headers: dict[str, str]) -> None:
    response = requests.post(server.control_url + "faults", json={}, headers=headers, timeout=9)

    assert response.status_code == 403
    assert control(server, "faults", method="GET")["waiting"] == 0


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1", "[::1]:9"])
def test_this_computers_own_names_are_welcome(server: Running, host: str) -> None:
    assert requests.get(server.control_url, headers={"Host": host}, timeout=9).status_code == 200


def test_it_ends_soon_with_a_stream_open() -> None:
    with Running() as server:
        token = new_project(server)
        send(server, token, "record", [{"record_id": str(number)} for number in range(1, 50)])
        control(server, "faults", {"kind": "row_latency", "seconds": 60})
        data = {"token": token, "content": "record", "format": "csv"}
        stream = requests.post(server.redcap_url, data=data, stream=True, timeout=30)
        began = time.monotonic()
    stream.close()

    assert time.monotonic() - began < 5


def test_a_name_that_can_be_no_address_does_no_harm(server: Running, token: str) -> None:
    data = {"token": token, "content": "version"}

    response = requests.post(server.redcap_url, data=data, headers={"Host": "[x"}, timeout=9)

    assert (response.status_code, response.text) == (200, "15.2.1")
