"""The demo's last steps: a form saved by hand, a real receiver, a session, and monitors that end and fire."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from capstan.store import load_keys
from cli.calling import call_here
from studies.demo import scans
from studies.demo.scans import follow_scans
from studies.demo.servers import receiver, sandbox_with_trial

CHANGED = (
    "REDCAP_URL",
    "REDCAP_API_DEMO",
    "REDCAP_PROJECT_ID",
    "TWILIO_URL",
    "TWILIO_ACCOUNT_SID",
    "TWILIO_AUTH_TOKEN",
    "SMTP_PORT",
    "CAPSTAN_PUBLIC_URL",
)


def step(_: str, flow: str, **parameters: Any) -> dict[str, Any]:
    return call_here(flow, {"study": "demo", **parameters})


def test_two_forms_become_sessions_of_which_one_lacks_its_scan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in CHANGED:
        monkeypatch.setenv(name, "")  # the demo sets them itself, and the test puts them back
    shutil.copytree(Path(scans.__file__).parent, tmp_path / "studies" / "demo")
    monkeypatch.setenv("CAPSTAN_STUDIES", str(tmp_path / "studies"))
    monkeypatch.setenv("CAPSTAN_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))  # nobody else's server is asked to work
    monkeypatch.chdir(tmp_path)
    load_keys(None, home=tmp_path / "home")
    today = datetime.now(UTC).date()

    with sandbox_with_trial(today) as sandbox, receiver(tmp_path, control_url=sandbox.control_url) as url:
        counts = follow_scans(step, study="demo", today=today, sandbox=sandbox)
        (mail,) = requests.get(f"{sandbox.control_url}mails", timeout=30).json()["mails"]

    assert counts["triggers"] == {"received": 2, "loaded": 2}
    assert counts["sessions"] == 2
    assert counts["monitors"] == {"resolved": 1, "fired": 1, "told": 1}
    assert mail["to"] == "imaging@example.org"
    assert f"{url}/records/" in mail["text"]
    assert "TFT01" not in mail["text"]
