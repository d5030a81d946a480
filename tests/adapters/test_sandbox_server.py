"""The served sandbox: its process, its state on disk, its control API, its faults."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from sandbox_clients import control, metadata, new_project, post, send

import cli.main
import sandbox.__main__
from sandbox.server import CannotServe, Running, serve
from sandbox.web.guard import Guard

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def token(server: Running) -> str:
    return new_project(server)


@pytest.fixture
def faults(server: Running) -> Iterator[Running]:
    yield server
    control(server, "faults", method="DELETE")


def start(*arguments: str) -> tuple[subprocess.Popen, dict]:
    command = [sys.executable, "-m", "sandbox", "--port", "0", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())


def stop(process: subprocess.Popen, number: signal.Signals) -> str:
    process.send_signal(number)
    rest, _ = process.communicate(timeout=20)
    return rest


def test_a_process_says_where_it_is_in_one_line_and_stops_cleanly() -> None:
    process, said = start()
    answer = requests.post(
        said["redcap_url"], data={"token": said["super_token"], "content": "version"}, timeout=9
    )
    rest = stop(process, signal.SIGTERM)

    assert answer.text == "15.2.1"
    assert said["redcap_url"].endswith("/api/")
    assert set(said) == {
        "redcap_url",
        "super_token",
        "twilio_url",
        "twilio_account_sid",
        "twilio_auth_token",
        "smtp",
        "control_url",
    }
    assert (process.returncode, rest) == (0, "")


def test_a_restart_keeps_tokens_and_data(tmp_path: Path) -> None:
    with Running(state_dir=tmp_path) as first:
        token, super_token = new_project(first, longitudinal=True), first.super_token
        send(first, token, "record", [{"record_id": "1", "first_name": "Ann", "likes____9": "1"}])
        before = {
            name: post(first, token, name, format="csv").text for name in ("record", "metadata", "event")
        }

    with Running(state_dir=tmp_path) as second:
        after = {name: post(second, token, name, format="csv").text for name in before}

        assert after == before
        assert second.super_token == super_token


def test_a_new_process_finds_the_state_of_an_interrupted_one(tmp_path: Path) -> None:
    process, said = start("--state", str(tmp_path))
    stop(process, signal.SIGINT)
    again, said_again = start("--state", str(tmp_path))
    stop(again, signal.SIGTERM)

    assert said_again["super_token"] == said["super_token"]


def test_a_project_is_loaded_by_the_control_api(server: Running, token: str) -> None:
    xml = post(server, token, "project_xml").text

    made = control(server, "projects", {"xml": xml})

    assert post(server, made["token"], "metadata", format="json").text.count("field_name") == 7
    assert made["project_id"] in [one["project_id"] for one in control(server, "projects", method="GET")]


def test_a_project_is_loaded_from_a_body_of_xml(server: Running, token: str) -> None:
    xml = post(server, token, "project_xml").content
    url, kind = server.control_url + "projects", {"Content-Type": "text/xml"}

    made = requests.post(url, params={"title": "Again"}, data=xml, headers=kind, timeout=9).json()
    refused = requests.post(url, data=b"<html/>", headers=kind, timeout=9)

    assert made["title"] == "Again"
    assert post(server, made["token"], "instrument").text == post(server, token, "instrument").text
    assert refused.status_code == 400


def test_requests_are_listed_without_values_or_tokens(server: Running, token: str) -> None:
    control(server, "requests", method="DELETE")
    send(server, token, "record", [{"record_id": "1", "first_name": "Marked"}])
    post(server, token, "nonsense")

    listed = control(server, "requests", method="GET")

    kept = [(one["method"], one["content"], one["action"], one["status"]) for one in listed]
    assert kept == [("POST", "record", "import", 200), ("POST", "nonsense", "export", 400)]
    assert listed[0]["received_bytes"] > listed[0]["sent_bytes"] > 0
    assert "Marked" not in json.dumps(listed)
    assert token not in json.dumps(listed)


def test_a_stopped_clock_stamps_the_log(server: Running) -> None:
    token = new_project(server)
    control(server, "clock", {"now": "2031-02-03T04:05:06"})
    send(server, token, "record", [{"record_id": "1"}])
    control(server, "clock", {"now": None})

    log = post(server, token, "log", format="json", logtype="record_add").json()

    assert log[0]["timestamp"] == "2031-02-03 04:05"


def test_a_second_writer_changes_a_cell_and_the_log(server: Running) -> None:
    token = new_project(server)
    project_id = post(server, token, "project", format="json").json()["project_id"]
    send(server, token, "record", [{"record_id": "1", "first_name": "Ann"}])

    cell = {"record": "1", "field": "first_name", "value": "Eve", "username": "mary"}
    control(server, f"projects/{project_id}/cells", cell)

    assert post(server, token, "record", format="json").json()[0]["first_name"] == "Eve"
    newest = post(server, token, "log", format="json", logtype="record").json()[0]
    assert (newest["username"], newest["action"]) == ("mary", "Update record 1")


def test_a_second_writer_needs_a_field_that_exists(server: Running, token: str) -> None:
    project_id = post(server, token, "project", format="json").json()["project_id"]

    response = requests.post(
        f"{server.control_url}projects/{project_id}/cells",
        json={"record": "1", "field": "nonsense", "value": "1"},
        timeout=9,
    )

    assert response.status_code == 400


def test_the_page_says_sandbox_and_lists_projects(server: Running, token: str) -> None:
    response = requests.get(server.control_url, timeout=9)

    assert response.headers["content-type"].startswith("text/html")
    assert "SANDBOX" in response.text
    assert ">Small</a>" in response.text


def test_a_status_fault_lasts_for_its_count(faults: Running, token: str) -> None:
    control(faults, "faults", {"kind": "status", "status": 502, "count": 2})

    statuses = [post(faults, token, "version").status_code for _ in range(3)]

    assert statuses == [502, 502, 200]


def test_a_fault_may_wait_for_one_method(faults: Running, token: str) -> None:
    control(faults, "faults", {"kind": "status", "content": "record"})

    statuses = [post(faults, token, content).status_code for content in ("version", "record", "record")]

    assert statuses == [200, 503, 200]


def test_html_and_empty_answers_come_with_200(faults: Running, token: str) -> None:
    control(faults, "faults", {"kind": "html"})
    control(faults, "faults", {"kind": "empty"})

    html, empty = post(faults, token, "version"), post(faults, token, "version")

    assert (html.status_code, html.text[:15]) == (200, "<!DOCTYPE html>")
    assert (empty.status_code, empty.text) == (200, "")


def test_a_truncated_answer_breaks_off(faults: Running, token: str) -> None:
    control(faults, "faults", {"kind": "truncated"})

    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        post(faults, token, "metadata", format="json")


@pytest.mark.parametrize(("kind", "done"), [("close_before", False), ("close_after", True)])
def test_a_closed_socket_leaves_the_work_undone_or_done(faults: Running, kind: str, done: bool) -> None:
    token = new_project(faults)
    control(faults, "faults", {"kind": kind})

    with pytest.raises(requests.exceptions.ConnectionError):
        send(faults, token, "record", [{"record_id": "1"}])

    assert (post(faults, token, "record", format="json").json() != []) is done


def test_latency_comes_before_the_answer(faults: Running, token: str) -> None:
    control(faults, "faults", {"kind": "latency", "seconds": 0.3})

    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.post(faults.redcap_url, data={"token": token, "content": "version"}, timeout=0.1)


def test_an_unknown_fault_is_refused(server: Running) -> None:
    response = requests.post(server.control_url + "faults", json={"kind": "nonsense"}, timeout=9)

    assert response.status_code == 400


def test_the_version_changes_the_wording_of_the_log(server: Running) -> None:
    token = new_project(server)
    control(server, "version", {"version": "9.1.3"})
    send(server, token, "record", [{"record_id": "1"}])
    control(server, "version", {"version": "15.2.1"})

    log = post(server, token, "log", format="json", logtype="record").json()

    assert log[0]["action"] == "Created Record (API) 1"


COMMANDS = {
    "module": (sandbox.__main__.main, ["sandbox"]),
    "capstan": (cli.main.main, ["capstan", "sandbox", "serve"]),
}


@pytest.fixture(params=COMMANDS)
def told_by(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """What a command that is to end with code 2 says on stderr."""
    main, words = COMMANDS[request.param]

    def run(*options: str) -> str:
        monkeypatch.setattr(sys, "argv", [*words, *options])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2
        said = capsys.readouterr()
        assert said.out == ""
        return said.err

    return run


def test_options_that_cannot_be_used_end_with_a_sentence(
    told_by: Callable[..., str], server: Running, tmp_path: Path
) -> None:
    (tmp_path / "redcap.sqlite3").write_text("this is no database")

    told = [
        told_by("--redcap-version", "newest"),
        told_by("--port", str(server.port)),
        told_by("--port", "0", "--smtp-port", str(server.port)),
        told_by("--port", "0", "--host", "192.0.2.1"),
        told_by("--port", "0", "--host", "no.such.host.invalid"),
        told_by("--port", "0", "--state", "/dev/null/state"),
        told_by("--port", "0", "--state", str(tmp_path)),
    ]

    words = [
        "A version is",
        "--port 0 picks",
        "--smtp-port 0 picks",
        "Cannot listen",
        "Cannot listen",
        "state folder",
        "state folder",
    ]
    assert [word for word, text in zip(words, told, strict=True) if word not in text] == []


@pytest.mark.parametrize("port", ["-1", "70000", "many"])
def test_a_port_that_is_none_is_wrong_usage(told_by: Callable[..., str], port: str) -> None:
    assert "port" in told_by("--port", port)


def test_another_version_is_taken_from_the_command_line() -> None:
    process, said = start("--redcap-version", "13.7.3")
    data = {"token": said["super_token"], "content": "version"}
    answer = requests.post(said["redcap_url"], data=data, timeout=9)
    stop(process, signal.SIGTERM)

    assert answer.text == "13.7.3"


def test_listening_beyond_this_computer_is_warned_of() -> None:
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--host", "0.0.0.0"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = json.loads(process.stdout.readline())
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=20)

    assert said["redcap_url"].startswith("http://127.0.0.1:")
    assert "beyond this computer" in told


@pytest.mark.parametrize("client", ["192.0.2.9", "::ffff:192.0.2.9", "fd00::2"])
@pytest.mark.parametrize("path", ["/_sandbox/", "/_sandbox/state", "/_sandbox/project/1/tokens"])
def test_controls_and_pages_refuse_another_computer(client: str, path: str) -> None:
    assert asyncio.run(passed_by_the_guard(path, client=client)) is False


@pytest.mark.parametrize("client", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_controls_and_pages_answer_this_computer(client: str) -> None:
    assert asyncio.run(passed_by_the_guard("/_sandbox/", client=client)) is True


@pytest.mark.parametrize("path", ["/api/", "/2010-04-01/Accounts.json", "/surveys/"])
def test_what_asks_for_a_token_or_a_link_answers_other_computers_too(path: str) -> None:
    assert asyncio.run(passed_by_the_guard(path, client="192.0.2.9")) is True


def test_a_name_that_was_bent_to_this_computer_is_refused_where_the_sandbox_is_open_to_others() -> None:
    with Running(host="0.0.0.0") as open_to_all:
        bent = {"Host": "sandbox.example.org"}
        answers = [
            requests.get(f"{open_to_all.control_url}state", headers=headers, timeout=9).status_code
            for headers in (bent, {})
        ]

    assert answers == [403, 200]


async def passed_by_the_guard(path: str, *, client: str) -> bool:
    """Whether a request that says it is to localhost gets behind the guard."""
    passed = False

    async def behind(*_: Any) -> None:
        nonlocal passed
        passed = True

    async def send(_: Any) -> None:
        return None

    scope = {"type": "http", "method": "GET", "path": path, "client": (client, 4321)}
    await Guard(behind)({**scope, "headers": [(b"host", b"localhost")]}, behind, send)
    return passed


def test_one_folder_serves_one_sandbox_at_a_time(tmp_path: Path) -> None:
    with Running(state_dir=tmp_path), pytest.raises(CannotServe, match="another sandbox uses it"):
        serve(state_dir=tmp_path)

    with Running(state_dir=tmp_path) as again:
        assert again.super_token


def test_what_a_full_disk_does_not_take_was_never_done(server: Running) -> None:
    token = new_project(server)
    before = post(server, token, "metadata", format="csv").text
    fields = [
        *metadata(),
        {"field_name": "long", "form_name": "call", "field_type": "text", "field_label": "x" * 1_000_000},
    ]
    with server.state.lock:
        pages = server.state.store._db.execute("PRAGMA page_count").fetchone()[0]
        most = server.state.store._db.execute(f"PRAGMA max_page_count={pages}").fetchone()[0]

    refused = post(server, token, "metadata", format="json", data=json.dumps(fields))
    kept = post(server, token, "metadata", format="csv").text
    with server.state.lock:
        server.state.store._db.execute(f"PRAGMA max_page_count={2**31 - 1}")

    assert most == pages
    assert refused.status_code == 503
    assert kept == before
    assert post(server, token, "metadata", format="json", data=json.dumps(fields)).text == "8"


@pytest.mark.parametrize("number", ["9" * 25, "9" * 5000])
@pytest.mark.parametrize(
    "path", ["_sandbox/project/{}", "?pid={}", "redcap_v15.2.1/DataEntry/index.php?pid={}"]
)
def test_a_number_that_no_project_can_have_leads_nowhere(server: Running, path: str, number: str) -> None:
    answer = requests.get(server.base_url + path.format(number), timeout=9)

    assert answer.status_code in (200, 404)
    assert control_status(server, f"projects/{number}/tokens") == 404


def control_status(server: Running, path: str) -> int:
    return requests.post(server.control_url + path, json={}, timeout=9).status_code


def test_the_clock_takes_no_year_before_1000(server: Running) -> None:
    answer = requests.post(server.control_url + "clock", json={"now": "0001-01-01T00:00:00"}, timeout=9)

    assert answer.status_code == 400
