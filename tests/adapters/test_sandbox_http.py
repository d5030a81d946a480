"""Raw HTTP against the sandbox: headers, errors in three formats, rights, redirects."""

from __future__ import annotations

import gzip
import json

import pytest
import requests
from sandbox_clients import control, metadata, new_project, post, send

from sandbox.server import Running

UNKNOWN = "0123456789ABCDEF0123456789ABCDEF"
NO_ACCESS = "You do not have permissions to use the API"


@pytest.fixture(scope="module")
def token(server: Running) -> str:
    return new_project(server)


@pytest.fixture(scope="module")
def longitudinal(server: Running) -> str:
    return new_project(server, longitudinal=True)


def with_rights(server: Running, token: str, **body) -> str:
    project_id = post(server, token, "project", format="json").json()["project_id"]
    return control(server, f"projects/{project_id}/tokens", {"username": "limited", **body})["token"]


@pytest.mark.parametrize(
    ("fields", "content_type", "body"),
    [
        ({"format": "json"}, "application/json; charset=utf-8", f'{{"error":"{NO_ACCESS}"}}'),
        ({"returnFormat": "csv"}, "text/csv; charset=utf-8", f"ERROR: {NO_ACCESS}"),
        (
            {},
            "text/xml; charset=utf-8",
            f'<?xml version="1.0" encoding="UTF-8" ?><hash><error>{NO_ACCESS}</error></hash>',
        ),
        ({"format": "json", "returnFormat": "csv"}, "text/csv; charset=utf-8", f"ERROR: {NO_ACCESS}"),
    ],
)
def test_an_unknown_token_is_refused_in_the_format_asked_for(
    server: Running, fields: dict, content_type: str, body: str
) -> None:
    response = post(server, UNKNOWN, "record", **fields)

    assert (response.status_code, response.headers["Content-Type"], response.text) == (
        403,
        content_type,
        body,
    )


@pytest.mark.parametrize("token", ["", "short", UNKNOWN + "0", "0" * 64])
def test_malformed_tokens_are_refused_alike(server: Running, token: str) -> None:
    response = post(server, token, "version", format="json")

    assert (response.status_code, response.json()) == (403, {"error": NO_ACCESS})


def test_answers_carry_redcaps_headers(server: Running, token: str) -> None:
    headers = post(server, token, "record", format="json").headers

    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert headers["Cache-Control"] == "no-store, no-cache, must-revalidate"
    assert (headers["Pragma"], headers["Expires"]) == ("no-cache", "0")
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["REDCap-Random-Text"].isalnum()


def test_answers_are_compressed_only_where_that_is_accepted(server: Running, token: str) -> None:
    data = {"token": token, "content": "metadata", "format": "json"}
    small = requests.post(
        server.redcap_url, data=data, headers={"Accept-Encoding": "gzip"}, stream=True, timeout=9
    )
    plain = requests.post(server.redcap_url, data=data, headers={"Accept-Encoding": "identity"}, timeout=9)

    assert small.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(small.raw.read(decode_content=False)) == plain.content
    assert "Content-Encoding" not in plain.headers


def test_multipart_bodies_are_read_as_well(server: Running, token: str) -> None:
    parts = {"token": (None, token), "content": (None, "version"), "format": (None, "json")}

    response = requests.post(server.redcap_url, files=parts, timeout=9)

    assert (response.status_code, response.text) == (200, "15.2.1")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_only_posts_are_implemented(server: Running, token: str, method: str) -> None:
    response = requests.request(
        method, server.redcap_url, params={"token": token, "content": "version"}, timeout=9
    )

    assert response.status_code == 501
    assert "<error>The requested method is not implemented.</error>" in response.text


def test_the_address_without_its_slash_redirects(server: Running) -> None:
    response = requests.post(server.redcap_url.rstrip("/"), data={}, allow_redirects=False, timeout=9)

    assert (response.status_code, response.headers["Location"]) == (301, server.redcap_url)


def test_other_addresses_are_not_found(server: Running) -> None:
    assert requests.post(server.redcap_url + "x", data={}, timeout=9).status_code == 404


def test_an_unknown_content_is_refused(server: Running, token: str) -> None:
    response = post(server, token, "nonsense", format="json")

    assert (response.status_code, response.json()) == (
        400,
        {"error": 'The value of the parameter "content" is not valid'},
    )


@pytest.mark.parametrize(
    ("content", "what"),
    [("arm", "arms"), ("event", "events"), ("formEventMapping", "form/event mappings")],
)
def test_a_classic_project_has_no_events(server: Running, token: str, content: str, what: str) -> None:
    response = post(server, token, content, format="json")

    assert (response.status_code, response.json()) == (
        400,
        {"error": f"You cannot export {what} for classic projects"},
    )


def test_a_project_in_which_nothing_repeats_says_so(server: Running, token: str) -> None:
    response = post(server, token, "repeatingFormsEvents", format="csv")

    assert response.status_code == 400
    assert response.text.startswith(
        "ERROR: You cannot export repeating instruments and events because the project"
    )


@pytest.mark.parametrize(
    ("right", "content", "fields", "message"),
    [
        ("api_export", "record", {}, "You do not have API Export privileges"),
        ("api_import", "record", {"data": "[]"}, "You do not have API Import/Update privileges"),
        (
            "record_delete",
            "record",
            {"action": "delete", "records[0]": "1"},
            "You do not have Delete Record privileges",
        ),
    ],
)
def test_a_missing_right_is_refused(
    server: Running, token: str, right: str, content: str, fields: dict, message: str
) -> None:
    limited = with_rights(server, token, rights={right: 0})

    response = post(server, limited, content, format="json", **fields)

    assert (response.status_code, response.json()) == (403, {"error": message})


def test_access_groups_need_their_own_right(server: Running, token: str) -> None:
    limited = with_rights(server, token, rights={"data_access_groups": 0})

    response = post(server, limited, "dag", format="json")

    assert response.status_code == 400
    assert response.json()["error"].startswith("Insufficient user privileges: You must have 'API Export'")


def test_export_rights_hide_forms_and_identifiers(server: Running) -> None:
    token = new_project(server)
    rows = metadata_with_identifier()
    send(server, token, "metadata", rows)
    send(
        server,
        token,
        "record",
        [{"record_id": "1", "first_name": "A", "born": "2000-01-01", "height": "1.5"}],
    )

    def columns(level: int) -> list[str]:
        limited = with_rights(server, token, forms_export={"start": level, "exam": 0})
        return list(post(server, limited, "record", format="json").json()[0])

    shared = ["likes___1", "likes____9", "start_complete", "outcome", "call_complete"]
    assert columns(1) == ["record_id", "first_name", "born", *shared]
    assert columns(2) == ["record_id", *shared]
    assert columns(3) == ["record_id", "born", *shared]


def metadata_with_identifier() -> list[dict]:
    return [{**row, "identifier": "y" if row["field_name"] == "first_name" else ""} for row in metadata()]


def test_a_user_in_an_access_group_sees_and_makes_only_its_records(server: Running) -> None:
    token = new_project(server)
    groups = [{"data_access_group_name": name, "unique_group_name": ""} for name in ("Site A", "Site B")]
    send(server, token, "dag", groups, action="import")
    rows = [{"record_id": "1", "redcap_data_access_group": "site_a"}, {"record_id": "2"}]
    send(server, token, "record", rows)
    inside = with_rights(server, token, data_access_group="site_a")

    seen = post(server, inside, "record", format="json", exportDataAccessGroups="true").json()
    number = post(server, inside, "generateNextRecordName").text
    refused = post(server, inside, "record", format="json", data='[{"record_id": "2", "height": "1"}]')
    send(server, inside, "record", [{"record_id": "77"}])

    assert [row["record_id"] for row in seen] == ["1"]
    assert "redcap_data_access_group" not in seen[0]
    assert number.endswith("-1")
    assert refused.status_code == 400
    shown = post(server, token, "record", format="json", records="77", exportDataAccessGroups="true").json()
    assert shown[0]["redcap_data_access_group"] == "site_a"


def test_deleting_a_missing_record_deletes_nothing(server: Running) -> None:
    token = new_project(server)
    send(server, token, "record", [{"record_id": "1"}])

    response = post(server, token, "record", format="json", action="delete", records="1,2")

    assert response.status_code == 400
    assert response.json()["error"] == (
        "One or more of the records provided cannot be deleted because they do not exist in the project. The "
        "following records do not exist: 2"
    )
    assert len(post(server, token, "record", format="json").json()) == 1


def test_one_arm_of_a_record_can_be_deleted(server: Running, longitudinal: str) -> None:
    rows = [
        {"record_id": "5", "redcap_event_name": "month_6_arm_1", "height": "1"},
        {"record_id": "5", "redcap_event_name": "month_6_arm_2", "height": "2"},
    ]
    send(server, longitudinal, "record", rows)

    answer = post(server, longitudinal, "record", action="delete", records="5", arm="2", format="json")

    assert answer.text == "1"
    left = post(server, longitudinal, "record", format="json", records="5").json()
    assert [row["redcap_event_name"] for row in left] == ["month_6_arm_1"]


def test_one_instance_can_be_deleted_and_the_others_keep_their_numbers(
    server: Running, longitudinal: str
) -> None:
    lead = {"record_id": "6", "redcap_event_name": "month_6_arm_1", "redcap_repeat_instrument": "call"}
    rows = [{**lead, "redcap_repeat_instance": number, "outcome": "1"} for number in (1, 2, 3)]
    send(server, longitudinal, "record", rows)

    post(
        server,
        longitudinal,
        "record",
        action="delete",
        records="6",
        event="month_6_arm_1",
        instrument="call",
        repeat_instance="2",
    )

    left = post(server, longitudinal, "record", format="json", records="6").json()
    assert [row["redcap_repeat_instance"] for row in left] == [1, 3]


def test_a_deleted_project_says_that_it_was_deleted(server: Running) -> None:
    token = new_project(server)
    project_id = post(server, token, "project", format="json").json()["project_id"]
    control(server, f"projects/{project_id}", method="DELETE")

    response = post(server, token, "record", format="json")

    assert (response.status_code, response.json()) == (
        400,
        {"error": "The REDCap project no longer exists because it was deleted."},
    )


def test_another_purpose_needs_its_text(server: Running) -> None:
    data = json.dumps([{"project_title": "T", "purpose": "1"}])

    response = post(server, server.super_token, "project", returnFormat="csv", format="json", data=data)

    assert response.text == (
        "ERROR: You must provide some text for 'purpose_other' since you specified 'purpose' as '1' (Other)."
    )


def test_the_dictionary_cannot_be_replaced_in_production(server: Running) -> None:
    token = new_project(server)
    project_id = post(server, token, "project", format="json").json()["project_id"]
    control(server, f"projects/{project_id}/status", {"status": "production"})

    response = post(server, token, "metadata", format="json", data=json.dumps(metadata_with_identifier()))

    assert response.status_code == 403
    assert post(server, token, "project", format="json").json()["in_production"] == 1


def test_errors_in_a_dictionary_name_cells(server: Running, token: str) -> None:
    rows = [
        {"field_name": "record_id", "form_name": "a", "field_type": "text"},
        {"field_name": "x", "form_name": "", "field_type": "text"},
        {"field_name": "x", "form_name": "b", "field_type": "text"},
    ]

    error = post(server, token, "metadata", format="json", data=json.dumps(rows)).json()["error"]

    assert error.split("\n") == [
        "The following variable/field names were duplicated. Please rename these field names so that "
        "they only "
        "appear once.x (A3)x (A4)",
        "Each row MUST have a form name, but the following cells have a form name missing: B3.",
    ]
