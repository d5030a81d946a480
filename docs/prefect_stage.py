"""A stage for pages of Prefect's: a server with the demo's deployments and runs, as a team would see them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import requests

from sandbox.server import Running
from studies.demo.servers import prefect_server, sandbox_with_trial

ROOT = Path(__file__).resolve().parents[1]
TODAY = date(2026, 6, 1)
_QUIET = {"PREFECT_LOGGING_LEVEL": "ERROR", "CAPSTAN_HOME": "home"}


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
        command = [sys.executable, "-m", "prefect", "--no-prompt", *words]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=180)

    def deployment(self, flow: str) -> str:
        """The id of the demo's deployment of a flow, such as compute-visit-dates."""
        asked = {"flows": {"name": {"any_": [flow]}}, "deployments": {"name": {"any_": ["demo"]}}}
        return str(self.ask("deployments/filter", **asked)[0]["id"])

    def work(self) -> None:
        """Let a worker do what is asked for now, and leave."""
        self.prefect("worker", "start", "--pool", "capstan", "--type", "process", "--run-once")


@contextmanager
def prefect_stage(home: Path) -> Iterator[Stage]:
    """Start a sandbox with the trial and a server with its deployments, of which none begins by itself."""
    before = dict(os.environ)
    try:
        with sandbox_with_trial(TODAY) as sandbox, prefect_server(home) as pages:
            os.environ["CAPSTAN_HOME"] = str(home / "capstan")
            stage = Stage(pages, home=home, sandbox=sandbox)
            stage.prefect("work-pool", "create", "capstan", "--type", "process")
            stage.prefect("deploy", "--all")
            stage.prefect("deployment", "schedule", "pause", "--all")
            yield stage
    finally:
        os.environ.clear()
        os.environ.update(before)
