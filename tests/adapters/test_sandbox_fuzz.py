"""Whatever is posted, the sandbox answers as REDCap would: a result or a refusal, soon, and goes on working."""

from __future__ import annotations

import gzip
import json
import socket

import pytest
import requests
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sandbox_clients import metadata, new_project, post, send

from sandbox.dispatch import METHODS
from sandbox.server import Running

SECONDS = 10
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' if n else '<!ENTITY l0 "ha">' for n in range(12))
BILLION_LAUGHS = f"<?xml version='1.0'?><!DOCTYPE records [{LAUGHS}]><records><item>&l11;</item></records>"
OUTSIDE = (
    "<?xml version='1.0'?><!DOCTYPE r [<!ENTITY f SYSTEM 'file:///etc/passwd'>]>"
    "<records><item><record_id>&f;</record_id></item></records>"
)
ODD_TEXTS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            "",
            "0",
            "-1",
            "1",
            "9" * 400,
            "1e999",
            "NaN",
            "true",
            "null",
            "[]",
            "{}",
            '[{"record_id": {"a": [1]}}]',
            '[{"record_id": "1", "first_name": ["x"]}]',
            "[[1]]",
            '["a"]',
            '[{"username": 5, "forms": "x"}]',
            "[" * 5000,
            '{"a":' * 3000,
            "record_id\n1,2,3\n",
            'record_id,"first_name\n1,"x',
            "\x00",
            "\ud83d",
            "<records>",
            "<records><item><record_id>1</record_id></item></records>",
            BILLION_LAUGHS,
            OUTSIDE,
            "<a>" * 3000,
            "month_6_arm_1",
            "call",
            "likes",
            "record_id",
            "new",
            "(" * 3000,
            "[record_id] = " + "1+" * 2000 + "1",
            "datediff([born],'today','y')>0",
        ]
    ),
)
NAMES = [
    "format",
    "returnFormat",
    "type",
    "data",
    "odm",
    "record",
    "records",
    "records[0]",
    "fields[]",
    "fields",
    "forms",
    "events[1]",
    "arms",
    "arm",
    "dags",
    "dag",
    "roles",
    "users",
    "event",
    "instrument",
    "field",
    "repeat_instance",
    "new_record_name",
    "filterLogic",
    "dateRangeBegin",
    "beginTime",
    "endTime",
    "logtype",
    "user",
    "csvDelimiter",
    "decimalCharacter",
    "dateFormat",
    "overwriteBehavior",
    "forceAutoNumber",
    "returnContent",
    "backgroundProcess",
    "rawOrLabel",
    "report_id",
    "folder_id",
    "doc_id",
    "name",
    "randomization_id",
    "override",
    "exportFiles",
    "allRecords",
    "delete_logging",
]
FORMATS = st.sampled_from(["csv", "json", "xml", "odm", "JSON", "pdf", ""])
CALLS = st.tuples(
    st.sampled_from([*METHODS, ("nonsense", "export"), ("record", "explode")]),
    st.dictionaries(st.sampled_from(NAMES), ODD_TEXTS, max_size=6),
    FORMATS,
)
SLOW_START = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@pytest.fixture(scope="module")
def token(server: Running) -> str:
    token = new_project(server, longitudinal=True)
    send(server, token, "record", [{"record_id": "1", "redcap_event_name": "baseline_arm_1"}])
    return token


def post_raw(server: Running, body: bytes, **headers: str) -> requests.Response:
    given = {"Content-Type": "application/x-www-form-urlencoded", **headers}
    return requests.post(server.redcap_url, data=body, headers=given, timeout=SECONDS)


def is_redcaps(response: requests.Response) -> bool:
    return response.status_code in (200, 400, 401, 403, 404, 406, 413) or (
        response.status_code == 501 and "not implemented" in response.text
    )


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW_START)
@given(call=CALLS)
@example(call=(("record", "import"), {"data": BILLION_LAUGHS}, "xml"))
@example(call=(("record", "import"), {"data": OUTSIDE}, "xml"))
@example(call=(("record", "import"), {"data": "[" * 100_000}, "json"))
@example(call=(("record", "export"), {"filterLogic": "(" * 20_000}, "csv"))
@example(call=(("metadata", "import"), {"data": BILLION_LAUGHS}, "xml"))
def test_odd_fields_are_answered(server: Running, token: str, call: tuple) -> None:
    (content, verb), fields, fmt = call
    fields = {name: text.encode("utf-8", "surrogatepass") for name, text in fields.items()}

    response = requests.post(
        server.redcap_url,
        data={"format": fmt, **fields, "token": token, "content": content, "action": verb},
        timeout=SECONDS,
    )

    assert is_redcaps(response), response.text
    assert "root:" not in response.text
    assert post(server, token, "version").status_code == 200


@settings(max_examples=100, deadline=None, suppress_health_check=SLOW_START)
@given(body=st.binary(max_size=200))
def test_odd_bodies_are_answered(server: Running, token: str, body: bytes) -> None:
    response = post_raw(server, b"token=" + token.encode() + b"&content=record&" + body)

    assert is_redcaps(response), response.text


@settings(max_examples=60, deadline=None, suppress_health_check=SLOW_START)
@given(body=st.binary(max_size=300), boundary=st.sampled_from(["x", "", "--", "é", "a" * 200]))
def test_odd_multipart_bodies_are_answered(server: Running, body: bytes, boundary: str) -> None:
    kind = f"multipart/form-data; boundary={boundary}".encode("latin-1")

    response = post_raw(server, b"--x\r\n" + body + b"\r\n--x--\r\n", **{"Content-Type": kind})

    assert is_redcaps(response), response.text


def test_a_compressed_body_is_not_unpacked(server: Running) -> None:
    bomb = gzip.compress(b"token=" + b"0" * 200_000_000)

    response = post_raw(server, bomb, **{"Content-Encoding": "gzip"})

    assert is_redcaps(response)


def test_entities_of_loaded_project_xml_are_refused(server: Running) -> None:
    attributes = json.dumps([{"project_title": "Laughing", "purpose": "0"}])

    answers = [
        post(server, server.super_token, "project", format="json", data=attributes, odm=odm)
        for odm in (BILLION_LAUGHS, OUTSIDE, "<ODM/>", "x", "<ODM><Study/></ODM>")
    ]

    assert [answer.status_code for answer in answers] == [400] * 5


def test_a_body_that_never_ends_keeps_nobody_waiting(server: Running, token: str) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS) as half:
        half.sendall(b"POST /api/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\ntoken=")

        answer = post(server, token, "version")

    assert answer.status_code == 200


def test_a_malformed_length_is_refused(server: Running) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS) as half:
        half.sendall(b"POST /api/ HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n")

        assert half.recv(100).startswith(b"HTTP/1.1 4")


@pytest.mark.parametrize(
    "odm",
    ["<ODM>" + "<![CDATA[" * 100_000, "<ODM>" + "<" * 1_000_000, "<ODM a='" + '="\n' * 300_000],
    ids=["sections without end", "tags without end", "values without end"],
)
def test_what_has_no_end_in_project_xml_is_refused_soon(server: Running, odm: str) -> None:
    attributes = json.dumps([{"project_title": "Endless", "purpose": "0"}])
    body = {
        "token": server.super_token,
        "content": "project",
        "format": "json",
        "data": attributes,
        "odm": odm,
    }

    assert requests.post(server.redcap_url, data=body, timeout=SECONDS).status_code == 400


def test_tags_without_end_in_labels_are_no_work(server: Running) -> None:
    token = new_project(server)
    label = "<a" * 200_000
    odd = {**metadata()[-1], "field_name": "odd", "field_label": label}
    send(server, token, "metadata", [*metadata(), odd])

    answers = [
        requests.post(server.redcap_url, data={"token": token, **fields}, timeout=SECONDS)
        for fields in (
            {"content": "record", "format": "csv", "rawOrLabelHeaders": "label"},
            {"content": "project_xml"},
        )
    ]

    assert [answer.status_code for answer in answers] == [200, 200]


def test_many_megabytes_of_escapes_are_read(server: Running, token: str) -> None:
    body = b"token=" + token.encode() + b"&content=version&x=%zz" + b"%41%e2" * 1_000_000

    assert post_raw(server, body).text == "15.2.1"
