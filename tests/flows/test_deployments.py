"""The deployments of `prefect.yaml`: deployed to a real server, scheduled, and one run by a worker."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import requests
import yaml
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings
from prefect.states import Running
from prefect_servers import PrefectServer, own_prefect
from requests.adapters import HTTPAdapter
from scheduled_study import scheduled_study
from urllib3.util import Retry

import flows.ingest_triggers
import flows.load_sessions
from capstan.errors import Refused, UsageError
from capstan.timetable.deployments import deployments_of
from capstan.timetable.prefect_file import WITHOUT_STUDY
from studies.demo.generate import project_xml
from tasks.dead_runs import end_dead_runs
from tasks.doorbell import ring
from tasks.fanning import GOING_ON, NOT_STARTED, find_deployments, start_deployments, wait_for
from tasks.releasing.changing import Way, change_to
from tasks.releasing.lull import late_runs, pause, start_late, wait_for_runs
from tasks.releasing.place import Place
from tasks.standings import Stand, read_standings

ROOT = Path(__file__).resolve().parents[2]
TODAY = date(2026, 6, 1)
FLOWS = {one.row.flow for one in deployments_of(scheduled_study())} | set(WITHOUT_STUDY)
BEGIN = datetime(2030, 6, 1, 12, tzinfo=UTC)


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
        """All deployments by their flows, as the server has them."""
        return {one["entrypoint"].rpartition(".")[2]: one for one in self.server.ask("deployments/filter")}

    def pause(self, flow: str) -> None:
        """Pause a flow's deployment, as the switch on its page does."""
        self.change(f"deployments/{self.deployments()[flow]['id']}", paused=True)

    def set_schedules(self, *, active: bool) -> None:
        """Switch all schedules on or off."""
        for one in self.deployments().values():
            for schedule in one["schedules"]:
                self.change(f"deployments/{one['id']}/schedules/{schedule['id']}", active=active)

    def change(self, path: str, **body: Any) -> None:
        """Change something of the server's."""
        self._send("patch", path, body)

    def begin(self, name: str, /, **parameters: Any) -> str:
        """Make a run of a flow that goes on; gives its id."""
        path = f"deployments/{self.deployments()[name]['id']}/create_flow_run"
        return str(
            self._send("post", path, {"state": {"type": "RUNNING"}, "parameters": parameters}).json()["id"]
        )

    def due(self, name: str, /, **parameters: Any) -> str:
        """Make a run of a flow that waits for a worker; gives its id."""
        path = f"deployments/{self.deployments()[name]['id']}/create_flow_run"
        return str(self._send("post", path, {"parameters": parameters}).json()["id"])

    def forget(self, run: str) -> None:
        """Delete a run, as a new deployment does with what its schedules made."""
        self._send("delete", f"flow_runs/{run}", {})

    def end(self, run: str) -> None:
        """Let a run be completed."""
        self._send("post", f"flow_runs/{run}/set_state", {"state": {"type": "COMPLETED"}, "force": True})

    def _send(self, method: str, path: str, body: dict[str, Any]) -> requests.Response:
        # While the scheduler writes to its SQLite, the server is not available for a moment.
        patiently = Retry(8, status_forcelist=[503], allowed_methods=None, backoff_factor=0.1)
        with requests.Session() as session:
            session.mount("http://", HTTPAdapter(max_retries=patiently))
            answer = session.request(method, f"{self.server.pages}/api/{path}", json=body, timeout=30)
        answer.raise_for_status()
        return answer

    def runs(self, flow: str) -> list[dict[str, Any]]:
        """The runs of a flow."""
        named = {"name": {"any_": [flow.replace("_", "-")]}}
        return list(self.server.ask("flow_runs/filter", flows=named))


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


@pytest.fixture
def here(deployed: Deployed) -> Iterator[None]:
    """This process asks the server too."""
    with temporary_settings({PREFECT_API_URL: f"{deployed.server.pages}/api"}):
        yield


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

    assert set(found) == FLOWS
    assert {one["name"] for flow, one in found.items() if flow not in WITHOUT_STUDY} == {"demo"}
    assert {one["entrypoint"].partition(".")[0] for one in found.values()} == {"flows"}
    assert all(one["version"] for one in found.values())
    limits = {flow: (one["global_concurrency_limit"] or {}).get("limit") for flow, one in found.items()}
    assert {flow: limit for flow, limit in limits.items() if limit != 1} == {
        "ingest_triggers": 2,
        **dict.fromkeys(WITHOUT_STUDY),
        "audit_projects": None,
    }


def test_the_worker_is_sent_to_the_clone_and_the_file_names_no_machine(deployed: Deployed) -> None:
    steps = deployed.deployments()["compute_visit_dates"]["pull_steps"]

    assert steps == [{"prefect.deployments.steps.set_working_directory": {"directory": str(ROOT)}}]
    assert str(ROOT) not in (ROOT / "prefect.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "crons"),
    [
        ("poll_participants", {"*/15 5-22 * * 1-5", "0 6,9,12,15,18,21 * * 0,6"}),
        ("compute_visit_dates", {"0 0,4 * * *"}),
        ("check_eligibility", {"0 2 * * *"}),
        ("send_messages", {"10,40 9-19 * * *"}),
        ("check_deliveries", {"25,55 5-22 * * *"}),
        ("check_replies", {"3-58/5 * * * *"}),
        ("import_records", set()),
        ("revert_run", set()),
    ],
)
def test_schedules_are_in_the_time_zone_of_the_study(name: str, crons: set[str], deployed: Deployed) -> None:
    study = yaml.safe_load((ROOT / "studies" / "demo" / "study.yaml").read_text(encoding="utf-8"))

    schedules = [one["schedule"] for one in deployed.deployments()[name]["schedules"]]

    assert {one["cron"] for one in schedules} == crons
    assert {one["timezone"] for one in schedules} <= {study["timezone"]}


@pytest.mark.parametrize("name", sorted(FLOWS))
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
    wanted = deployed.deployments()["compute_visit_dates"]["id"]
    url = f"{deployed.server.pages}/api/deployments/{wanted}/create_flow_run"

    answer = requests.post(url, json={"parameters": {"study": "demo", "max_share": 7}}, timeout=30)

    assert answer.status_code == 409
    assert "max_share" in answer.text


def test_the_scheduler_makes_runs_appear(deployed: Deployed) -> None:
    until = time.monotonic() + 90
    while not (runs := deployed.runs("check_eligibility")) and time.monotonic() < until:
        pass

    assert {run["state_type"] for run in runs} == {"SCHEDULED"}
    assert {run["auto_scheduled"] for run in runs} == {True}


def test_a_worker_runs_a_deployment_to_its_end(deployed: Deployed) -> None:
    deployed.set_schedules(active=False)
    deployed.prefect("deployment", "run", "compute-visit-dates/demo", "-p", "max_share=1")

    deployed.prefect("worker", "start", "--pool", "capstan", "--type", "process", "--run-once")

    (run,) = [run for run in deployed.runs("compute_visit_dates") if not run["auto_scheduled"]]
    assert run["state_type"] == "COMPLETED"
    assert run["parameters"]["study"] == "demo"
    report = deployed.server.ask("artifacts/filter", flow_runs={"id": {"any_": [run["id"]]}})
    by_key = {one["key"]: one["data"] for one in report}
    assert by_key["demo-compute-visit-dates"].startswith(
        "# Compute visit dates, study demo: done\n\nEvery cell"
    )
    assert f"{deployed.server.pages}/runs/flow-run/{run['id']}" in by_key["demo-compute-visit-dates"]


def test_a_bell_that_is_rung_often_asks_for_one_run(deployed: Deployed, here: None) -> None:
    deployed.set_schedules(active=False)
    before = {run["id"] for run in deployed.runs("ingest_triggers")}

    rung = [ring(study) for study in ("demo", "demo", "unknown", "demo")]

    made = [run for run in deployed.runs("ingest_triggers") if run["id"] not in before]
    assert rung == [True, True, False, True]
    assert [run["auto_scheduled"] for run in made] == [False]


def test_a_bell_without_a_server_that_answers_raises_nothing() -> None:
    nobody = {PREFECT_API_URL: "http://127.0.0.1:9/api", PREFECT_CLIENT_MAX_RETRIES: 0}

    with temporary_settings(nobody):
        heard = ring("demo")

    assert heard is False


def test_what_differs_from_the_study_file_is_seen(deployed: Deployed, here: None) -> None:
    deployed.set_schedules(active=True)
    deployed.pause("send_messages")
    wanted = list(deployments_of(scheduled_study(flows={"run_monitors": {"every": "30 minutes"}})))
    wanted = [one for one in wanted if one.row.flow != "load_sessions"]
    wanted.append(replace(wanted[0], row=replace(wanted[0].row, flow="check_partner_status")))

    stands = {one.flow: one.stand for one in read_standings(wanted)}

    odd = {flow: stand for flow, stand in stands.items() if stand is not Stand.AS_WANTED}
    assert odd == {
        "send_messages": Stand.PAUSED,
        "run_monitors": Stand.OTHER_TIMES,
        "check_partner_status": Stand.NOT_DEPLOYED,
        "load_sessions": Stand.NOT_WANTED,
    }
    assert stands["poll_participants"] is Stand.AS_WANTED


def test_runs_of_many_studies_are_started_once_under_one_key_and_spread(
    deployed: Deployed, here: None
) -> None:
    found = find_deployments("check_eligibility", studies=["demo"])
    twice = {"demo": found["demo"], "north": found["demo"]}
    asked: dict[str, Any] = {"begin": BEGIN, "spread": timedelta(hours=1), "key": "one"}

    first = start_deployments(twice, parameters={"dry_run": True}, **asked)
    again = start_deployments(twice, parameters={"dry_run": True}, **asked)
    refused = start_deployments(
        {"demo": found["demo"]}, parameters={"max_share": 7}, **asked | {"key": "two"}
    )

    made = [run for run in deployed.runs("check_eligibility") if not run["auto_scheduled"]]
    assert first == again
    assert sorted(run["id"] for run in made) == sorted(str(one.run) for one in first)
    dues = sorted(datetime.fromisoformat(run["expected_start_time"]) for run in made)
    assert dues == [BEGIN, BEGIN + timedelta(minutes=30)]
    assert wait_for([*first, *refused], seconds=0) == {"demo": NOT_STARTED, "north": GOING_ON}


def test_what_was_deleted_during_a_release_keeps_no_other_from_going_on(
    deployed: Deployed, here: None
) -> None:
    deployed.set_schedules(active=False)
    wanted = deployed.deployments()["load_sessions"]["id"]

    start_late([str(uuid4()), wanted, str(uuid4())], reason="a release")
    pause(["deleted-pool", "capstan"], is_paused=False)

    made = [run for run in deployed.runs("load_sessions") if not run["auto_scheduled"]]
    assert [run["deployment_id"] for run in made] == [wanted]


def test_a_due_run_that_a_release_forgot_starts_with_its_own_parameters(
    deployed: Deployed, here: None
) -> None:
    deployed.set_schedules(active=False)
    own = {"study": "demo", "dry_run": True}
    forgotten, waiting = deployed.due("rejudge_quarantine", **own), deployed.due("rejudge_quarantine")

    late = late_runs()
    deployed.forget(forgotten)
    start_late(late, reason="a forgetful release")

    runs = {run["id"]: run["parameters"] for run in deployed.runs("rejudge_quarantine")}
    assert runs.pop(waiting) == {"study": "demo"}
    assert list(runs.values()) == [own]


def test_a_release_keeps_the_schedule_of_the_heartbeat(
    deployed: Deployed, here: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(tmp_path)
    python = place.python("20261122-100000")
    python.parent.mkdir(parents=True)
    # It writes the file of deployments, and Prefect is not called.
    python.write_text(
        f'#!/bin/sh\ncase "$*" in *-m\\ prefect*) exit;; esac\nPYTHONPATH={ROOT} exec {sys.executable} "$@"\n'
    )
    python.chmod(0o755)
    for name, value in {**deployed.environment, "CAPSTAN_HEARTBEAT_URL": "http://127.0.0.1:9/ping"}.items():
        monkeypatch.setenv(name, value)

    change_to(place, "20261122-100000", way=Way(wait=timedelta(0)))

    written = yaml.safe_load((place.folder("20261122-100000") / "deployed.yaml").read_text(encoding="utf-8"))
    (beat,) = (one for one in written["deployments"] if one["entrypoint"].endswith(".send_heartbeat"))
    assert [one["interval"] for one in beat["schedules"]] == [600]


def test_a_due_run_that_prefect_refuses_keeps_no_other_from_starting(deployed: Deployed, here: None) -> None:
    deployed.set_schedules(active=False)
    found = deployed.deployments()
    names = sorted(("run_monitors", "reconcile_triggers"), key=lambda name: str(found[name]["id"]))
    refused, wanted = (found[name]["id"] for name in names)
    # The study, which a run must have, is gone.
    deployed.change(f"deployments/{refused}", parameters={})

    start_late([refused, wanted], reason="another release")

    made = {name: [run for run in deployed.runs(name) if not run["auto_scheduled"]] for name in names}
    assert [len(made[name]) for name in names] == [0, 1]


def test_an_audit_that_goes_on_is_waited_for_and_one_that_waits_itself_is_not(
    deployed: Deployed, here: None
) -> None:
    deployed.set_schedules(active=False)
    begun = [deployed.begin("audit_projects"), deployed.begin("run_studies", flow="check_eligibility")]

    with pytest.raises(Refused, match=r"^1 runs have not ended"):
        wait_for_runs(timedelta(0))

    for run in begun:
        deployed.end(run)
    wait_for_runs(timedelta(0))


def test_a_study_without_the_deployment_is_told_of(deployed: Deployed, here: None) -> None:
    with pytest.raises(UsageError, match="not deployed for north") as caught:
        find_deployments("check_eligibility", studies=["demo", "north"])

    assert "capstan deployments" in str(caught.value)


def test_a_paused_deployment_is_left_out_when_all_studies_run(deployed: Deployed, here: None) -> None:
    deployed.pause("reconcile_triggers")

    assert find_deployments("reconcile_triggers") == {}
    assert list(find_deployments("check_eligibility")) == ["demo"]


@pytest.mark.usefixtures("here")
def test_a_run_that_died_unnoticed_is_ended_when_the_next_one_of_its_deployment_begins(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.dead_runs._PATIENCE", timedelta(0))
    found = deployed.deployments()
    begin = lambda flow, state: deployed.server.ask(  # noqa: E731
        f"deployments/{found[flow]['id']}/create_flow_run", state={"type": state}
    )
    dead, alone, shared = (
        begin(*one)
        for one in (
            ("load_sessions", "PENDING"),
            ("load_sessions", "RUNNING"),
            ("ingest_triggers", "PENDING"),
        )
    )
    again = begin("ingest_triggers", "RUNNING")

    with get_client(sync_client=True) as client:
        for flow, run in (
            (flows.load_sessions.load_sessions, alone),
            (flows.ingest_triggers.ingest_triggers, again),
        ):
            end_dead_runs(flow, client.read_flow_run(UUID(run["id"])), Running())
        states = [client.read_flow_run(UUID(run["id"])).state.name for run in (dead, alone, shared, again)]

    assert states == ["Crashed", "Running", "Pending", "Running"]
