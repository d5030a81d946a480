"""The demo study's own file on a fresh project of a sandbox, in this process's environment."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import requests
from live_study import LiveStudy

from studies.demo.generate import project_xml

TODAY = date(2026, 6, 1)
ROOT = Path(__file__).resolve().parents[2]


def make_demo_trial(
    home: Path, addresses: dict[str, Any], monkeypatch: pytest.MonkeyPatch, *, participants: int = 60
) -> LiveStudy:
    """A project whose records were saved long ago."""
    url = addresses["redcap_url"]
    create = {
        "token": addresses["super_token"],
        "content": "project",
        "format": "json",
        "data": json.dumps([{"project_title": "Tooth Fairy Trial", "purpose": 0}]),
        "odm": project_xml(TODAY, participants=participants),
    }
    with server_clock(addresses, "2019-12-31 12:00:00"):
        token = requests.post(url, data=create, timeout=60).text[-32:]
    info = requests.post(
        url, data={"token": token, "content": "project", "format": "json"}, timeout=60
    ).json()
    study = LiveStudy("demo", ROOT / "studies" / "demo", url, token, int(info["project_id"]), home)
    contact = {"TWILIO_URL": addresses["twilio_url"], "SMTP_PORT": "25"}
    for name, value in {**study.environment, **contact, "REDCAP_API_DEMO": token}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    return study


@contextmanager
def server_clock(addresses: dict[str, Any], now: str) -> Iterator[None]:
    """REDCap's own clock stands still: what is saved meanwhile carries this time in its log."""
    url = f"{addresses['control_url']}clock"
    assert requests.post(url, json={"now": now}, timeout=30).ok
    yield
    requests.post(url, json={"now": None}, timeout=30)
