"""Marked values in every field, every flow run well and badly, and then the search for marks and tokens."""

from __future__ import annotations

import base64
import gzip
import json
import pickle
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from leaks import Leak, search_file, search_folder, search_text
from live_study import LiveStudy
from message_study import twilio_environment
from planted_study import CONTROL, MARK, STAFF_MAIL, STAFF_PHONE, pattern, plant, write_files
from prefect_servers import own_prefect, read_tables

from tasks.redaction import REDACTED, redact

HERE = Path(__file__).resolve().parent
CONTROL_PATTERN = re.compile(CONTROL.encode(), re.IGNORECASE)
# Everything is written that Prefect can be asked to write.
LOUD = {
    "PREFECT_LOGGING_LEVEL": "DEBUG",
    "PREFECT_LOGGING_TO_API_LEVEL": "DEBUG",
    "PREFECT_LOGGING_EXTRA_LOGGERS": "capstan,urllib3",
    "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "true",
}


@dataclass(frozen=True)
class Evidence:
    """What is left when all is over: how runs ended, what was printed, and the folders to search."""

    ended: dict[str, dict[str, Any]]
    prefect: Path
    printed: Path
    study: LiveStudy
    export: bytes
    marks: re.Pattern[bytes]


@pytest.fixture(scope="module")
def evidence(addresses: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    folder = tmp_path_factory.mktemp("planted")
    study = plant(folder, addresses)
    write_files(folder / "files")
    printed = folder / "printed"
    printed.mkdir()
    command = [sys.executable, str(HERE / "planted_flows.py"), study.name]
    command += [str(folder / "files"), addresses["control_url"]]
    with own_prefect(folder / "server") as server:
        environment = {**server.environment, **LOUD, **study.environment, **twilio_environment(addresses)}
        done = subprocess.run(command, env=environment, capture_output=True, timeout=600, cwd=folder)
    (printed / "stdout").write_bytes(done.stdout)
    (printed / "stderr").write_bytes(done.stderr)
    assert done.returncode == 0, done.stderr[-3000:].decode()
    ended = json.loads(done.stdout.splitlines()[-1])
    marks = pattern(study.token, addresses["super_token"], addresses["twilio_auth_token"])
    return Evidence(ended, folder / "server", printed, study, study.export(), marks)


@pytest.fixture(scope="module")
def left(evidence: Evidence) -> set[Leak]:
    """What a flow without any care left in Prefect."""
    return search_folder(evidence.prefect, pattern=CONTROL_PATTERN)


def test_every_flow_ended_as_it_was_meant_to(evidence: Evidence) -> None:
    outcomes = {name: ended["outcome"] for name, ended in evidence.ended.items()}

    assert outcomes == {
        "value error": "CapstanError",
        "our error": "RedcapError",
        "panic": "CapstanError",
        "visits status": "RedcapUnavailable",
        "visits close_before": "RedcapUnavailable",
        "visits": "done",
        "key error": "CapstanError",
        "contract": "CapstanError",
        "eligibility": "done",
        "one participant": "idle",
        "record id": "UsageError",
        "poll": "idle",
        "quality value error": "CapstanError",
        "quality": "done",
        "held": "held",
        "headless": "InputFileError",
        "ragged": "InputFileError",
        "latin": "InputFileError",
        "mixed": "done",
        "revert one field": "done",
        "revert html": "RedcapUnavailable",
        "revert": "done",
        "rejudged": "idle",
        "completed": "idle",
        "unapproved": "Refused",
        "approved": "done",
        "revert approved": "done",
        "refused rows": "partly",
        "revert refused rows": "partly",
        "closed": "done",
        "revert closed": "partly",
        "later": "done",
        "moved on": "partly",
        "messages dry": "dry run",
        "messages value error": "CapstanError",
        "messages": "done",
        "no answer": "idle",
        "deliveries": "done",
        "letters": "done",
        "surveys": "UsageError",
        "monitors": "done",
        "replies dry": "dry run",
        "replies value error": "CapstanError",
        "replies": "done",
        "rosters partners": "done",
        "rosters partners value error": "CapstanError",
        "rosters ragged": "Refused",
        "rosters ragged value error": "Refused",
        "rosters headless": "Refused",
        "rosters headless value error": "Refused",
        "reconciled dry": "dry run",
        "reconciled value error": "CapstanError",
        "made value error": "CapstanError",
        "reconciled": "done",
        "ingested": "done",
        "swept value error": "CapstanError",
        "swept": "idle",
        "renamed": "done",
        "deleted": "done",
        "inbox dry": "dry run",
        "inbox status": "RedcapUnavailable",
        "inbox value error": "partly",
        "inbox": "done",
    }
    assert evidence.ended["refused rows"]["rows_stopped"]["row_refused"] > 0


def test_messages_were_sent_to_many_and_heard_of(evidence: Evidence) -> None:
    ended = evidence.ended

    assert ended["messages"]["attempts"]["accepted"] > 10
    assert ended["deliveries"]["deliveries"]["with news"] > 10
    assert ended["letters"]["attempts"] == {"accepted": 2}


@pytest.mark.parametrize(
    ("run", "error"),
    [
        ("value error", "ValueError"),
        ("key error", "RuntimeError"),
        ("panic", "Panic"),
        ("contract", "SchemaError"),
    ],
)
def test_a_foreign_error_is_told_by_type_and_place(run: str, error: str, evidence: Evidence) -> None:
    text = evidence.ended[run]["text"]

    assert re.match(rf"Unexpected {error} at (tests/flows/planted_flows|tasks/redcap)\.py:\d+\.", text)


@pytest.mark.parametrize("shape", [MARK, r"XPLANTEDX-7\b", r"193[01]-\d\d-\d\d", r"555-01\d\d", "child must"])
def test_redcap_itself_holds_marks_of_every_shape(shape: str, evidence: Evidence) -> None:
    found = re.search(shape.encode(), evidence.export)

    assert found
    assert evidence.marks.search(evidence.export)


def test_nothing_that_prefect_keeps_holds_a_mark(evidence: Evidence) -> None:
    assert search_folder(evidence.prefect, pattern=evidence.marks) == set()


def test_nothing_that_was_printed_holds_a_mark(evidence: Evidence) -> None:
    assert search_folder(evidence.printed, pattern=evidence.marks) == set()


def test_nothing_that_staff_were_told_holds_a_mark(evidence: Evidence, addresses: dict[str, Any]) -> None:
    control = addresses["control_url"]
    mails = requests.get(f"{control}mails", timeout=30).json()["mails"]
    texts = requests.get(f"{control}state", timeout=30).json()["messages"]
    told = [one for one in (*mails, *texts) if one["to"] in (STAFF_MAIL, STAFF_PHONE)]

    subjects = {str(one.get("subject")) for one in told}
    assert {"[planted] something failed", "[planted] URGENT: a participant may be in danger"} <= subjects
    assert search_text(json.dumps(told).encode(), pattern=evidence.marks, place="notices") == set()


def test_nothing_in_the_home_holds_a_mark_in_the_clear(evidence: Evidence) -> None:
    assert (evidence.study.home / "store.sqlite").stat().st_size > 100_000
    assert len(list((evidence.study.home / "reports").rglob("runs/*.html"))) > 3
    page = (evidence.study.home / "reports" / evidence.study.name / "index.html").read_text(encoding="utf-8")
    assert all(title in page for title in ("Enrolment", "Flow of participants", "Complete forms"))
    assert search_folder(evidence.study.home, pattern=evidence.marks) == set()


@pytest.mark.parametrize(
    "place",
    [
        "prefect/prefect.db:log.message",
        "prefect/prefect.db:flow_run.name",
        "prefect/prefect.db:flow_run.parameters",
        "prefect/prefect.db:flow_run_state.message",
        "prefect/prefect.db:artifact.data",
        "prefect/prefect.db:events.payload",
        "prefect/storage/",
    ],
)
def test_the_searcher_finds_what_a_careless_flow_left(place: str, left: set[Leak]) -> None:
    found = [leak for leak in left if leak.place.startswith(place)]

    assert found


@pytest.mark.parametrize(
    "hide",
    [
        bytes,
        base64.b64encode,
        lambda text: b"path/to-" + base64.urlsafe_b64encode(b"x" + text),
        gzip.compress,
        lambda text: base64.b64encode(gzip.compress(text)),
        lambda text: json.dumps(base64.b64encode(pickle.dumps(text.decode())).decode()).encode(),
        lambda text: "".join(f"\\u{ord(letter):04x}" for letter in text.decode()).encode(),
        lambda text: b"/runs?name=" + b"".join(b"%%%02X" % byte for byte in text),
    ],
)
def test_the_searcher_finds_a_hidden_text(hide: Any) -> None:
    text = f"told {CONTROL} at the desk".encode()

    leaks = search_text(hide(text), pattern=CONTROL_PATTERN, place="here")

    assert leaks == {Leak("here", CONTROL)}


def test_the_searcher_reads_file_names(tmp_path: Path) -> None:
    file = tmp_path / f"{CONTROL}.txt"
    file.touch()

    leaks = search_file(file, pattern=CONTROL_PATTERN, root=tmp_path)

    assert leaks == {Leak(f"name of {CONTROL}.txt", CONTROL)}


def test_prefect_kept_logs_states_and_events_of_failed_runs(evidence: Evidence) -> None:
    texts = [str(value) for _, _, value in read_tables(evidence.prefect / "prefect" / "prefect.db")]

    assert any("Unexpected ValueError at" in text for text in texts)
    assert any("prefect.task-run.Failed" in text for text in texts)
    assert any("[redacted]" in text for text in texts)


@pytest.mark.parametrize(
    "secret",
    [
        "(628) 555-0123",
        "628-555-0123",
        "6285550123",
        "+1 628 555 0123",
        "+442079460123",
        "a.family+1@mail.example.org",
        "0123456789ABCDEF0123456789ABCDEF",
        "0123456789abcdef0123456789abcdef",
    ],
)
def test_log_lines_lose_numbers_addresses_and_tokens(secret: str) -> None:
    assert redact(f"calling {secret}, now") == f"calling {REDACTED}, now"


@pytest.mark.parametrize(
    "text",
    [
        "run 20261122-112441-9689bf",
        "2026-11-22 11:24:41.123",
        "task 01a20300-514d-7dc2-b3f0-eb72f1455dce",
        "plan " + "0123456789abcdef" * 4,
        "http://127.0.0.1:47429/api/flow_runs/5550123456",
        "wrote: {'cells_written': 1234567}",
    ],
)
def test_log_lines_keep_runs_times_ids_and_counts(text: str) -> None:
    assert redact(text) == text
