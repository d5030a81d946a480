"""A connection that only reads: whatever its token may do, nothing but an export leaves the process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pytest
import requests
from scripted_server import Reply, serving

from capstan.attachment import Attachment
from capstan.errors import Refused
from capstan.redcap import Redcap
from capstan.redcap.exports_only import exports_only
from sandbox.server import Running

ROWS = pd.DataFrame({"record_id": ["1"], "form_1_complete": ["2"]}, dtype="str")
WRITES: dict[str, Callable[[Redcap], Any]] = {
    "import records": lambda redcap: redcap.import_records(ROWS),
    "import in the background": lambda redcap: redcap.import_records(ROWS, background=True),
    "delete records": lambda redcap: redcap.delete_records(["1"]),
    "rename a record": lambda redcap: redcap.rename_record("1", "2"),
    "import a file": lambda redcap: redcap.files.put("1", "photo", attachment=Attachment("a.txt", b"a")),
    "delete a file": lambda redcap: redcap.files.delete("1", "photo"),
}
BODIES = [
    {"content": "metadata", "format": "json", "data": "[]"},
    {"content": "user", "format": "csv", "data": "username\nann"},
    {"content": "project", "format": "json", "data": "[]", "odm": "<ODM/>"},
    {"content": "record", "action": "delete", "records[0]": "1"},
    {"content": "record", "data[0]": "1"},
    {"content": "dag", "action": "switch", "dag": "north"},
    {"content": "randomize", "record": "1", "randomization_id": "1"},
    {"content": "generateNextRecordName"},
    [("content", "record"), ("content", "fileRepository")],
    {"format": "json"},
]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    with Running() as running:
        yield running


@pytest.fixture(scope="module")
def token(sandbox: Running) -> str:
    made = requests.post(f"{sandbox.control_url}projects", json={"title": "Live"}, timeout=30).json()
    return str(made["token"])


@pytest.fixture
def redcap(sandbox: Running, token: str) -> Redcap:
    return Redcap(sandbox.redcap_url, token, session=exports_only(sandbox.redcap_url))


def test_it_reads_everything_that_a_copy_needs(redcap: Redcap) -> None:
    assert redcap.project()["project_title"] == "Live"
    assert b"record_id" in redcap.project_xml(access_groups=True)
    assert len(redcap.metadata()) == 1
    assert len(redcap.instruments()) == 1
    assert len(redcap.users()) == 1
    assert [len(frame) for frame in (redcap.arms(), redcap.events(), redcap.form_event_mapping())] == [
        0,
        0,
        0,
    ]
    assert len(redcap.repeating()) == 0
    assert len(redcap.records(fields=["record_id"], filter_logic="[record_id] <> ''")) == 0
    assert redcap.version()


@pytest.mark.parametrize("what", WRITES)
def test_no_write_of_the_client_leaves_the_process(what: str, redcap: Redcap, sandbox: Running) -> None:
    before = len(sandbox.state.requests)

    with pytest.raises(Refused, match="reads only"):
        WRITES[what](redcap)

    assert len(sandbox.state.requests) == before


@pytest.mark.parametrize("body", BODIES, ids=str)
def test_no_other_call_leaves_it_either(body: Any, sandbox: Running, token: str) -> None:
    before = len(sandbox.state.requests)
    pairs = [("token", token), *(body.items() if isinstance(body, dict) else body)]

    with pytest.raises(Refused):
        exports_only(sandbox.redcap_url).post(sandbox.redcap_url, data=pairs, timeout=30)

    assert len(sandbox.state.requests) == before


@pytest.mark.parametrize(
    ("method", "where"), [("GET", ""), ("PUT", ""), ("POST", "?content=record&action=delete"), ("POST", "x")]
)
def test_an_export_by_another_way_does_not_leave_it(
    method: str, where: str, sandbox: Running, token: str
) -> None:
    before, export = len(sandbox.state.requests), {"token": token, "content": "version"}

    with pytest.raises(Refused):
        exports_only(sandbox.redcap_url).request(
            method, f"{sandbox.redcap_url}{where}", data=export, timeout=30
        )

    assert len(sandbox.state.requests) == before


def test_it_follows_no_redirect_which_would_carry_the_token_on(sandbox: Running, token: str) -> None:
    before = len(sandbox.state.requests)
    away = Reply(status=307, headers={"Location": sandbox.redcap_url})

    with serving(away) as server, pytest.raises(Refused):
        exports_only(server.url).post(server.url, data={"token": token, "content": "version"}, timeout=30)

    assert (len(server.forms), len(sandbox.state.requests)) == (1, before)


def test_it_reads_from_a_host_that_is_spelled_in_capitals(sandbox: Running, token: str) -> None:
    url = sandbox.redcap_url.replace("127.0.0.1", "LOCALHOST")

    assert Redcap(url, token, session=exports_only(url)).version()


def test_the_same_writes_pass_through_a_connection_without_the_guard(sandbox: Running, token: str) -> None:
    redcap = Redcap(sandbox.redcap_url, token)

    assert redcap.import_records(ROWS) == ["1"]
    assert redcap.delete_records(["1"]) == 1
