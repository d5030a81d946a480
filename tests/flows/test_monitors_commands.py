"""`capstan monitors`: a person sees what is waited for, and says that it will not come."""

from __future__ import annotations

import getpass
import json
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine
from monitor_study import IMAGING, PROBE, SESSION, Watched, make_watched


@pytest.fixture
def watched(tmp_path: Path, addresses: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Watched:
    made = make_watched(tmp_path, addresses, monkeypatch)
    made.add_session()
    made.expect_data()
    return made


def test_open_waits_are_listed_with_the_session_and_without_the_record(
    watched: Watched, capstan: CommandLine
) -> None:
    watched.run(hours=48)

    (wait,) = json.loads(capstan("monitors", "list", "trial", "--json").out)["waits"]

    assert (wait["monitor"], wait["session"], wait["site"]) == ("scan_data", SESSION, "CMH")
    assert (wait["state"], wait["tellings"]) == ("reminded", 1)
    assert "scan_data" in capstan("monitors", "list", "trial").out
    assert "record" not in wait


def test_the_record_is_shown_only_where_values_are_asked_for(watched: Watched, capstan: CommandLine) -> None:
    plain = json.loads(capstan("monitors", "show", "trial", "1", "--json").out)
    whole = json.loads(capstan("monitors", "show", "trial", "1", "--values", "--json").out)

    assert "record" not in plain
    assert (whole["record"], whole["instrument"]) == (watched.contact.record, "exam")
    assert f"session: {SESSION}" in capstan("monitors", "show", "trial", "1").out


def test_a_dismissal_needs_a_reason_and_takes_the_login_as_who_said_it(
    watched: Watched, capstan: CommandLine
) -> None:
    without = capstan("monitors", "dismiss", "trial", "1")
    blank = capstan("monitors", "dismiss", "trial", "1", "--reason", " ")
    done = capstan("monitors", "dismiss", "trial", "1", "--reason", "The scanner broke")
    again = capstan("monitors", "dismiss", "trial", "1", "--reason", "Twice")

    assert [each.code for each in (without, blank, done, again)] == [2, 2, 0, 3]
    assert "A decision needs a name and a reason" in blank.sentence
    assert "has ended already: it is dismissed" in again.sentence
    assert capstan("monitors", "list", "trial").out.strip() == "Nothing is waited for."
    (wait,) = json.loads(capstan("monitors", "list", "trial", "--all", "--json").out)["waits"]
    assert (wait["reason"], wait["by"]) == ("The scanner broke", getpass.getuser())


def test_a_name_that_the_store_cannot_keep_is_wrong_usage(watched: Watched, capstan: CommandLine) -> None:
    said = capstan("monitors", "dismiss", watched.name, "1", "--reason", "none", "--by", "x" * 201)

    assert said.code == 2
    assert "at most 200 letters" in said.err


def test_a_wait_that_is_not_there_and_a_study_that_is_not_there_are_said_in_one_sentence(
    watched: Watched, capstan: CommandLine
) -> None:
    assert "The study has no wait 99" in capstan("monitors", "show", "trial", "99").sentence
    assert "There is no study named 'nothing'" in capstan("monitors", "list", "nothing").sentence


def test_the_doctor_asks_each_probe_and_says_whom_a_monitor_does_not_reach(
    watched: Watched, capstan: CommandLine
) -> None:
    probes = [
        PROBE,
        {"id": "unmounted", "root": "nowhere", "folder": "{session}"},
        {"id": "program", "command": ["sh", "{session}"]},
        {"id": "absent", "command": ["/nowhere/has_scans", "{session}"]},
    ]
    watched.change(probes=probes, notify={"roles": [{"name": "imaging", "email": [IMAGING]}, {"name": "pi"}]})

    findings = json.loads(capstan("doctor", "trial", "--json").out)["findings"]

    told = {
        one["what"]: (one["verdict"], one["said"])
        for one in findings
        if one["what"].startswith(("probe", "monitor"))
    }
    assert told == {
        "probe archive": ("ok", "answers"),
        "probe unmounted": ("warn", "one cannot look with it: the root folder cannot be read"),
        "probe program": ("ok", "the program is there"),
        "probe absent": ("warn", "the program cannot be found; write its whole path"),
        "monitor scan_data": (
            "warn",
            "escalate.to reaches nobody at a site without people of its own; fill notify.staff",
        ),
    }


def test_the_flow_runs_from_the_command_line_and_says_where_nobody_could_be_told(
    watched: Watched, capstan: CommandLine
) -> None:
    watched.change(notify={"roles": [{"name": "imaging"}, {"name": "pi"}]})
    watched.clock.now = watched.clock.now.replace(month=7)

    said = capstan("run", "run_monitors", "--study", "trial", "--json")

    assert said.code == 4
    assert json.loads(said.out)["nobody_to_tell"] == 1
    assert "nobody has an address" in said.sentence
