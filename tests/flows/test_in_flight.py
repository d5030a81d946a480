"""A killed import that REDCap is still working on: its end is waited for, not guessed."""

from __future__ import annotations

import os
import signal
import time
from datetime import date
from pathlib import Path
from typing import Any

import requests
from live_study import LiveStudy, make_study
from processes import run_flow, start_flow

from capstan.store import RunState, Store, list_runs, load_keys
from studies.demo.generate import project_xml
from tasks.journal import IN_FLIGHT

BODY = "arms: {shared: [1]}\nwrites: {allow: [participant_info], limits: {share: 1}}\n"
PATIENCE_SECONDS = 60
# Time for a busy computer to look before the import lands, and less than a run waits for what may.
HELD_SECONDS = IN_FLIGHT.total_seconds() / 2


def test_an_import_that_lands_after_its_process_died_is_found_and_can_be_undone(
    addresses: dict[str, Any], tmp_path: Path
) -> None:
    xml = project_xml(date(2026, 6, 1), participants=20)
    study = make_study(tmp_path, name="trial", addresses=addresses, xml=xml, title="Trial", body=BODY)
    before = study.export()
    file = tmp_path / "rows.csv"
    file.write_text("record_id,redcap_event_name,part_first_name\n1,baseline_arm_1,Late\n", encoding="utf-8")
    given = {"study": "trial", "file": str(file)}
    slow = {"kind": "latency", "seconds": HELD_SECONDS, "content": "record", "action": "import"}
    requests.post(f"{addresses['control_url']}faults", json=slow, timeout=30)

    started = start_flow("import_records", given, environment=study.environment)
    wait_until_held(addresses)
    assert started.process.pid
    os.kill(started.process.pid, signal.SIGKILL)
    killed = started.end()
    at_once = study.export()
    again = run_flow("import_records", given, environment=study.environment, in_flight=IN_FLIGHT)
    undone = run_flow(
        "revert_run", {"study": "trial", "run": interrupted_run(study)}, environment=study.environment
    )

    assert killed.exit_code == -9
    assert at_once == before
    assert again.summary["outcome"] == "idle"
    assert (undone.summary["outcome"], undone.summary["cells_reverted"]) == ("done", 1)
    assert study.export() == before


def wait_until_held(addresses: dict[str, Any]) -> None:
    """Until the sandbox has the import, which it then holds for some seconds."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        if requests.get(f"{addresses['control_url']}faults", timeout=30).json()["waiting"] == 0:
            return
    raise AssertionError("no import came")


def interrupted_run(study: LiveStudy) -> str:
    with Store.open(f"sqlite:///{study.home / 'store.sqlite'}", load_keys(None, home=study.home)) as store:
        return next(run.id for run in list_runs(store) if run.state is RunState.INTERRUPTED)
