"""Which token opens what: two roles, the rights of each, production, and what `doctor` says of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests
from command_line import CommandLine, changed
from live_study import LiveStudy
from trial_study import held, make_trial, rows_file

from capstan.errors import IdentityError, Refused, RightMissing, UsageError
from flows.import_records import import_records
from tasks.connections import open_project

# The one that reads may read User Rights (2), so that doctor can see them.
READS = {"api_import": 0, "record_delete": 0, "record_rename": 0, "user_rights": 2, "design": 1}
WRITES = {"record_delete": 0, "record_rename": 0, "user_rights": 0, "design": 0}
TWO = ("token: {env: TOKEN_TRIAL}", "token: {env: TOKEN_TRIAL}\n  write_token: {env: TOKEN_WRITES}")


@pytest.fixture
def study(addresses: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LiveStudy:
    return make_trial(tmp_path, addresses, monkeypatch)


def order(addresses: dict[str, Any], study: LiveStudy, what: str, **body: Any) -> dict[str, Any]:
    url = f"{addresses['control_url']}projects/{study.project_id}/{what}"
    return dict(requests.post(url, json=body, timeout=30).json())


def user(addresses: dict[str, Any], study: LiveStudy, name: str, rights: dict[str, int]) -> str:
    """Another user's token, with all rights but some."""
    return str(order(addresses, study, "tokens", username=name, rights=rights)["token"])


def mend(study: LiveStudy, *pairs: tuple[str, str]) -> None:
    file = study.folder / "study.yaml"
    text = file.read_text("utf-8")
    for old, new in pairs:
        text = changed(text, old, new)
    file.write_text(text, "utf-8")


def in_production(addresses: dict[str, Any], study: LiveStudy, *pairs: tuple[str, str]) -> None:
    order(addresses, study, "status", status="production")
    mend(study, ("status: development", "status: production"), *pairs)


def examined(capstan: CommandLine) -> dict[str, tuple[str, str]]:
    findings = json.loads(capstan("doctor", "trial", "--json").out)["findings"]
    return {one["what"]: (one["verdict"], one["said"]) for one in findings}


@pytest.fixture
def two_tokens(addresses: dict[str, Any], study: LiveStudy, monkeypatch: pytest.MonkeyPatch) -> LiveStudy:
    """A study with a token that only reads and another that writes."""
    monkeypatch.setenv("TOKEN_TRIAL", user(addresses, study, "reader", READS))
    monkeypatch.setenv("TOKEN_WRITES", user(addresses, study, "writer", WRITES))
    mend(study, TWO)
    return study


def test_a_token_that_reads_and_another_that_writes_import_together(
    two_tokens: LiveStudy, tmp_path: Path
) -> None:
    said = import_records.fn("trial", rows_file(tmp_path, "1,Ann,4"))

    assert said["outcome"] == "done"
    assert held(two_tokens, "1", "part_first_name") == "Ann"


def test_the_token_that_reads_never_writes(
    two_tokens: LiveStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mend(two_tokens, (TWO[1], TWO[0]))
    monkeypatch.delenv("TOKEN_WRITES")

    with pytest.raises(RightMissing):
        import_records.fn("trial", rows_file(tmp_path, "1,Ann,4"))


def test_a_dry_run_needs_no_token_that_writes_and_has_no_way_to_write(
    two_tokens: LiveStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TOKEN_WRITES")

    dry = import_records.fn("trial", rows_file(tmp_path, "1,Ann,4"), dry_run=True)
    with pytest.raises(UsageError, match="TOKEN_WRITES holds no token"):
        import_records.fn("trial", rows_file(tmp_path, "1,Ann,4"))

    live = open_project("trial", dry_run=True)
    with pytest.raises(Refused, match="for reading only"):
        _ = live.writer
    live.close()
    assert (dry["outcome"], held(two_tokens, "1", "part_first_name") == "Ann") == ("dry run", False)


def test_a_write_token_of_another_project_is_refused(
    addresses: dict[str, Any], two_tokens: LiveStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = requests.post(f"{addresses['control_url']}projects", json={"title": "Other"}, timeout=30).json()
    monkeypatch.setenv("TOKEN_WRITES", made["token"])

    with pytest.raises(IdentityError, match="The write token opens a project whose id is"):
        import_records.fn("trial", rows_file(tmp_path, "1,Ann,4"))


def test_production_is_written_to_only_where_the_study_says_so(
    addresses: dict[str, Any], study: LiveStudy, tmp_path: Path
) -> None:
    in_production(addresses, study)
    before, file = study.export(), rows_file(tmp_path, "1,Ann,4")

    with pytest.raises(Refused, match=r"is in production.*writes\.production: true"):
        import_records.fn("trial", file)
    untouched = study.export() == before
    dry = import_records.fn("trial", file, dry_run=True)
    mend(study, ("writes: {", "writes: {production: true, "))
    written = import_records.fn("trial", file)

    assert untouched
    assert (dry["outcome"], written["outcome"]) == ("dry run", "done")


def test_doctor_is_content_with_two_tokens_that_may_do_no_more_than_they_must(
    two_tokens: LiveStudy, capstan: CommandLine
) -> None:
    found = examined(capstan)

    assert found["write token"][0] == found["write token rights"][0] == "ok"
    assert found["token rights"][0] == found["status"][0] == found["drift"][0] == "ok"


@pytest.mark.parametrize(
    ("right", "named"),
    [
        ("record_delete", "Delete Records"),
        ("record_rename", "Rename Records"),
        ("user_rights", "User Rights"),
        ("design", "Project Design"),
    ],
)
def test_doctor_names_each_right_that_the_token_which_writes_does_not_need(
    addresses: dict[str, Any],
    two_tokens: LiveStudy,
    capstan: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    *,
    right: str,
    named: str,
) -> None:
    mend(two_tokens, ("new_records: 5", "new_records: 0"))
    monkeypatch.setenv("TOKEN_WRITES", user(addresses, two_tokens, "mighty", {**WRITES, right: 1}))
    before = two_tokens.export()

    verdict, said = examined(capstan)["write token rights"]

    assert (verdict, named in said, "take it from" in said) == ("warn", True, True)
    assert two_tokens.export() == before


def test_doctor_names_a_right_to_import_that_the_token_which_reads_does_not_need(
    addresses: dict[str, Any], two_tokens: LiveStudy, capstan: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN_TRIAL", user(addresses, two_tokens, "keen", {**READS, "api_import": 1}))

    verdict, said = examined(capstan)["token rights"]

    assert verdict == "warn"
    assert said.startswith("more than the study needs: API Import/Update; take it")


def test_doctor_misses_the_right_to_import_in_the_token_that_writes(
    addresses: dict[str, Any], two_tokens: LiveStudy, capstan: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN_WRITES", user(addresses, two_tokens, "weak", {**WRITES, "api_import": 0}))

    verdict, said = examined(capstan)["write token rights"]

    assert (verdict, said.startswith("missing: API Import/Update; without it nothing")) == ("warn", True)


def test_doctor_says_what_it_cannot_see_and_tries_nothing_out(
    addresses: dict[str, Any], two_tokens: LiveStudy, capstan: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN_TRIAL", user(addresses, two_tokens, "blind", {**READS, "user_rights": 0}))
    requests.delete(f"{addresses['control_url']}requests", timeout=30)

    found = examined(capstan)

    sent = requests.get(f"{addresses['control_url']}requests", timeout=30).json()
    assert found["token rights"][1].startswith("cannot be seen: API Import/Update, Delete Records, Rename")
    assert found["token rights"][0] == found["write token rights"][0] == "warn"
    assert {call["action"] for call in sent} <= {"", "export"}


@pytest.mark.parametrize(
    ("old", "new", "code", "said"),
    [
        ("url: http://127.0.0.1", "url: http://127.clinic.test", 3, "in the clear; nothing was sent"),
        ("status: development}", "status: development, host: redcap.clinic.test}", 3, "names the host"),
        ("title: 'Trial'", "title: 'Other'", 3, "opens a project whose title is 'Trial'"),
        ("status: development}", "status: production}", 3, "opens a project whose status is 'development'"),
        ("project: {id: ", "project: {id: 9", 3, "opens a project whose id is"),
        ("url: http://", "url: ftp://", 2, "The REDCap address is malformed"),
    ],
)
def test_another_place_than_the_study_names_is_refused_and_told_by_doctor(
    study: LiveStudy, capstan: CommandLine, *, old: str, new: str, code: int, said: str
) -> None:
    mend(study, (old, new))
    before = study.export()

    run = capstan("run", "check_eligibility", "--study", "trial")
    doctor = capstan("doctor", "trial", "--json")

    failed = [each["said"] for each in json.loads(doctor.out)["findings"] if each["verdict"] == "fail"]
    assert (run.code, doctor.code) == (code, 1)
    assert said in run.sentence
    assert [each for each in failed if said in each]
    assert study.export() == before


def test_init_sends_no_token_in_the_clear(
    study: LiveStudy, capstan: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    ended = capstan("init", "other", "--url", "http://redcap.clinic.test", "--token-env", "TOKEN_TRIAL")

    assert (ended.code, "in the clear" in ended.sentence) == (3, True)


def test_doctor_reports_one_token_in_both_roles(
    two_tokens: LiveStudy, capstan: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN_WRITES", two_tokens.token)
    monkeypatch.setenv("TOKEN_TRIAL", two_tokens.token)
    same = examined(capstan)["write token"]
    mend(two_tokens, (TWO[1], TWO[0]))
    alone = examined(capstan)["write token"]

    assert same == ("warn", same[1])
    assert "the same as redcap.token" in same[1]
    assert "one token reads and writes" in alone[1]


def test_doctor_reports_a_project_in_production_on_this_machine(
    addresses: dict[str, Any], study: LiveStudy, capstan: CommandLine
) -> None:
    in_production(addresses, study)

    found = examined(capstan)

    assert found["status"][0] == found["writes"][0] == "warn"
    assert "sandbox" in found["status"][1]
    assert "writes.production" in found["writes"][1]


def test_doctor_says_which_changes_wait_for_a_person(
    study: LiveStudy, tmp_path: Path, capstan: CommandLine
) -> None:
    import_records.fn("trial", rows_file(tmp_path, "1,Ann,4"))
    fields = study.call(content="metadata", format="json").json()
    kept = [field for field in fields if field["field_name"] != "exam_place"]
    assert study.call(content="metadata", format="json", data=json.dumps(kept)).ok

    assert examined(capstan)["drift"] == (
        "warn",
        "changes in the project that wait for a person: 1, such as exam_place: removed field; see "
        "`capstan drift trial`",
    )
