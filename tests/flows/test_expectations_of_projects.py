"""A whole look at a project with what is expected of it, which Great Expectations judges."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests
from contact_study import STAFF_MAIL
from live_study import LiveStudy
from quality_study import queries
from trial_study import edit, make_trial

from flows.data_quality import data_quality

_BODY = """
messaging:
  live: true
  email: {{host: {host}, port: {port}, security: none, sender: Trial <trial@example.org>}}
notify: {{staff: {{email: [{mail}]}}}}
quality:
  queries: {{checks: [referential]}}
  expect: {{needs: [{{form: exam, needs: randomization}}]}}
"""


def test_an_expectation_that_is_not_met_any_more_becomes_a_query_and_is_told_once(
    addresses: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, _, port = addresses["smtp"].rpartition(":")
    body = _BODY.format(host=host, port=port, mail=STAFF_MAIL)
    study = make_trial(tmp_path, addresses, monkeypatch, body=body)
    clean = data_quality.fn("trial")
    forget_randomization(study, addresses)
    first, second = data_quality.fn("trial"), data_quality.fn("trial")

    mails = requests.get(f"{addresses['control_url']}mails", timeout=30).json()["mails"]
    failing = "needed/exam/randomization"
    assert (clean["failing"], first["failing"], second["failing"]) == ({}, {failing: 1}, {failing: 1})
    assert (first["queries"]["opened"], second["queries"]["opened"]) == (1, 0)
    assert [(query.record, query.check, query.state.value) for query in queries(study)] == [
        ("", failing, "open")
    ]
    assert [failing in mail["text"] for mail in mails] == [True]


def forget_randomization(study: LiveStudy, addresses: dict[str, Any]) -> None:
    """Somebody blanks the form on which everybody was randomized."""
    told = study.call(content="metadata", format="json", forms="randomization").json()
    names = {field["field_name"] for field in told} | {"randomization_complete"}
    asked = {"forms": "randomization", "fields": "record_id", "events": "baseline_arm_1"}
    for row in study.call(content="record", format="json", **asked).json():
        for name in names & {name for name, value in row.items() if value} - {"record_id"}:
            edit(addresses, study, row["record_id"], name, "")
