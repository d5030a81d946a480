"""The sweep that loads sessions without any trigger, and the commands by which people look and decide."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine
from coverage_study import BODY, MONTH_6, Coverage, make_coverage
from cryptography.fernet import Fernet

FIRST, SECOND = "DTI01_CMH_H001_01_01", "DTI01_CMH_H002_01_01"
BY = ("--by", "Ann Lee")
WHY = (*BY, "--reason", "Left early")


@pytest.fixture
def scans(tmp_path: Path, addresses: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Coverage:
    made = make_coverage(tmp_path, addresses)
    for name, value in made.study.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CAPSTAN_KEY", Fernet.generate_key().decode())
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    return made


def scan(scans: Coverage, record: str = "1", session_id: str = FIRST, **changes: Any) -> None:
    """A program imports a scan form, so that REDCap sends no trigger."""
    form = {"scan_id": session_id, "scan_date": "2026-11-20", "scan_complete": "2", "scan_comment": ""}
    scans.load(record, **form | changes)


def sweep(capstan: CommandLine, *words: str) -> dict[str, Any]:
    said = capstan("run", "load_sessions", "--study", "trial", "--json", *words)
    assert said.code == 0, said.err
    return dict(json.loads(said.out))


def listed(capstan: CommandLine, *words: str) -> list[str]:
    return [
        one["session"]
        for one in json.loads(capstan("sessions", "list", "trial", "--json", *words).out)["sessions"]
    ]


def test_a_sweep_loads_every_completed_form_and_a_second_one_nothing(
    scans: Coverage, capstan: CommandLine
) -> None:
    scan(scans, "1", "dti01_cmh_h001_01_01 ", scan_comment="xcommentx")
    scan(scans, "2", SECOND, event=MONTH_6, instance=1)
    scan(scans, "2", "DTI01_CMH_H002_01_02", event=MONTH_6, instance=2)
    scan(scans, "3", "DTI01_CMH_H003_01_01", scan_complete="1")
    scan(scans, "4", "DTI01_CMH_H004_01_01", scan_date="")
    scan(scans, "5", "")

    first, second = sweep(capstan), sweep(capstan)

    assert listed(capstan) == [FIRST, SECOND, "DTI01_CMH_H002_01_02"]
    assert (first["outcome"], first["sessions"]) == ("done", {"linked": 3, "changed": 3, "passed over": 2})
    assert (second["outcome"], second["sessions"]) == ("idle", {"linked": 3, "passed over": 2})
    assert "xcommentx" not in json.dumps(first)


def test_a_sweep_takes_other_statuses_where_the_rule_lists_them(
    scans: Coverage, capstan: CommandLine
) -> None:
    path = scans.study.folder / "study.yaml"
    path.write_text(path.read_text("utf-8").replace("session_id", 'completed: "1, 2", session_id'), "utf-8")
    scan(scans, "1", FIRST, scan_complete="1")
    scan(scans, "2", SECOND, scan_complete="0")

    sweep(capstan)

    assert listed(capstan) == [FIRST]


def test_a_sweep_keeps_event_id_and_version_of_a_form(scans: Coverage, capstan: CommandLine) -> None:
    scan(scans)
    sweep(capstan)

    record = json.loads(capstan("sessions", "show", "trial", FIRST, "--json").out)["record"]
    events = {one["unique_event_name"]: one["event_id"] for one in scans.call(content="event")}

    assert record["event_id"] == str(events[record["event"]])
    assert record["version"].count(".") == 2


def test_a_form_that_was_deleted_in_redcap_is_forgotten(scans: Coverage, capstan: CommandLine) -> None:
    for record, name in (("1", FIRST), ("2", SECOND)):
        scan(scans, record, name)
    sweep(capstan)

    scans.call(content="record", action="delete", **{"records[0]": "1"})
    swept = sweep(capstan)

    assert swept["sessions"] == {"linked": 1, "deleted": 1}
    assert listed(capstan) == [SECOND]


def test_a_project_that_is_suddenly_empty_is_refused_and_nothing_is_forgotten(
    scans: Coverage, capstan: CommandLine
) -> None:
    scan(scans)
    sweep(capstan)
    scans.call(content="record", action="delete", **{"records[0]": "1"})

    assert capstan("run", "load_sessions", "--study", "trial").code == 3
    assert listed(capstan) == [FIRST]


def test_many_forms_that_are_out_of_sight_at_once_are_refused_and_none_is_forgotten(
    scans: Coverage, capstan: CommandLine
) -> None:
    for number in range(1, 8):
        scan(scans, str(number), f"DTI01_CMH_H00{number}_01_01")
    sweep(capstan)
    gone = {f"records[{number}]": str(number) for number in range(1, 7)}
    scans.call(content="record", action="delete", **gone)

    said = capstan("run", "load_sessions", "--study", "trial")

    assert said.code == 3
    assert "6 forms are not to be seen any more" in said.err
    assert len(listed(capstan)) == 7


def test_a_dry_run_says_how_many_ids_can_be_read_and_loads_none(
    scans: Coverage, capstan: CommandLine
) -> None:
    scan(scans, "1", FIRST)
    scan(scans, "2", "nonsense")

    told = sweep(capstan, "--dry-run")

    assert (told["outcome"], told["sessions"]) == ("dry run", {"readable": 1, "unreadable": 1})
    assert listed(capstan) == []


def test_a_bad_id_waits_and_the_others_are_loaded(scans: Coverage, capstan: CommandLine) -> None:
    scan(scans, "1", "DTI01_CMX_H001_01_01")
    scan(scans, "2", SECOND)

    told = sweep(capstan)
    waiting = capstan("sessions", "list", "trial", "--waiting")

    assert told["sessions"] == {"linked": 1, "changed": 2, "waiting": 1}
    assert "1 form waits for a person" in told["reason"]
    assert "did you mean CMH?" in " ".join(waiting.out.split())
    assert "CMX" not in told["reason"] + waiting.out
    assert (
        "DTI01_CMX_H001_01_01" in capstan("sessions", "list", "trial", "--waiting", "--values", "--json").out
    )


def test_a_study_without_rules_for_sessions_is_told_so(scans: Coverage, capstan: CommandLine) -> None:
    path = scans.study.folder / "study.yaml"
    path.write_text(path.read_text("utf-8").replace(BODY, "\n"), "utf-8")

    said = capstan("run", "load_sessions", "--study", "trial")

    assert said.code == 2
    assert "sessions" in said.sentence


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("sessions: {sites: [{site: CMH, code: DTI01}]}", "", "triggers[0].session_id"),
        ("session_id: scan_id, ", "", "triggers[0].date"),
        ("session_id: scan_id", "session_id: scan_idd", "triggers[0].session_id"),
        ("session_id: scan_id", "session_id: scan_complete", "triggers[0].session_id"),
        (
            "\nsessions:",
            "\n  - {instrument: scan, session_id: scan_comment}\nsessions:",
            "triggers[1].session_id",
        ),
    ],
)
def test_a_study_file_whose_sessions_do_not_fit_the_project_is_refused(
    old: str, new: str, place: str, scans: Coverage, capstan: CommandLine
) -> None:
    path = scans.study.folder / "study.yaml"
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")

    said = capstan("run", "load_sessions", "--study", "trial")

    assert said.code == 2
    assert place in said.sentence


def test_people_say_that_nothing_comes_and_take_it_back(scans: Coverage, capstan: CommandLine) -> None:
    scan(scans)
    sweep(capstan)
    capstan("sessions", "add", "trial", SECOND, "--data", "archive")

    assert listed(capstan, "--missing", "data") == [FIRST]
    assert listed(capstan, "--missing", "survey") == [SECOND]
    assert capstan("sessions", "no-data", "trial", FIRST.lower(), *WHY).code == 0
    assert capstan("sessions", "expect-none", "trial", SECOND, *WHY).code == 0
    assert listed(capstan, "--missing", "data") == listed(capstan, "--missing", "survey") == []
    assert "Left early (Ann Lee" in capstan("sessions", "show", "trial", SECOND).out
    assert capstan("sessions", "no-data", "trial", FIRST, *BY, "--undo").code == 0
    assert listed(capstan, "--missing", "data") == [FIRST]


def test_a_conflict_is_listed_and_settled(scans: Coverage, capstan: CommandLine) -> None:
    scan(scans, "1")
    scan(scans, "2", scan_comment="the right one")
    sweep(capstan)
    (waiting,) = json.loads(capstan("sessions", "list", "trial", "--waiting", "--json").out)["records"]

    settled = capstan("sessions", "settle", "trial", str(waiting["id"]), "--take", *WHY)

    assert (waiting["names"], settled.code) == (FIRST, 0)
    shown = json.loads(capstan("sessions", "show", "trial", FIRST, "--values", "--json").out)
    assert (shown["record"]["record"], shown["record"]["comment"]) == ("2", "the right one")
    assert sweep(capstan)["sessions"] == {"linked": 1, "set aside": 1}
    assert capstan("sessions", "list", "trial", "--waiting").out.strip() == "No form waits for a person."


def test_a_session_and_a_form_that_waits_have_a_link_for_staff_where_there_is_a_receiver(
    scans: Coverage, capstan: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAPSTAN_PUBLIC_URL", "https://capstan.test")
    scan(scans, "1")
    scan(scans, "2")
    sweep(capstan)

    linked = json.loads(capstan("sessions", "show", "trial", FIRST, "--json").out)["record"]
    (waiting,) = json.loads(capstan("sessions", "list", "trial", "--waiting", "--json").out)["records"]

    assert {one["link"].rpartition("/")[0] for one in (linked, waiting)} == {"https://capstan.test/records"}
    assert linked["link"] != waiting["link"]


def test_a_session_shares_its_form_with_one_of_an_alternate_id(scans: Coverage, capstan: CommandLine) -> None:
    scan(scans)
    sweep(capstan)

    capstan("sessions", "add", "trial", "DTI01_CMH_H003_01_01")

    empty = capstan("sessions", "share", "trial", "DTI01_CMH_H003_01_01", "trial", SECOND, *BY)
    assert (empty.code, SECOND in listed(capstan)) == (3, False)
    first = capstan("sessions", "share", "trial", FIRST, "trial", SECOND, *BY)
    again = capstan("sessions", "share", "trial", FIRST, "trial", SECOND, *BY)

    assert (first.code, again.code) == (0, 3)
    assert "shared" in capstan("sessions", "show", "trial", SECOND).out


def test_an_id_is_explained(scans: Coverage, capstan: CommandLine) -> None:
    told = json.loads(capstan("sessions", "id", "trial", FIRST.lower(), "--json").out)

    assert (told["session"], told["kcni"]) == (FIRST, "DTI01_CMH_H001_01_SE01_MR")
    assert capstan("sessions", "id", "trial", "nonsense").code == 2


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("show", "trial", FIRST), 2),
        (("show", "nobody", FIRST), 2),
        (("expect-none", "trial", FIRST, *WHY), 2),
        (("settle", "trial", "17", "--take", *WHY), 2),
        (("list", "trial", "--missing", "luck"), 2),
        (("add", "trial", "nonsense"), 2),
    ],
)
def test_a_mistake_of_a_person_ends_with_one_sentence(
    words: tuple[str, ...], code: int, scans: Coverage, capstan: CommandLine
) -> None:
    said = capstan("sessions", *words)

    assert said.code == code
    assert said.sentence


def test_what_cannot_be_done_is_refused(scans: Coverage, capstan: CommandLine) -> None:
    scan(scans)
    sweep(capstan)

    assert capstan("sessions", "expect-none", "trial", FIRST, *WHY).code == 3
    assert capstan("sessions", "no-data", "trial", FIRST, *BY, "--undo").code == 3
    assert capstan("sessions", "no-data", "trial", FIRST, *BY).code == 2
