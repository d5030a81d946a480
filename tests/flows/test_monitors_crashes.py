"""kill -9 at every step of a run of monitors: nobody is told twice, nobody is left out, no command runs twice."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from monitor_study import IMAGING, SCAN_DATA, Watched, make_watched
from processes import run_flow, start_flow

from capstan.store import find_command

COUNT = 3
# Told at the first look, because a process of its own has the real clock.
AT_ONCE = SCAN_DATA | {"after": "0 minutes", "remind": "20 days", "give_up": "30 days", "escalate": None}


@pytest.fixture
def watched(tmp_path: Path, addresses: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Watched:
    made = make_watched(tmp_path, addresses, monkeypatch)
    made.clock.now = datetime.now(UTC)
    return made


def expect(watched: Watched) -> None:
    for number in range(1, COUNT + 1):
        label = f"DTI01_CMH_H{number:03}_01_01"
        watched.add_session(label)
        watched.expect_data(label)


def environment(watched: Watched) -> dict[str, str]:
    addresses = watched.contact.addresses
    return {
        **watched.contact.study.environment,
        "TRIAL_TWILIO_ACCOUNT": addresses["twilio_account_sid"],
        "TRIAL_TWILIO_TOKEN": addresses["twilio_auth_token"],
    }


def told(watched: Watched) -> int:
    """How many waits imaging was told of, over all of its mails."""
    return sum(int(mail.split(" × ")[0]) if " × " in mail else 1 for mail in watched.mails(IMAGING))


@pytest.mark.parametrize("point", ["claimed", "told", "told:2", f"told:{COUNT}"])
def test_a_run_that_is_killed_is_finished_by_the_next_and_each_wait_is_told_once(
    point: str, watched: Watched
) -> None:
    watched.change(monitors=[AT_ONCE])
    expect(watched)
    given = {"study": watched.name}

    killed = run_flow("run_monitors", given, environment=environment(watched), crash_at=point)
    before = told(watched)
    again = run_flow("run_monitors", given, environment=environment(watched))
    run_flow("run_monitors", given, environment=environment(watched))

    assert killed.exit_code == -9
    assert before == 0
    assert again.summary["outcome"] in ("done", "idle")
    assert told(watched) == COUNT
    assert watched.states() == ["reminded"] * COUNT


@pytest.mark.parametrize(("point", "left"), [("started", COUNT - 1), ("started:2", COUNT - 1)])
def test_a_command_that_was_cut_off_is_for_a_person_and_the_others_run_once(
    point: str, left: int, watched: Watched
) -> None:
    calls = watched.folder / "calls"
    program = watched.folder / "after.py"
    program.write_text(
        f"import sys\nopen({str(calls)!r}, 'a').write(sys.argv[1] + '\\n')\n", encoding="utf-8"
    )
    command = {"command": [sys.executable, str(program), "{session}"]}
    watched.change(monitors=[AT_ONCE | {"afterwards": command}])
    expect(watched)
    for wait in watched.waits():
        watched.put_scan(wait.session)
    given = {"study": watched.name}

    killed = run_flow("run_monitors", given, environment=environment(watched), crash_at=point)
    again = run_flow("run_monitors", given, environment=environment(watched))
    run_flow("run_monitors", given, environment=environment(watched))

    assert killed.exit_code == -9
    assert (again.summary["outcome"], again.summary["commands"]["cut off"]) == ("partly", 1)
    ran = calls.read_text(encoding="utf-8").split()
    assert len(ran) == len(set(ran)) == left
    with watched.contact.store() as store:
        states = sorted(str((find_command(store, wait.id) or ("",))[0]) for wait in watched.waits())
    assert states == ["cut off", "done", "done"]
    (mail,) = watched.mails(IMAGING)
    assert "was cut off in the middle" in mail


def test_runs_at_the_same_time_share_the_waits_and_tell_each_once(watched: Watched) -> None:
    watched.change(monitors=[AT_ONCE])
    expect(watched)
    given = {"study": watched.name}

    started = [start_flow("run_monitors", given, environment=environment(watched)) for _ in range(3)]
    ended = [each.end() for each in started]
    last = run_flow("run_monitors", given, environment=environment(watched))

    assert sum(each.summary["waits"].get("reminded", 0) for each in ended) == COUNT
    assert last.summary["waits"] == {"looked at": COUNT}
    assert [wait.tellings for wait in watched.waits()] == [1] * COUNT
