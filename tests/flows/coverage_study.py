"""A live study whose scan forms tell of sessions, a receiver for its triggers, and people who save forms."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from live_study import ROOT, LiveStudy, make_folder

from capstan.store import Store, load_keys
from tasks.receiving import trigger_secrets

_FIELDS = [
    ("record_id", "start", "text", ""),
    ("first_name", "start", "text", ""),
    ("scan_id", "scan", "text", ""),
    ("scan_date", "scan", "text", "date_ymd"),
    ("scan_comment", "scan", "notes", ""),
    ("remark", "note", "text", ""),
]
_EVENTS = [("Baseline", 1), ("Month 6", 1)]
BASELINE, MONTH_6 = "baseline_arm_1", "month_6_arm_1"
_MAPPING = [(1, BASELINE, "start"), (1, BASELINE, "scan"), (1, MONTH_6, "scan"), (1, MONTH_6, "note")]
BODY = """
triggers:
  - {instrument: scan, session_id: scan_id, date: scan_date, comment: scan_comment}
sessions: {sites: [{site: CMH, code: DTI01}]}
"""


@dataclass
class Coverage:
    """The study with its sandbox; `url` is the receiver's address for its triggers."""

    study: LiveStudy
    addresses: dict[str, Any]
    url: str = field(default="", repr=False)

    def control(self, path: str, body: Any = None, *, method: str = "POST") -> Any:
        """Ask the sandbox's controls."""
        response = requests.request(method, self.addresses["control_url"] + path, json=body, timeout=30)
        assert response.ok, response.text
        return response.json()

    def save(
        self, record: str, *, event: str = BASELINE, instance: int = 1, form: str = "scan", **values: str
    ) -> None:
        """Somebody saves a form on REDCap's page, and the trigger goes out."""
        body = {"record": record, "event": event, "form": form, "instance": instance, "values": values}
        self.control(f"projects/{self.study.project_id}/forms", body)

    def load(self, record: str, *, event: str = BASELINE, instance: int = 1, **values: str) -> None:
        """A program imports values, of which REDCap sends no trigger."""
        row = {"record_id": record, "redcap_event_name": event, **values}
        if event == MONTH_6:
            row |= {"redcap_repeat_instrument": "scan", "redcap_repeat_instance": str(instance)}
        self.call(content="record", data=json.dumps([row]))

    def call(self, **parameters: Any) -> Any:
        """Ask the API."""
        response = self.study.call(format="json", **parameters)
        assert response.ok, response.text
        return response.json()

    def send_triggers_to(self, url: str) -> None:
        """Set the project's trigger."""
        self.control(f"projects/{self.study.project_id}/trigger", {"url": url}, method="PUT")

    def settle(self) -> None:
        """Wait until every trigger that is on its way has been posted."""
        self.control("triggers/faults", method="DELETE")
        until = time.monotonic() + 30
        while self.control("triggers", method="GET")["waiting"]:
            assert time.monotonic() < until
            time.sleep(0.02)

    @contextmanager
    def store(self) -> Iterator[Store]:
        """The study's store."""
        home = self.study.home
        with Store.open(f"sqlite:///{home / 'store.sqlite'}", load_keys(None, home=home)) as opened:
            yield opened


def make_coverage(folder: Path, addresses: dict[str, Any], *, body: str = BODY) -> Coverage:
    """A project with scans on a baseline and, repeating, after six months; nobody is in it yet."""
    url = addresses["redcap_url"]
    attributes = [{"project_title": "Scans", "purpose": "0", "is_longitudinal": "1"}]
    create = {"token": addresses["super_token"], "content": "project", "format": "json"}
    token = requests.post(url, data=create | {"data": json.dumps(attributes)}, timeout=30).text
    study = make_folder(folder, name="trial", addresses=addresses, token=token, title="Scans", body=body)
    for content, rows, more in _design():
        answer = study.call(content=content, format="json", data=json.dumps(rows), **more)
        assert answer.ok, answer.text
    return Coverage(study, addresses)


def _design() -> Iterator[tuple[str, list[dict[str, Any]], dict[str, str]]]:
    names = ("field_name", "form_name", "field_type", "text_validation_type_or_show_slider_number")
    yield "metadata", [dict(zip(names, row, strict=True), field_label=row[0]) for row in _FIELDS], {}
    events = [{"event_name": label, "arm_num": arm} for label, arm in _EVENTS]
    yield "event", events, {"action": "import", "override": "1"}
    places = ("arm_num", "unique_event_name", "form")
    yield "formEventMapping", [dict(zip(places, row, strict=True)) for row in _MAPPING], {}
    yield "repeatingFormsEvents", [{"event_name": MONTH_6, "form_name": "scan", "custom_form_label": ""}], {}


@dataclass
class Receiving:
    """A receiver in a process of its own, which can be stopped and started on the same port."""

    study: LiveStudy
    port: int = 0
    process: subprocess.Popen[str] | None = None

    def start(self) -> str:
        """Start it; returns the address for the study's triggers."""
        program = "from cli.main import main; main()"
        options = ["receiver", "serve", "--workers", "1", "--port", str(self.port)]
        environment = os.environ | self.study.environment
        self.process = subprocess.Popen(
            [sys.executable, "-c", program, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            text=True,
            env=environment,
        )
        assert self.process.stdout is not None
        self.port = urlsplit(json.loads(self.process.stdout.readline())["url"]).port or 0
        secret = trigger_secrets(load_keys(None, home=self.study.home), self.study.name)[0]
        return f"http://127.0.0.1:{self.port}/redcap/{secret}"

    def stop(self) -> None:
        """Stop it."""
        if self.process:
            self.process.terminate()
            self.process.wait(30)
            if self.process.stdout:
                self.process.stdout.close()
            self.process = None


@contextmanager
def receiving(coverage: Coverage) -> Iterator[Receiving]:
    """A receiver to which the project's triggers go."""
    receiver = Receiving(coverage.study)
    coverage.url = receiver.start()
    coverage.send_triggers_to(coverage.url)
    try:
        yield receiver
    finally:
        receiver.stop()


@contextmanager
def inhabiting(coverage: Coverage) -> Iterator[None]:
    """Let this process work on a study."""
    before = dict(os.environ)
    os.environ.update(coverage.study.environment)
    os.environ.pop("PREFECT_API_URL", None)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
