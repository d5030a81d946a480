"""Who may do what: every method of the sandbox against the matrix of rights, and every way of being refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sandbox_desk import Desk, OpenDesk, desks

from sandbox.call import read_call
from sandbox.dispatch import METHODS

BY_CONTENT = {
    "user": "user_rights",
    "userRole": "user_rights",
    "userRoleMapping": "user_rights",
    "dag": "data_access_groups",
    "userDagMapping": "data_access_groups",
    "log": "logging",
    "fileRepository": "file_repository",
    "surveyLink": "manage_survey_participants",
    "surveyQueueLink": "manage_survey_participants",
    "surveyReturnCode": "manage_survey_participants",
    "surveyAccessCode": "manage_survey_participants",
    "participantList": "manage_survey_participants",
}
DESIGN = {"metadata", "arm", "event", "formEventMapping", "project_settings", "repeatingFormsEvents"}
DEVELOPMENT_ONLY = {"metadata", "arm", "event", "formEventMapping"}
EXACTLY = {
    ("version", "export"): (),
    ("record", "delete"): ("record_delete",),
    ("record", "rename"): ("record_rename",),
    ("record", "randomize"): ("random_perform",),
    ("dag", "switch"): ("api_import",),
    ("user", "delete"): ("api_import", "user_rights", "record_delete"),
    ("repeatingFormsEvents", "export"): ("api_export", "design"),
}
NO_GROUPS = (
    "Insufficient user privileges: You must have 'API Export' privileges and 'Data Access Groups' "
    "privileges in the project."
)
RECORDED = {
    "api_import": (403, "You do not have API Import/Update privileges"),
    "record_delete": (403, "You do not have Delete Record privileges"),
    "data_access_groups": (400, NO_GROUPS),
}
DENIED = (403, "You do not have permissions to use the API")


def needed(content: str, verb: str) -> tuple[str, ...]:
    """The matrix of rights as rules."""
    if (content, verb) in EXACTLY:
        return EXACTLY[content, verb]
    is_export = verb in ("export", "list")
    first = "api_export" if is_export else "api_import"
    extra = BY_CONTENT.get(content) or ("design" if content in DESIGN and not is_export else "")
    return (first, extra) if extra else (first,)


LACKING = [(*method, right) for method in METHODS for right in needed(*method)]


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with desks() as opened:
        yield opened(longitudinal=True)


@pytest.mark.parametrize(("content", "verb", "missing"), LACKING)
def test_without_one_of_its_rights_a_method_is_refused_and_changes_nothing(
    desk: Desk, content: str, verb: str, missing: str
) -> None:
    rights = tuple(name for name in needed(content, verb) if name != missing)
    token = desk.token(f"without_{missing}", rights=rights)
    before = desk.dump()

    status, text = desk.error(token, content, action=verb, format="json", data="[]")

    assert (status, text) == RECORDED.get(missing, (403, text))
    assert "privileges" in text
    assert desk.dump() == before


@pytest.mark.parametrize(("content", "verb"), METHODS)
def test_with_exactly_its_rights_a_method_is_not_refused_for_rights(
    desk: Desk, content: str, verb: str
) -> None:
    token = desk.token("exact", rights=needed(content, verb))

    answer = desk.ask(token, content, action=verb, format="json", data="[]")

    assert answer.status in (200, 400)
    assert b"privileges" not in answer.content


@pytest.mark.parametrize(
    ("content", "verb"), [key for key in METHODS if key[0] in DEVELOPMENT_ONLY and key[1] != "export"]
)
def test_in_production_the_design_cannot_be_changed(open_desk: OpenDesk, content: str, verb: str) -> None:
    desk = open_desk(longitudinal=True)
    desk.save(replace(desk.project, in_production=True))
    before = desk.dump()

    status, text = desk.error(desk.owner, content, action=verb, format="json", data="[]")

    assert status == 403
    assert "Development" in text
    assert desk.dump() == before


def test_rights_are_judged_before_the_status_of_the_project(open_desk: OpenDesk) -> None:
    desk = open_desk()
    desk.save(replace(desk.project, in_production=True))
    token = desk.token("reader", rights=("api_export",))

    assert desk.error(token, "metadata", format="json", data="[]") == RECORDED["api_import"]


@pytest.mark.parametrize("content", ["dag", "userDagMapping"])
def test_who_lacks_both_rights_to_read_groups_is_told_of_both(desk: Desk, content: str) -> None:
    token = desk.token("neither", rights=())

    assert desk.error(token, content) == (400, NO_GROUPS)


def test_users_can_be_read_but_not_changed_by_whom_may_only_read_them(desk: Desk) -> None:
    token = desk.token("reader", flags={"user_rights": 2})
    row = [{"username": "new_user"}]

    assert desk.ask(token, "user", format="json").status == 200
    assert desk.ask(token, "userRole", format="json").status == 200
    assert desk.send(token, "user", row).status == 403
    assert desk.send(token, "userRoleMapping", row, action="import").status == 403
    assert desk.ask(token, "user", action="delete", users=["reader"]).status == 403


@pytest.mark.parametrize(
    "token",
    ["", "   ", "0", "A" * 31, "A" * 32, "A" * 33, "A" * 64, "Z" * 10_000, "é" * 32, "' OR 1=1 --", "\x00"],
)
@pytest.mark.parametrize("content", ["record", "version", "project", "nonsense", ""])
def test_a_token_that_opens_nothing_is_refused_whatever_is_asked(
    desk: Desk, token: str, content: str
) -> None:
    assert desk.error(token, content) == DENIED


def test_a_token_may_have_blanks_around_it_but_nothing_else(desk: Desk) -> None:
    assert desk.ask(f" {desk.owner}\n", "version").content == b"15.2.1"
    assert desk.error(desk.owner + "A", "version") == DENIED


def test_a_missing_token_is_refused(desk: Desk) -> None:
    answer = desk.state.redcap.answer(read_call([("content", "record"), ("format", "json")]))

    assert (answer.status, json.loads(answer.content)["error"]) == DENIED


def test_the_super_token_makes_projects_and_tells_the_version_and_no_more(desk: Desk) -> None:
    super_token = desk.state.store.projects.super_token()

    assert desk.ask(super_token, "version").content == b"15.2.1"
    assert desk.error(super_token, "record") == DENIED
    assert desk.error(super_token, "project") == DENIED
    assert len(desk.send(super_token, "project", [{"project_title": "New", "purpose": "0"}]).content) == 32


def test_unknown_content_is_told_only_to_whom_the_token_lets_in(desk: Desk) -> None:
    nobody = desk.token("nobody", rights=())

    assert desk.error(nobody, "nonsense") == (400, 'The value of the parameter "content" is not valid')
    assert desk.error("A" * 32, "nonsense") == DENIED


def test_the_three_spellings_of_a_refusal(desk: Desk) -> None:
    token = desk.token("nobody", rights=())
    text = "You do not have API Import/Update privileges"

    answers = {
        fmt: desk.ask(token, "metadata", action="import", data="[]", returnFormat=fmt)
        for fmt in ("json", "csv", "xml")
    }

    assert answers["json"].content.decode() == '{"error":"' + text.replace("/", "\\/") + '"}'
    assert answers["csv"].content.decode() == f"ERROR: {text}"
    assert (
        answers["xml"].content.decode()
        == f'<?xml version="1.0" encoding="UTF-8" ?><hash><error>{text}</error></hash>'
    )


def test_an_expired_user_is_refused_from_the_day_after(desk: Desk) -> None:
    today = desk.state.clock.now().date().isoformat()
    gone = desk.token("gone", expiration="2020-01-01")
    going = desk.token("going", expiration=today)

    assert desk.error(gone, "version") == DENIED
    assert desk.ask(going, "version").status == 200


def test_a_token_of_a_user_who_was_deleted_opens_nothing(open_desk: OpenDesk) -> None:
    desk = open_desk()
    token = desk.token("leaving")

    assert desk.ask(desk.owner, "user", action="delete", users=["leaving"]).content == b"1"
    assert desk.error(token, "version") == DENIED


def test_a_deleted_project_says_so(open_desk: OpenDesk) -> None:
    desk = open_desk()
    desk.state.store.projects.delete(desk.project_id)

    assert desk.error(desk.owner, "record") == (
        400,
        "The REDCap project no longer exists because it was deleted.",
    )
