"""Every answer that REDCap is known to fail with becomes the error type that says what to do."""

from __future__ import annotations

import html
import json

import pytest
from scripted_server import PAGE, TOKEN, Reply, serving

from capstan.errors import (
    RedcapBanned,
    RedcapError,
    RedcapUnavailable,
    RightMissing,
    RowsRefused,
    TokenRefused,
    UnknownName,
)
from capstan.redcap import Redcap
from capstan.redcap.sentences import NoFile

SECRET = "Marigold"


def failing(*replies: Reply, call=lambda redcap: redcap.records()) -> RedcapError:
    with serving(*replies) as server:
        redcap = Redcap(server.url, TOKEN, sleep=lambda _: None, timeout_seconds=(5.0, 5.0))
        with pytest.raises(RedcapError) as caught:
            call(redcap)
    return caught.value


def shapes(message: str, status: int) -> list[Reply]:
    escaped = html.escape(message, quote=False)
    return [
        Reply(json.dumps({"error": message}), status),
        Reply(f"ERROR: {message}", status),
        Reply(
            f'<?xml version="1.0" encoding="UTF-8" ?><hash><error>{escaped}</error></hash>',
            status,
        ),
    ]


SENTENCES = [
    (403, "You do not have permissions to use the API", TokenRefused, "opens no project"),
    (401, "You do not have permissions to use the API", TokenRefused, "opens no project"),
    (400, "The REDCap project no longer exists because it was deleted.", TokenRefused, "deleted"),
    (403, "You do not have API Import/Update privileges", RightMissing, "API Import/Update"),
    (403, "You do not have Delete Record privileges", RightMissing, "Delete Record"),
    (
        400,
        "Insufficient user privileges: You must have 'API Export' privileges and 'Data Access Groups' "
        "privileges in the project.",
        RightMissing,
        "Data Access Groups",
    ),
    (400, 'The value of the parameter "content" is not valid', UnknownName, "method"),
    (501, "The requested method is not implemented.", RedcapError, "address is probably wrong"),
    (400, "event 'event_1_arm_1' is not available in project", UnknownName, "event_1_arm_1"),
    (
        400,
        "The following values in the parameter \"fields\" are not valid: 'a_b', 'c'",
        UnknownName,
        "'a_b', 'c'",
    ),
    (
        400,
        "The following fields were not found in the project as real data fields: foo, baz",
        UnknownName,
        "'foo', 'baz'",
    ),
    (
        400,
        "The following values of redcap_event_name are invalid: visit_11_arm_1, visit_12_arm_1",
        UnknownName,
        "'visit_11_arm_1', 'visit_12_arm_1'",
    ),
    (400, "The field 'mugshotttttt' does not exist or is not a 'file' field", UnknownName, "mugshotttttt"),
    (400, "There is no file to download for this record", NoFile, "no file"),
    (400, "The record '1' does not exist. It must exist to upload a file", RowsRefused, "does not exist"),
    (400, "invalid event", UnknownName, "event"),
    (400, 'The record "-1" does not exist', RowsRefused, "does not exist"),
    (
        400,
        "The File Repository folder folder_id=99 does not exist or else you do not have permission to that "
        "folder because it is DAG-restricted or Role-restricted.",
        RedcapError,
        "folder",
    ),
    (
        400,
        "One or more of the records provided cannot be deleted because they do not exist in the project. "
        "The following records do not exist: 1, 2",
        RowsRefused,
        "2 of the records",
    ),
    (
        400,
        "The data being imported is not formatted correctly. PHP error from JSON decoder: Syntax error. "
        "The JSON must be in an array, as in [{ ... }].",
        RedcapError,
        "could not read the data",
    ),
    (406, "The data is not in the specified format.", RedcapError, "could not read the data"),
    (
        400,
        "You must provide some text for 'purpose_other' since you specified 'purpose' as '1' (Other).",
        RedcapError,
        "purpose_other",
    ),
    (
        400,
        'The form named "demographics" is incorrect for the user role "U-527D39JXAC" The form does not exist '
        'in this project.\nThe form named "health" is incorrect for the user role "U-527D39JXAC" The form',
        UnknownName,
        "demographics",
    ),
    (
        403,
        "Your user privileges do NOT allow you to create new records.",
        RightMissing,
        "may not create records",
    ),
]


@pytest.mark.parametrize("shape", [0, 1, 2], ids=["json", "csv", "xml"])
@pytest.mark.parametrize(("status", "message", "kind", "part"), SENTENCES)
def test_a_known_sentence_becomes_its_error_in_every_shape(status, message, kind, part, shape):
    error = failing(shapes(message, status)[shape])

    assert type(error) is kind
    assert part in str(error)


def test_an_error_that_comes_with_status_200_is_an_error_too():
    for reply in shapes("You do not have permissions to use the API", 200):
        assert type(failing(reply)) is TokenRefused


def test_an_unknown_message_is_never_shown_because_it_may_hold_values():
    for reply in shapes(f"The value {SECRET} of child {SECRET} is odd", 400):
        error = failing(reply)

        assert type(error) is RedcapError
        assert SECRET not in str(error)
        assert "400" in str(error)


def test_an_unknown_message_with_403_is_a_missing_right_and_is_not_shown():
    error = failing(Reply(json.dumps({"error": f"no {SECRET}"}), 403))

    assert type(error) is RightMissing
    assert SECRET not in str(error)


def test_a_name_that_cannot_be_a_field_is_counted_and_not_shown():
    message = f"The following fields were not found in the project as real data fields: age, {SECRET} Jones 7"

    error = failing(Reply(json.dumps({"error": message}), 400))

    assert SECRET not in str(error)
    assert "'age' and 1 more" in str(error)


def test_a_participants_name_in_the_event_column_is_not_shown():
    message = f"The following values of redcap_event_name are invalid: {SECRET}, visit_1_arm_1"

    error = failing(Reply(json.dumps({"error": message}), 400))

    assert SECRET not in str(error)
    assert "'visit_1_arm_1' and 1 more" in str(error)


def test_unknown_record_ids_are_not_shown():
    message = f"The following values in the parameter \"records\" are not valid: '{SECRET}'"

    error = failing(Reply(json.dumps({"error": message}), 400))

    assert type(error) is UnknownName
    assert SECRET not in str(error)


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_a_busy_server_is_unavailable_whatever_it_says(status):
    assert type(failing(Reply(PAGE.format("Error"), status))) is RedcapUnavailable
    assert type(failing(Reply("", status))) is RedcapUnavailable
    assert type(failing(Reply(json.dumps({"error": f"odd {SECRET}"}), status))) is RedcapUnavailable


@pytest.mark.parametrize(("status", "body"), [(404, PAGE), (405, PAGE), (405, ""), (501, PAGE), (410, PAGE)])
def test_a_wrong_address_is_named_as_the_probable_cause(status, body):
    error = failing(Reply(body, status))

    assert type(error) is RedcapError
    assert "address is probably wrong" in str(error)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed_with_the_token(status):
    with serving(Reply("", 200)) as other, serving(Reply("", status, {"Location": other.url})) as server:
        with pytest.raises(RedcapError, match="address is probably wrong"):
            Redcap(server.url, TOKEN).records()

        assert other.forms == []


@pytest.mark.parametrize("status", [411, 413, 414])
def test_a_request_that_is_too_large_says_which_limit_to_lower(status):
    assert "max_bytes" in str(failing(Reply(PAGE.format("too large"), status)))


def test_a_page_with_status_200_is_unavailable():
    page = PAGE.format(f"multiple browser tabs {SECRET}")
    for reply in (Reply(page), Reply("\n\n" + page), Reply(page, is_gzip=True)):
        error = failing(reply)

        assert type(error) is RedcapUnavailable
        assert SECRET not in str(error)


def test_no_bytes_at_all_where_an_answer_is_due_is_unavailable():
    assert type(failing(Reply(""))) is RedcapUnavailable
    assert type(failing(Reply(""), call=lambda redcap: redcap.version())) is RedcapUnavailable


@pytest.mark.parametrize("text", ["Your IP address has been banned", "You exceeded the rate limit"])
@pytest.mark.parametrize("status", [200, 403, 429])
def test_a_ban_page_is_a_ban_and_is_not_tried_again(text, status):
    with serving(Reply(PAGE.format(text), status)) as server:
        with pytest.raises(RedcapBanned, match="administrator"):
            Redcap(server.url, TOKEN).records()

        assert len(server.forms) == 1


def test_a_firewalls_page_with_403_is_no_matter_of_rights():
    error = failing(Reply(PAGE.format("Forbidden"), 403))

    assert type(error) is RedcapError
    assert "firewall" in str(error)


def test_a_server_out_of_memory_says_to_ask_for_less():
    body = PAGE.format("x") + json.dumps({"error": "REDCap ran out of server memory. The request cannot be"})

    for reply in (Reply(body), Reply("Allowed memory size of 1024 bytes exhausted", 500)):
        error = failing(reply)

        assert not error.retryable
        assert "fewer" in str(error)


def test_a_server_that_runs_out_of_memory_half_way_says_to_ask_for_less():
    body = "id,a\n1,2\n3," + PAGE.format("Fatal error: Allowed memory size of 1024 bytes exhausted")

    assert "ran out of memory half way" in str(failing(Reply(body)))


def test_refused_rows_come_with_record_field_and_reason_and_without_the_value():
    lines = (
        f'"1","maristat","{SECRET}","The value is not a valid category for maristat"\n'
        f'"2","notes","{SECRET}, ""junior"" \n of two","Not allowed: {SECRET}, ""junior"" \n of two"'
    )
    for reply in shapes(lines, 400):
        error = failing(reply)

        assert type(error) is RowsRefused
        assert error.rows == (
            ("1", "maristat", "The value is not a valid category for maristat"),
            ("2", "notes", "Not allowed: …"),
        )
        assert SECRET not in str(error) + repr(error)
        assert "2 cells (fields 'maristat', 'notes')" in str(error)


def test_refused_rows_with_unescaped_quotes_still_lose_their_values():
    lines = f'"1","nick","say "{SECRET}" twice","Wrong"\n"2","age","x","No number"'

    error = failing(Reply(json.dumps({"error": lines}), 400))

    assert error.rows == (("1", "nick", "Wrong"), ("2", "age", "No number"))


def test_a_short_value_is_taken_out_of_a_reason_only_as_a_word():
    lines = '"1","code","12","Value 12 of 312 is odd"'

    error = failing(Reply(json.dumps({"error": lines}), 400))

    assert error.rows == (("1", "code", "Value … of 312 is odd"),)


def test_records_that_do_not_exist_are_in_rows_and_not_in_the_text():
    message = (
        "One or more of the records provided cannot be deleted because they do not exist in the project. "
        f"The following records do not exist: {SECRET}, 7"
    )

    error = failing(
        Reply(json.dumps({"error": message}), 400), call=lambda redcap: redcap.delete_records(["7"])
    )

    assert [row[0] for row in error.rows] == [SECRET, "7"]
    assert SECRET not in str(error)


def test_an_error_text_names_method_and_host():
    error = failing(Reply("", 503), call=lambda redcap: redcap.metadata())

    assert "metadata at 127.0.0.1:" in str(error)
    assert "503" in str(error)
