"""The demo's scans: forms saved by hand, which REDCap tells the receiver of, and data that come or do not."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import requests

from capstan.monitors import WaitState
from cli.showing import console, plain_table
from sandbox.server import Running
from studies.demo.generate import SEED
from studies.demo.people import invent
from tasks.receiving import trigger_address

Step = Callable[..., dict[str, Any]]
# The study's probe looks for scans there.
SCANS = Path(".capstan") / "demo" / "scans"
_EXAM_DONE = "2"
_PATIENCE_SECONDS = 30


def follow_scans(step: Step, *, study: str, today: date, sandbox: Running) -> dict[str, Any]:
    """Save two forms of scans, of which one has data, and let everything follow; returns counts."""
    _set_trigger(sandbox, trigger_address(study))
    visits = _two_visits(today)
    sessions = [f"TFT01_CLI_{record.zfill(4)}_01_01" for record, _ in visits]
    (SCANS / sessions[0]).mkdir(parents=True)
    (SCANS / sessions[0] / "tooth.png").write_bytes(b"a picture of a tooth")
    for (record, event), session in zip(visits, sessions, strict=True):
        _save_form(sandbox, record, event=event, session=session, today=today)
    _wait_for_posts(sandbox, len(visits))
    ingested = step("11. Two scan forms were saved, and REDCap told the receiver", "ingest_triggers")
    looked = step("12. Did the scans arrive? Somebody is told of what is missing", "run_monitors")
    _show_letters(sandbox)
    return {
        "triggers": {"received": ingested["items_waiting"], **ingested["items"]},
        "sessions": _count_sessions(study),
        "monitors": _ends(looked, study=study),
    }


def _set_trigger(sandbox: Running, url: str) -> None:
    project = os.environ["REDCAP_PROJECT_ID"]
    path = f"{sandbox.control_url}projects/{project}/trigger"
    requests.post(path, json={"url": url}, timeout=60).raise_for_status()


def _two_visits(today: date) -> list[tuple[str, str]]:
    """Record and event of two exams that took place."""
    people = invent(today, participants=120, seed=SEED)
    done = [
        (person.record, place.event)
        for person in people
        for place, row in person.rows.items()
        if row.get("exam_complete") == _EXAM_DONE
    ]
    first = done[0]
    return [first, next(visit for visit in done if visit[0] != first[0])]


def _save_form(sandbox: Running, record: str, *, event: str, session: str, today: date) -> None:
    """Fill in the sandbox's form page, as a person does in a browser."""
    place = urlencode({"id": record, "event": event, "form": "tooth_scan", "instance": 1})
    page = f"{sandbox.control_url}project/{os.environ['REDCAP_PROJECT_ID']}/form?{place}"
    typed = {
        "value-scan_session": session,
        "value-scan_date": today.isoformat(),
        "value-tooth_scan_complete": "2",
    }
    requests.post(page, data=typed, timeout=60).raise_for_status()


def _wait_for_posts(sandbox: Running, expected: int) -> None:
    """Wait until the receiver has answered; REDCap posts in the background, once, and does not look."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < until:
        told = requests.get(f"{sandbox.control_url}triggers", timeout=60).json()["posts"]
        if sum(post["status"] == requests.codes.no_content for post in told) >= expected:
            return
        time.sleep(0.05)
    raise RuntimeError("The receiver did not answer the triggers.")


def _show_letters(sandbox: Running) -> None:
    """Print whom the monitor has written to; the text names no participant."""
    mails = requests.get(f"{sandbox.control_url}mails", timeout=60).json()["mails"]
    table = plain_table("told", "of what", whole=("told",))
    for mail in mails:
        if "missing" in mail["subject"]:
            table.add_row(mail["to"], mail["text"].strip())
    console.print(table)


def _count_sessions(study: str) -> int:
    from capstan.store import list_sessions
    from cli.stores import open_store_here

    with open_store_here() as store:
        return len(list_sessions(store, study))


def _ends(looked: dict[str, Any], *, study: str) -> dict[str, int]:
    """How many waits were resolved, and how many have fired."""
    from capstan.store import list_waits
    from cli.stores import open_store_here

    with open_store_here() as store:
        waits = list_waits(store, study)
    resolved = sum(wait.standing.state is WaitState.RESOLVED for wait in waits)
    fired = sum(wait.tellings > 0 for wait in waits)
    return {"resolved": resolved, "fired": fired, "told": sum(looked["notices"].values())}
