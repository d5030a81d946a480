"""What projects hold already is judged by the rules of imports, and told in counts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import cloudpickle
import pytest
from live_study import make_study
from trial_study import BODY, TODAY, edit, enter

from capstan.errors import UsageError
from flows.audit_projects import audit_projects, send_flows_by_name
from studies.demo.generate import project_xml
from tasks.auditing import audit_study

BAD = "xplantedx"


def make_two(folder: Path, addresses: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Two projects: of one somebody typed nonsense into two ages, and of the other the token is lost."""
    xml = project_xml(TODAY, participants=20)
    for name in ("trial", "other"):
        made = make_study(folder, name=name, addresses=addresses, xml=xml, title=name.title(), body=BODY)
        enter(made, monkeypatch)
        if name == "trial":
            for record in ("1", "2"):
                edit(addresses, made, record, "part_age", BAD)
    monkeypatch.setenv("TOKEN_OTHER", "F" * 32)


def test_what_is_wrong_in_a_project_is_counted_by_check(
    addresses: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_two(tmp_path, addresses, monkeypatch)

    found = audit_projects.fn(studies=["trial"])

    assert (found["outcome"], found["records"], found["checks"]["type_mismatch"]) == ("done", 20, 2)
    assert found["projects"][0]["outcome"] == "found"
    assert BAD not in str(found)


def test_a_project_that_cannot_be_read_stops_no_other(
    addresses: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_two(tmp_path, addresses, monkeypatch)

    found = audit_projects.fn(studies=["other", "trial"])

    assert (found["outcome"], found["studies"], found["records"]) == ("partly", 2, 20)
    assert found["reason"].startswith("Could not be read: other. ")
    assert "F" * 32 not in str(found)


def test_a_cluster_without_a_prefect_server_is_refused_in_one_sentence(
    addresses: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_two(tmp_path, addresses, monkeypatch)

    with pytest.raises(UsageError, match="PREFECT_API_URL"):
        audit_projects.fn(studies=["trial"], scheduler="tcp://dask:8786")


def test_what_dask_is_sent_comes_back_as_the_same_flow_and_function() -> None:
    send_flows_by_name()

    assert cloudpickle.loads(cloudpickle.dumps((audit_projects, audit_study))) == (
        audit_projects,
        audit_study,
    )


def test_a_scheduler_in_a_process_of_its_own_sends_on_what_it_was_sent() -> None:
    send_flows_by_name()
    relay = (
        "import sys, cloudpickle as c; "
        "sys.stdout.buffer.write(c.dumps(c.loads(sys.stdin.buffer.read()), protocol=4))"
    )

    sent_on = subprocess.run(
        [sys.executable, "-c", relay],
        input=cloudpickle.dumps(audit_projects),
        cwd=Path(__file__).resolve().parents[2],
        stdout=subprocess.PIPE,
        check=True,
        timeout=120,
    )

    assert cloudpickle.loads(sent_on.stdout) is audit_projects
