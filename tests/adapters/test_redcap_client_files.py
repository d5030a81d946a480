"""Files of file fields and new record ids over the wire: exact bytes, names, and answers without a word."""

from __future__ import annotations

from email import message_from_bytes
from email.message import Message

import pytest
from scripted_server import PAGE, TOKEN, Reply, serving

from capstan.attachment import Attachment, described
from capstan.errors import OutcomeUnknown, RedcapError, RedcapUnavailable, RowsRefused
from capstan.redcap import Redcap

NASTY = (b"", b"\x00\xff" * 70_000, b'{"error": "no"}', b"ERROR: no", b"<!DOCTYPE html>", b"\r\n--x\r\n")


def connect(url: str) -> Redcap:
    return Redcap(url, TOKEN, attempts=2, sleep=lambda _: None)


def as_file(content: bytes, name: str = "a.txt") -> Reply:
    return Reply(content, headers={"Content-Type": f'text/plain; name="{name}";charset=UTF-8'})


def parts_of(body: bytes) -> dict[str, Message]:
    """The parts of a multipart body by their names."""
    boundary = body.split(b"\r\n", 1)[0][2:]
    head = b'Content-Type: multipart/form-data; boundary="' + boundary + b'"\r\n\r\n'
    parts = message_from_bytes(head + body).get_payload()
    return {str(part.get_param("name", header="content-disposition")): part for part in parts}


@pytest.mark.parametrize("content", NASTY, ids=range(len(NASTY)))
def test_a_file_comes_as_it_is_whatever_it_begins_with(content: bytes) -> None:
    with serving(as_file(content, "Zoë 1.txt")) as server:
        found = connect(server.url).files.export("7", "photo", event="first_arm_1", instance="2")

    assert found == Attachment("Zoë 1.txt", content)
    asked = {name: server.forms[0].get(name) for name in ("content", "action", "record", "field")}
    assert asked == {"content": "file", "action": "export", "record": "7", "field": "photo"}
    assert (server.forms[0]["event"], server.forms[0]["repeat_instance"]) == ("first_arm_1", "2")


def test_no_file_is_none() -> None:
    answer = '{"error": "There is no file to download for this record"}'
    with serving(Reply(answer, 400)) as server:
        assert connect(server.url).files.export("7", "photo") is None


def test_a_page_in_place_of_a_file_is_tried_again_and_is_no_file() -> None:
    with serving(Reply(PAGE.format("busy"))) as server:
        with pytest.raises(RedcapUnavailable):
            connect(server.url).files.export("7", "photo")

        assert len(server.forms) == 2


def test_a_file_that_is_cut_short_is_no_file() -> None:
    with serving(Reply(b"x" * 1000, headers=as_file(b"").headers, sent=10)) as server:
        redcap = connect(server.url)

        with pytest.raises(RedcapUnavailable):
            redcap.files.export("7", "photo")


@pytest.mark.parametrize("content", NASTY, ids=range(len(NASTY)))
def test_a_file_is_sent_as_it_is_with_the_token_in_its_own_part(content: bytes) -> None:
    with serving(Reply("")) as server:
        attachment = Attachment("scan.jpg", content)
        connect(server.url).files.put("7", "photo", attachment=attachment, event="first_arm_1")

    parts = parts_of(server.bodies[0])
    assert parts["file"].get_filename() == "scan.jpg"
    assert server.bodies[0].count(b"\r\n\r\n" + content + b"\r\n--") == 1
    assert parts["token"].get_payload() == TOKEN
    assert parts["action"].get_payload() == "import"
    assert "repeat_instance" not in parts


def test_deleting_a_file_needs_no_word_in_answer() -> None:
    with serving(Reply("")) as server:
        connect(server.url).files.delete("7", "photo")

    assert server.forms[0]["action"] == "delete"


@pytest.mark.parametrize("reply", [Reply(PAGE.format("busy")), Reply("", 502), Reply(drops=True)])
def test_an_upload_without_a_usable_answer_is_sent_once_and_its_outcome_is_unknown(reply: Reply) -> None:
    with serving(reply) as server:
        with pytest.raises(OutcomeUnknown):
            connect(server.url).files.put("7", "photo", attachment=Attachment("a", b"x"))

        assert len(server.bodies) == 1


def test_an_upload_to_an_unknown_record_is_refused_without_its_id() -> None:
    answer = '{"error": "The record \'SECRET-7\' does not exist. It must exist to upload a file"}'
    with serving(Reply(answer, 400)) as server, pytest.raises(RowsRefused) as caught:
        connect(server.url).files.put("SECRET-7", "photo", attachment=Attachment("a", b"x"))

    assert "SECRET-7" not in str(caught.value)


def test_a_record_gets_another_id() -> None:
    with serving(Reply("1")) as server:
        connect(server.url).rename_record("7", "B-7")

    assert server.forms[0] | {"token": ""} == {
        "token": "",
        "content": "record",
        "action": "rename",
        "record": "7",
        "new_record_name": "B-7",
        "returnFormat": "json",
    }


def test_an_id_that_is_taken_is_an_error_without_the_ids() -> None:
    with (
        serving(Reply('{"error": "The new record name SECRET already exists"}', 400)) as server,
        pytest.raises(RedcapError) as caught,
    ):
        connect(server.url).rename_record("7", "SECRET")

    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("content", NASTY, ids=range(len(NASTY)))
def test_a_file_survives_as_one_cell_of_text(content: bytes) -> None:
    attachment = Attachment("Zoë\n.txt", content)

    assert Attachment.from_text(attachment.to_text()) == attachment
    assert described(attachment.to_text()) == f"Zoë\n.txt ({len(content):,} bytes)"
    assert described("") == ""
    assert "Zoë" not in repr(attachment)
