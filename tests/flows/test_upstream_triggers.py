"""What the scanning lab's dashboard did when REDCap posted a trigger, and what it should have done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from coverage_study import BASELINE, MONTH_6, Coverage, make_coverage
from cryptography.fernet import Fernet

from capstan.settings import load_settings
from capstan.store import (
    KeptRecord,
    Store,
    find_session,
    keep_item,
    list_items,
    list_records,
    list_sessions,
    list_waits,
    load_keys,
)
from cli.calling import call_here

ID = "DTI01_CMH_H001_01_01"
BODY = """
triggers:
  - {instrument: scan, session_id: scan_id, date: scan_date, comment: scan_comment, expects: scan_data}
sessions: {sites: [{site: CMH, code: DTI01}]}
monitors:
  - {id: scan_data, then: {data: archive}, after: 48 hours, notify: [staff]}
probes:
  - {id: archive, root: %s, folder: "{session}"}
notify: {staff: {email: [ann@example.org]}}
messaging: {email: {host: localhost, sender: study@example.org}}
"""


@pytest.fixture(scope="module")
def made(addresses: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Coverage:
    folder = tmp_path_factory.mktemp("scans")
    return make_coverage(folder, addresses, body=BODY % folder)


@pytest.fixture
def scans(made: Coverage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Coverage:
    """The project without any record, and an empty store."""
    for name, value in made.study.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CAPSTAN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CAPSTAN_KEY", Fernet.generate_key().decode())
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    known = {one["record_id"] for one in made.call(content="record", fields="record_id")}
    for number, record in enumerate(sorted(known)):
        made.call(content="record", action="delete", **{f"records[{number}]": record})
    return made


@pytest.fixture
def store(scans: Coverage) -> Iterator[Store]:
    settings = load_settings()
    with Store.open(settings.store_url, load_keys(settings.key, home=settings.home)) as opened:
        yield opened
