"""The deployments of `prefect.yaml`: deployed to a real server, scheduled, and one run by a worker."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from prefect_servers import PrefectServer, own_prefect

from studies.demo.generate import project_xml

ROOT = Path(__file__).resolve().parents[2]
TODAY = date(2026, 6, 1)
NAMES = {
    "demo-poll",
    "demo-visits",
    "demo-eligibility",
    "demo-import",
    "demo-apply",
    "demo-rejudge",
    "demo-revert",
    "demo-messages",
    "demo-surveys",
    "demo-deliveries",
    "demo-replies",
    "demo-triggers",
    "demo-monitors",
    "demo-reconcile",
    "demo-sessions",
}


@dataclass(frozen=True)
class Deployed:
    """A server with all deployments, and the demo's project in a sandbox."""

    server: PrefectServer
    environment: dict[str, str]

    def prefect(self, *arguments: str) -> str:
        """Run a command of Prefect's and return what it printed."""
        command = [sys.executable, "-m", "prefect", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def deployments(self) -> dict[str, dict[str, Any]]:
        """All deployments by name, as the server has them."""
        return {one["name"]: one for one in self.server.ask("deployments/filter")}

    def runs(self, name: str) -> list[dict[str, Any]]:
        """The flow runs of a deployment."""
        return list(self.server.ask("flow_runs/filter", deployments={"name": {"any_": [name]}}))


@pytest.fixture(scope="module")
def deployed(addresses: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    folder = tmp_path_factory.mktemp("deployed")
    with own_prefect(folder) as server:
        environment = {
            **server.environment,
            **demo_project(addresses),
            "CAPSTAN_HOME": str(folder / "home"),
        }
        whole = Deployed(server, environment)
        whole.prefect("work-pool", "create", "capstan", "--type", "process")
        whole.prefect("--no-prompt", "deploy", "--all")
        yield whole


def demo_project(addresses: dict[str, Any]) -> dict[str, str]:
    """Make the demo's project; returns what its study file asks of the environment."""
    url = addresses["redcap_url"]
    create = {
        "token": addresses["super_token"],
        "content": "project",
        "format": "json",
        "data": json.dumps([{"project_title": "Tooth Fairy Trial", "purpose": 0}]),
        "odm": project_xml(TODAY, participants=30),
    }
    token = requests.post(url, data=create, timeout=60).text[-32:]
    asked = {"token": token, "content": "project", "format": "json"}
    info = requests.post(url, data=asked, timeout=60).json()
    redcap = {"REDCAP_URL": url, "REDCAP_API_DEMO": token, "REDCAP_PROJECT_ID": str(info["project_id"])}
    return {**redcap, "TWILIO_URL": addresses["twilio_url"], "SMTP_PORT": "25"}


def test_all_flows_are_deployed_without_a_question(deployed: Deployed) -> None:
    found = deployed.deployments()

    assert set(found) == NAMES
    assert {one["entrypoint"].partition(".")[0] for one in found.values()} == {"flows"}
    limits = {name: one["global_concurrency_limit"]["limit"] for name, one in found.items()}
    assert {name for name, limit in limits.items() if limit != 1} == {"demo-triggers"}


def test_the_worker_is_sent_to_the_clone_and_the_file_names_no_machine(deployed: Deployed) -> None:
    steps = deployed.deployments()["demo-visits"]["pull_steps"]

    assert steps == [{"prefect.deployments.steps.set_working_directory": {"directory": str(ROOT)}}]
    assert str(ROOT) not in (ROOT / "prefect.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "crons"),
    [
        ("demo-poll", {"*/15 5-22 * * 1-5", "0 6,9,12,15,18,21 * * 0,6"}),
        ("demo-visits", {"0 0,4 * * *"}),
        ("demo-eligibility", {"0 2 * * *"}),
        ("demo-messages", {"10,40 9-19 * * *"}),
        ("demo-deliveries", {"25,55 5-22 * * *"}),
        ("demo-replies", {"3-58/5 * * * *"}),
        ("demo-surveys", set()),
        ("demo-import", set()),
        ("demo-revert", set()),
    ],
)
def test_schedules_are_in_the_time_zone_of_the_study(name: str, crons: set[str], deployed: Deployed) -> None:
    study = yaml.safe_load((ROOT / "studies" / "demo" / "study.yaml").read_text(encoding="utf-8"))

    schedules = [one["schedule"] for one in deployed.deployments()[name]["schedules"]]

    assert {one["cron"] for one in schedules} == crons
    assert {one["timezone"] for one in schedules} <= {study["timezone"]}


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_parameter_is_described_and_every_number_is_bounded(name: str, deployed: Deployed) -> None:
    properties = deployed.deployments()[name]["parameter_openapi_schema"]["properties"]
    numbers = {
        key: kind
        for key, value in properties.items()
        for kind in value.get("anyOf", [value])
        if kind.get("type") in ("integer", "number")
    }

    assert all(value.get("description") for value in properties.values())
    assert all("minimum" in kind for kind in numbers.values())
    assert all(kind["maximum"] == 1 for key, kind in numbers.items() if key == "max_share")


def test_a_parameter_out_of_bounds_makes_no_run(deployed: Deployed) -> None:
    wanted = deployed.deployments()["demo-visits"]["id"]
    url = f"{deployed.server.pages}/api/deployments/{wanted}/create_flow_run"

    answer = requests.post(url, json={"parameters": {"study": "demo", "max_share": 7}}, timeout=30)

    assert answer.status_code == 409
    assert "max_share" in answer.text


def test_the_scheduler_makes_runs_appear(deployed: Deployed) -> None:
    until = time.monotonic() + 90
    while not (runs := deployed.runs("demo-eligibility")) and time.monotonic() < until:
        pass

    assert {run["state_type"] for run in runs} == {"SCHEDULED"}
    assert {run["auto_scheduled"] for run in runs} == {True}


def test_a_worker_runs_a_deployment_to_its_end(deployed: Deployed) -> None:
    deployed.prefect("--no-prompt", "deployment", "schedule", "pause", "--all")
    deployed.prefect("deployment", "run", "compute-visit-dates/demo-visits", "-p", "max_share=1")

    deployed.prefect("worker", "start", "--pool", "capstan", "--type", "process", "--run-once")

    (run,) = [run for run in deployed.runs("demo-visits") if not run["auto_scheduled"]]
    assert run["state_type"] == "COMPLETED"
    assert run["parameters"]["study"] == "demo"
    report = deployed.server.ask("artifacts/filter", flow_runs={"id": {"any_": [run["id"]]}})
    assert [one["key"] for one in report] == ["demo-compute-visit-dates"]
    assert report[0]["data"].startswith("# Compute visit dates, study demo: done\n\nEvery cell")
    assert f"{deployed.server.pages}/runs/flow-run/{run['id']}" in report[0]["data"]


@pytest.mark.parametrize(("study", "is_heard", "runs"), [("demo", True, 1), ("unknown", False, 0)])
def test_a_bell_that_is_rung_often_asks_for_one_run(
    study: str, is_heard: bool, runs: int, deployed: Deployed
) -> None:
    deployed.prefect("--no-prompt", "deployment", "schedule", "pause", "--all")
    before = {run["id"] for run in deployed.runs("demo-triggers")}
    code = f"from tasks.doorbell import ring; print([ring({study!r}) for _ in range(3)])"

    rung = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=deployed.environment, capture_output=True, text=True
    )

    made = [run for run in deployed.runs("demo-triggers") if run["id"] not in before]
    assert rung.stdout == f"{[is_heard] * 3}\n"
    assert len(made) == runs
    assert {run["auto_scheduled"] for run in made} <= {False}


def test_a_bell_without_a_server_that_answers_raises_nothing(deployed: Deployed) -> None:
    code = "from tasks.doorbell import ring; print(ring('demo'))"
    nobody = {
        **deployed.environment,
        "PREFECT_API_URL": "http://127.0.0.1:9/api",
        "PREFECT_CLIENT_MAX_RETRIES": "0",
    }

    rung = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=nobody, capture_output=True, text=True, check=True
    )

    assert rung.stdout == "False\n"
