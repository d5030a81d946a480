"""Files of file fields, and the file repository: texts, headers, places, bounds, and who may see what."""

from __future__ import annotations

from dataclasses import replace

import pytest
import requests
from sandbox_desk import Desk, OpenDesk

from sandbox.data.locking import lock
from sandbox.methods.files import MAX_FILE_BYTES
from sandbox.project.parts import Repeat, RowKey
from sandbox.server import Running
from sandbox.session import Session
from sandbox.setup.creation import create_project

NO_FILE = (400, "There is no file to download for this record")
NO_FOLDER = (
    "The File Repository folder folder_id={} does not exist or else you do not have permission to that folder "
    "because it is DAG-restricted or Role-restricted."
)


@pytest.fixture
def desk(open_desk: OpenDesk) -> Desk:
    desk = open_desk()
    desk.send(desk.owner, "record", [{"record_id": "1", "height": "5"}, {"record_id": "2"}])
    return desk


@pytest.fixture
def visits(open_desk: OpenDesk) -> Desk:
    """Two events; of the second the form `scan` repeats, and the form `exam` is not part of it."""
    desk = open_desk(longitudinal=True)
    first, second = desk.project.events
    events = (first, replace(second, forms=("start", "scan")))
    desk.save(replace(desk.project, events=events, repeats=(Repeat(second.event_id, "scan"),)))
    desk.send(desk.owner, "record", [{"record_id": "1", "redcap_event_name": "event_1_arm_1", "height": "5"}])
    return desk


def put(desk: Desk, name: str = "note.txt", content: bytes = b"hello", *, token: str = "", **place: str):
    place = {"record": "1", "field": "report", **place}
    return desk.ask(token or desk.owner, "file", action="import", file=(name, content), **place)


def get(desk: Desk, *, token: str = "", **place: str):
    return desk.ask(
        token or desk.owner, "file", action="export", **{"record": "1", "field": "report", **place}
    )


def test_a_file_comes_back_with_its_name_type_and_bytes(desk: Desk) -> None:
    stored = put(desk, "import-file.txt", b"some text\n")

    answer = get(desk)

    assert (stored.status, stored.content) == (200, b"")
    assert (answer.status, answer.content) == (200, b"some text\n")
    assert answer.content_type == 'text/plain; name="import-file.txt";charset=UTF-8'


@pytest.mark.parametrize("content", [b"", b"\x00\xff\r\n" * 1000], ids=["empty", "binary"])
def test_any_bytes_are_kept(desk: Desk, content: bytes) -> None:
    put(desk, "any.bin", content)

    assert get(desk).content == content


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\scan.pdf", "scan.pdf"),
        ('a"b.txt', "ab.txt"),
        ("a\r\nSet-Cookie: x.txt", "aSet-Cookie: x.txt"),
        ("Löwe 🦁.txt", "Löwe 🦁.txt"),
        ("x" * 400 + ".png", "x" * 251 + ".png"),
    ],
)
def test_a_file_name_loses_its_folders_and_what_no_header_can_hold(desk: Desk, given: str, kept: str) -> None:
    put(desk, given)

    kind = get(desk).content_type

    assert f'name="{kept}"' in kind.encode("latin-1").decode()
    assert desk.json(desk.owner, "record", records=["1"])[0]["report"] == kept


def test_the_type_that_a_client_says_counts_and_the_name_tells_it_otherwise(desk: Desk) -> None:
    put(desk, "picture.png")

    assert get(desk).content_type.startswith("image/png; ")


def test_over_http_a_name_arrives_in_utf_8_and_the_type_as_it_was_said() -> None:
    with Running() as server:
        xml = {"title": "Small"}
        token = requests.post(server.control_url + "projects", json=xml, timeout=30).json()["token"]
        fields = {"token": token, "content": "fileRepository", "returnFormat": "json"}
        part = {"file": ("Löwe 🦁.csv", b"a,b\n", "text/x-special; charset=utf-8")}
        requests.post(server.redcap_url, {**fields, "action": "import"}, files=part, timeout=30)

        answer = requests.post(server.redcap_url, {**fields, "action": "export", "doc_id": "1"}, timeout=30)

        kind = answer.headers["content-type"].encode("latin-1").decode()
        assert (answer.content, kind) == (b"a,b\n", 'text/x-special; name="Löwe 🦁.csv";charset=UTF-8')


def test_half_a_character_in_a_name_becomes_a_question_mark() -> None:
    with Running() as server:
        token = requests.post(server.control_url + "projects", json={"title": "Small"}, timeout=30).json()[
            "token"
        ]
        fields = {"token": token, "content": "fileRepository", "action": "createFolder", "name": "+2AA-"}
        parts = [
            f'--B\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        ]
        kind = {"Content-Type": "multipart/form-data; boundary=B; charset=utf-7"}

        answer = requests.post(
            server.redcap_url, data="".join([*parts, "--B--\r\n"]), headers=kind, timeout=30
        )

        fields |= {"action": "list", "format": "json"}
        assert answer.status_code == 200
        assert requests.post(server.redcap_url, fields, timeout=30).json()[0]["name"] == "?"


@pytest.mark.parametrize("field", ["nothing", "height", "start_complete", "record_id", ""])
@pytest.mark.parametrize("action", ["export", "import", "delete"])
def test_what_is_no_file_field_is_refused(desk: Desk, field: str, action: str) -> None:
    error = desk.error(desk.owner, "file", action=action, record="1", field=field, file=("a.txt", b"a"))

    assert error == (400, f"The field '{field}' does not exist or is not a 'file' field")


def test_where_nothing_is_stored_there_is_nothing_to_download_or_to_delete(desk: Desk) -> None:
    assert desk.error(desk.owner, "file", action="export", record="1", field="report") == NO_FILE
    assert desk.error(desk.owner, "file", action="export", record="99", field="report") == NO_FILE
    assert desk.ask(desk.owner, "file", action="delete", record="1", field="report").status == 400


def test_a_file_needs_a_record_that_exists(desk: Desk) -> None:
    error = desk.error(desk.owner, "file", action="import", record="9", field="report", file=("a.txt", b"a"))

    assert error == (400, "The record '9' does not exist. It must exist to upload a file")
    assert [row["record_id"] for row in desk.json(desk.owner, "record")] == ["1", "2"]


def test_signatures_missing_parts_and_nameless_files_are_refused(desk: Desk) -> None:
    answers = [put(desk, field="signed"), put(desk, ""), put(desk, "folder/")]
    answers.append(desk.ask(desk.owner, "file", action="import", record="1", field="report"))

    assert [answer.status for answer in answers] == [400] * 4


def test_a_file_that_is_too_large_is_refused_and_the_old_one_stays(desk: Desk) -> None:
    put(desk, content=b"old")

    answer = put(desk, content=bytes(MAX_FILE_BYTES + 1))

    assert (answer.status, get(desk).content) == (400, b"old")


def test_a_file_that_is_replaced_or_deleted_is_gone(desk: Desk) -> None:
    put(desk, content=b"first")
    put(desk, content=b"second")
    after_replacing = len(desk.state.store.files.names(desk.project_id))

    answer = desk.ask(desk.owner, "file", action="delete", record="1", field="report")

    assert (answer.status, answer.content, after_replacing) == (200, b"", 1)
    assert desk.state.store.files.names(desk.project_id) == {}
    assert desk.error(desk.owner, "file", action="export", record="1", field="report") == NO_FILE


def test_an_eav_export_has_the_document_id_and_older_servers_one_word(desk: Desk) -> None:
    put(desk)
    lines = desk.json(desk.owner, "record", type="eav", fields=["report"])

    desk.state.redcap.version = (12, 5, 9)

    assert lines[-1]["value"].isdecimal()
    assert desk.json(desk.owner, "record", records=["1"])[0]["report"] == "[document]"


def test_uploads_and_deletions_are_changes_of_the_record_in_the_log(desk: Desk) -> None:
    put(desk)
    (doc_id,) = desk.state.store.files.names(desk.project_id)
    desk.ask(desk.owner, "file", action="delete", record="1", field="report")

    rows = desk.json(desk.owner, "log", logtype="record_edit")

    assert [row["details"] for row in rows] == ["report = ''", f"report = '{doc_id}'"]
    assert {(row["action"], row["record"]) for row in rows} == {("Update record (API) 1", "1")}


def test_a_download_is_an_export_in_the_log(desk: Desk) -> None:
    put(desk)
    get(desk)
    (doc_id,) = desk.state.store.files.names(desk.project_id)

    row = desk.json(desk.owner, "log", logtype="export")[0]

    assert (row["details"], row["record"]) == (f"record_id = '1', report = '{doc_id}'", "")


@pytest.mark.parametrize("event", ["", "nothing", "event_2_arm_1"])
@pytest.mark.parametrize("action", ["export", "import", "delete"])
def test_an_event_without_the_field_is_invalid(visits: Desk, event: str, action: str) -> None:
    error = visits.error(visits.owner, "file", action=action, record="1", field="report", event=event)

    assert error == (400, "invalid event")


def test_each_event_has_its_own_file(visits: Desk) -> None:
    put(visits, content=b"one", field="photo", event="event_1_arm_1")
    put(visits, content=b"two", field="photo", event="event_2_arm_1")

    found = [get(visits, field="photo", event=f"event_{number}_arm_1").content for number in (1, 2)]

    assert found == [b"one", b"two"]
    assert len(visits.json(visits.owner, "record", fields=["record_id"])) == 2


def test_each_instance_has_its_own_file_and_is_made_when_it_is_not_there(visits: Desk) -> None:
    place = {"field": "image", "event": "event_2_arm_1"}
    put(visits, content=b"first", **place)
    put(visits, content=b"third", repeat_instance="3", **place)

    first, third = get(visits, **place), get(visits, repeat_instance="3", **place)
    second = get(visits, repeat_instance="2", **place)

    assert (first.content, third.content, second.status) == (b"first", b"third", 400)
    rows = visits.json(visits.owner, "record", fields=["record_id", "image"])
    assert [row["redcap_repeat_instance"] for row in rows][-2:] == [1, 3]


@pytest.mark.parametrize("instance", ["0", "-1", "x", "1.5", "9" * 30])
def test_an_instance_that_is_no_number_is_refused(visits: Desk, instance: str) -> None:
    answer = put(visits, field="image", event="event_2_arm_1", repeat_instance=instance)

    assert answer.status == 400


def test_in_a_classic_project_the_event_does_not_matter(desk: Desk) -> None:
    put(desk, event="anything", repeat_instance="1")

    assert get(desk).content == b"hello"


@pytest.mark.parametrize(
    ("field", "level", "status"),
    [
        ("report", 1, 200),
        ("report", 2, 200),
        ("report", 0, 403),
        ("photo", 1, 200),
        ("photo", 2, 403),
        ("photo", 3, 403),
    ],
)
def test_export_rights_of_the_form_count_for_its_files(
    desk: Desk, field: str, level: int, status: int
) -> None:
    put(desk, field=field)
    token = desk.token("eve", forms_export=dict.fromkeys(("start", "exam", "scan"), level))

    assert get(desk, token=token, field=field).status == status


def test_files_of_other_groups_are_out_of_reach(desk: Desk) -> None:
    desk.send(desk.owner, "record", [{"record_id": "1", "redcap_data_access_group": "north"}])
    put(desk)
    north, south = desk.token("n", group="north"), desk.token("s", group="south")

    assert get(desk, token=north).content == b"hello"
    assert desk.error(south, "file", action="export", record="1", field="report") == NO_FILE
    assert put(desk, content=b"bad", token=south).status == 400
    assert desk.ask(south, "file", action="delete", record="1", field="report").status == 400
    assert get(desk).content == b"hello"


def test_files_of_locked_forms_cannot_be_changed(desk: Desk) -> None:
    put(desk)
    state, event = desk.state, desk.project.events[0]
    lock(_session(desk), RowKey("1", event.event_id, "", 0), form="exam")
    before = len(state.store.files.names(desk.project_id))

    answers = [
        put(desk, content=b"new"),
        desk.ask(desk.owner, "file", action="delete", record="1", field="report"),
    ]

    assert [answer.status for answer in answers] == [400, 400]
    assert (get(desk).content, len(state.store.files.names(desk.project_id))) == (b"hello", before)
    assert put(desk, field="photo").status == 200


def _session(desk: Desk) -> Session:
    return desk.state.session(desk.project, "locker")


def folder(desk: Desk, name: str, *, token: str = "", **fields) -> int:
    rows = desk.json(token or desk.owner, "fileRepository", action="createFolder", name=name, **fields)
    return rows[0]["folder_id"]


def shelve(desk: Desk, name: str, content: bytes = b"hello", *, token: str = "", **fields):
    return desk.ask(token or desk.owner, "fileRepository", action="import", file=(name, content), **fields)


def listed(desk: Desk, *, token: str = "", **fields) -> list[dict]:
    return desk.json(token or desk.owner, "fileRepository", action="list", **fields)


def test_folders_come_first_and_have_no_document(desk: Desk) -> None:
    shelve(desk, "b.txt")
    shelve(desk, "A.txt")
    first, second = folder(desk, "zoo"), folder(desk, "Ants")

    rows = listed(desk)

    assert [(row["folder_id"], row["name"]) for row in rows] == [
        (second, "Ants"),
        (first, "zoo"),
        ("", "A.txt"),
        ("", "b.txt"),
    ]
    assert [type(row["doc_id"]) for row in rows] == [str, str, int, int]
    assert set(rows[0]) == {"folder_id", "doc_id", "name"}


def test_folders_are_inside_of_folders_and_hold_files(desk: Desk) -> None:
    outer = folder(desk, "outer")
    inner = folder(desk, "inner", folder_id=outer)
    shelve(desk, "deep.txt", folder_id=inner)

    rows = listed(desk, folder_id=inner)

    assert [row["name"] for row in listed(desk)] == ["outer"]
    assert [row["name"] for row in listed(desk, folder_id=outer)] == ["inner"]
    assert [row["name"] for row in rows] == ["deep.txt"]
    assert (
        desk.ask(desk.owner, "fileRepository", action="export", doc_id=rows[0]["doc_id"]).content == b"hello"
    )


def test_csv_and_xml_list_the_same(desk: Desk) -> None:
    number = folder(desk, "outer")

    csv = desk.ask(desk.owner, "fileRepository", action="list", format="csv").content.decode()
    xml = desk.ask(desk.owner, "fileRepository", action="list", format="xml").content.decode()

    assert csv == f"folder_id,doc_id,name\n{number},,outer\n"
    assert "<name><![CDATA[outer]]></name>" in xml


def test_a_file_of_the_repository_comes_back_and_goes_to_the_recycle_bin(desk: Desk) -> None:
    stored = shelve(desk, "import-file.txt", b"text")
    (row,) = listed(desk)
    exported = desk.ask(desk.owner, "fileRepository", action="export", doc_id=row["doc_id"])

    deleted = desk.ask(desk.owner, "fileRepository", action="delete", doc_id=row["doc_id"])

    assert [(answer.status, answer.content) for answer in (stored, exported, deleted)] == [
        (200, b""),
        (200, b"text"),
        (200, b""),
    ]
    assert exported.content_type == 'text/plain; name="import-file.txt";charset=UTF-8'
    assert listed(desk) == []
    assert [
        desk.ask(desk.owner, "fileRepository", action=action, doc_id=row["doc_id"]).status
        for action in ("export", "delete")
    ] == [400, 400]


@pytest.mark.parametrize("number", ["99", "0", "-1", "x", "9" * 40, "1 OR 1=1"])
def test_a_folder_that_is_missing_is_named(desk: Desk, number: str) -> None:
    for action in ("list", "createFolder", "import"):
        error = desk.error(
            desk.owner, "fileRepository", action=action, folder_id=number, name="new", file=("a.txt", b"")
        )

        assert error == (400, NO_FOLDER.format(number))


@pytest.mark.parametrize("doc_id", ["", "99", "x", "9" * 40])
def test_a_document_that_is_missing_is_refused(desk: Desk, doc_id: str) -> None:
    assert desk.ask(desk.owner, "fileRepository", action="export", doc_id=doc_id).status == 400
    assert desk.ask(desk.owner, "fileRepository", action="delete", doc_id=doc_id).status == 400


def test_files_of_records_are_no_documents_of_the_repository(desk: Desk) -> None:
    put(desk)
    (doc_id,) = desk.state.store.files.names(desk.project_id)

    assert desk.ask(desk.owner, "fileRepository", action="export", doc_id=doc_id).status == 400


def test_another_project_has_another_repository(desk: Desk, open_desk: OpenDesk) -> None:
    number = folder(desk, "mine")
    shelve(desk, "mine.txt")
    token = desk.state.store.projects.super_token()
    other = desk.send(token, "project", [{"project_title": "Other", "purpose": "0"}]).content.decode()
    doc_id = listed(desk)[-1]["doc_id"]

    assert listed(desk, token=other) == []
    assert desk.error(other, "fileRepository", action="list", folder_id=number) == (
        400,
        NO_FOLDER.format(number),
    )
    assert desk.ask(other, "fileRepository", action="export", doc_id=doc_id).status == 400


@pytest.mark.parametrize("name", ["", "   ", "x" * 151])
def test_a_folder_needs_a_name_that_is_not_too_long(desk: Desk, name: str) -> None:
    assert desk.ask(desk.owner, "fileRepository", action="createFolder", name=name).status == 400
    assert listed(desk) == []


def test_folders_may_have_150_letters_and_one_name_twice(desk: Desk) -> None:
    numbers = {folder(desk, "x" * 150), folder(desk, "x" * 150)}

    assert len(numbers) == 2


def test_a_folder_of_one_group_and_all_inside_of_it_is_hidden_from_the_others(desk: Desk) -> None:
    outer = folder(desk, "north only", dag_id=11)
    inner = folder(desk, "inside", folder_id=outer)
    shelve(desk, "secret.txt", folder_id=inner)
    (doc_id,) = desk.state.store.files.names(desk.project_id)
    north, south = desk.token("n", group="north"), desk.token("s", group="south")

    assert [row["name"] for row in listed(desk, token=north, folder_id=inner)] == ["secret.txt"]
    assert listed(desk, token=south) == []
    for number in (outer, inner):
        assert desk.error(south, "fileRepository", action="list", folder_id=number)[1] == NO_FOLDER.format(
            number
        )
    assert shelve(desk, "x.txt", token=south, folder_id=inner).status == 400
    assert desk.ask(south, "fileRepository", action="export", doc_id=doc_id).status == 400
    assert desk.ask(south, "fileRepository", action="delete", doc_id=doc_id).status == 400
    assert desk.ask(north, "fileRepository", action="export", doc_id=doc_id).content == b"hello"


def test_a_folder_of_one_role_is_hidden_from_other_roles_and_restrictions_are_listed(
    open_desk: OpenDesk,
) -> None:
    desk = open_desk("16.0.8")
    rights = {"api_export": 1, "file_repository": 1}
    desk.send(desk.owner, "userRole", [{"role_label": label, **rights} for label in ("Nurse", "Typist")])
    names = [row["unique_role_name"] for row in desk.json(desk.owner, "userRole")]
    tokens = [desk.token(name, rights=()) for name in ("nora", "tim")]
    pairs = [
        {"username": user, "unique_role_name": name}
        for user, name in zip(("nora", "tim"), names, strict=True)
    ]
    desk.send(desk.owner, "userRoleMapping", pairs, action="import")

    number = folder(desk, "nurses", role_id=1)

    assert listed(desk, token=tokens[0]) == [
        {"folder_id": number, "doc_id": "", "name": "nurses", "role": 1, "dag": ""}
    ]
    assert listed(desk, token=tokens[1]) == []


@pytest.mark.parametrize("fields", [{"dag_id": "99"}, {"dag_id": "x"}, {"role_id": "1"}])
def test_a_folder_is_restricted_only_to_what_there_is(desk: Desk, fields: dict) -> None:
    assert desk.ask(desk.owner, "fileRepository", action="createFolder", name="new", **fields).status == 400


def test_a_value_that_looks_like_a_files_number_opens_no_file_of_another_project(desk: Desk) -> None:
    put(desk)
    other = create_project(desk.state.store, {"project_title": "Other", "purpose": "0"}, now="").token
    fields = [{"field_name": name, "form_name": "a", "field_type": "text"} for name in ("id", "report")]
    desk.send(other, "metadata", fields)
    desk.send(other, "record", [{"id": "1", "report": "1"}])
    desk.send(other, "metadata", [fields[0], {**fields[1], "field_type": "file"}])

    found = get(desk, token=other)
    desk.ask(other, "file", action="delete", record="1", field="report")

    assert found.status == 400
    assert get(desk).content == b"hello"
