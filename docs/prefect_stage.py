"""A stage for pages of Prefect's: a server with the demo's deployments and runs, as a team would see them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import requests
import yaml

from sandbox.server import Running
from studies.demo.servers import prefect_server, sandbox_with_trial

ROOT = Path(__file__).resolve().parents[1]
TODAY = date(2026, 6, 1)


class Stage:
    """A running server; this process and those that it starts talk to it."""

    def __init__(self, pages: str, *, home: Path, sandbox: Running) -> None:
        self.pages, self.home, self.sandbox = pages, home, sandbox

    def ask(self, path: str, **body: Any) -> Any:
        """Post to the server's API and return its answer."""
        answer = requests.post(f"{self.pages}/api/{path}", json=body, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def prefect(self, *words: str) -> None:
        """Run a command of Prefect's in the project."""
        command = [sys.executable, "-m", "prefect", *words]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=180)

    def deployment(self, flow: str) -> str:
        """The id of the demo's deployment of a flow, such as compute-visit-dates."""
        asked = {"flows": {"name": {"any_": [flow]}}, "deployments": {"name": {"any_": ["demo"]}}}
        return str(self.ask("deployments/filter", **asked)[0]["id"])

    def start(self, flow: str, **parameters: Any) -> None:
        """Ask for a run of the demo's deployment of a flow."""
        self.ask(
            f"deployments/{self.deployment(flow)}/create_flow_run", parameters={"study": "demo", **parameters}
        )

    def runs(self) -> list[dict[str, Any]]:
        """The flow runs that somebody asked for, newest first."""
        made = self.ask("flow_runs/filter", sort="START_TIME_DESC")
        return [run for run in made if not run["auto_scheduled"]]

    def work(self) -> None:
        """Let a worker do what is asked for now, and leave."""
        self.prefect("worker", "start", "--pool", "capstan", "--type", "process", "--run-once")


@contextmanager
def prefect_stage(home: Path, *, flows: Collection[str] = ()) -> Iterator[Stage]:
    """Start a sandbox with the trial and a server with its deployments, of which none begins by itself.

    `flows`, such as compute_visit_dates, are those that are deployed; all if empty.
    """
    before = dict(os.environ)
    try:
        with sandbox_with_trial(TODAY) as sandbox, prefect_server(home) as pages:
            os.environ["CAPSTAN_HOME"] = str(home / "capstan")
            stage = Stage(pages, home=home, sandbox=sandbox)
            stage.prefect("work-pool", "create", "capstan", "--type", "process")
            stage.prefect("--no-prompt", "deploy", "--all", "--prefect-file", str(_some(flows, home=home)))
            stage.prefect("--no-prompt", "deployment", "schedule", "pause", "--all")
            yield stage
    finally:
        os.environ.clear()
        os.environ.update(before)


def _some(flows: Collection[str], *, home: Path) -> Path:
    """The project's prefect.yaml, or what it says of some flows only."""
    whole = ROOT / "prefect.yaml"
    if not flows:
        return whole
    told = yaml.safe_load(whole.read_text(encoding="utf-8"))
    told["deployments"] = [
        one for one in told["deployments"] if one["entrypoint"].rpartition(".")[2] in flows
    ]
    path = home / "prefect.yaml"
    path.write_text(yaml.safe_dump(told), encoding="utf-8")
    return path
