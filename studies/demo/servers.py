"""The servers of the demo: a sandbox with the trial in it, a receiver, and a Prefect server of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import NamedTuple

import requests

from sandbox.server import Running
from studies.demo.generate import project_xml

TITLE = "Tooth Fairy Trial"
SENDER = "+15005550006"
_START_SECONDS = 300
# Nothing of these happens in a demo: it has no schedules and no blocks, and nothing waits for a worker. To
# register the blocks alone, the server imports every library that brings some, which takes seconds.
_UNUSED = {
    "PREFECT_SERVER_REGISTER_BLOCKS_ON_START": "false",
    "PREFECT_SERVER_MEMOIZE_BLOCK_AUTO_REGISTRATION": "false",
    "PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_LATE_RUNS_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_PAUSE_EXPIRATIONS_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_FOREMAN_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED": "false",
}


class Starting(NamedTuple):
    """A server's process, which may not answer yet at its address."""

    process: subprocess.Popen[bytes]
    address: str
    health: str
    log: Path

    def wait(self) -> None:
        """Return when it answers; RuntimeError if it does not."""
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            try:
                if requests.get(f"{self.address}{self.health}", timeout=2).ok:
                    return
            except requests.RequestException:
                time.sleep(0.1)
        raise RuntimeError(f"A server did not start; its log is {self.log}.")


@contextmanager
def sandbox_with_trial(today: date) -> Iterator[Running]:
    """A sandbox in this process that holds the trial; the study finds it through the environment."""
    with Running(smtp_port=0) as sandbox:
        create = {
            "token": sandbox.super_token,
            "content": "project",
            "format": "json",
            "data": json.dumps([{"project_title": TITLE, "purpose": 0}]),
            "odm": project_xml(today),
        }
        token = requests.post(sandbox.redcap_url, data=create, timeout=60).text[-32:]
        asked = {"token": token, "content": "project", "format": "json"}
        info = requests.post(sandbox.redcap_url, data=asked, timeout=60).json()
        os.environ["REDCAP_URL"] = sandbox.redcap_url
        os.environ["REDCAP_API_DEMO"] = token
        os.environ["REDCAP_PROJECT_ID"] = str(info["project_id"])
        os.environ |= _channels(sandbox.addresses())
        yield sandbox


def _channels(addresses: Mapping[str, str | None]) -> dict[str, str]:
    """Where the study finds the sandbox's Twilio and its mail server."""
    return {
        "TWILIO_URL": str(addresses["twilio_url"]),
        "TWILIO_ACCOUNT_SID": str(addresses["twilio_account_sid"]),
        "TWILIO_AUTH_TOKEN": str(addresses["twilio_auth_token"]),
        "SMTP_PORT": str(addresses["smtp"]).rpartition(":")[2],
    }


@contextmanager
def demo_servers(home: Path, *, control_url: str, meanwhile: Callable[[], None]) -> Iterator[str]:
    """A Prefect server and a receiver, which start side by side; gives the address of Prefect's pages.

    `meanwhile` is called while they start, after the environment names them.
    """
    with (
        # Before the receiver, which asks a Prefect server to work: it must be no other one than this.
        _starting_prefect(home, log_level="WARNING", settings=_UNUSED) as prefect,
        _starting_receiver(home, control_url=control_url) as receiving,
    ):
        meanwhile()
        receiving.wait()
        prefect.wait()
        with _flushing_logs():
            yield prefect.address


@contextmanager
def receiver(home: Path, *, control_url: str) -> Iterator[str]:
    """A receiver in a process of its own, which the sandbox's Twilio tells of texts; gives its address."""
    with _starting_receiver(home, control_url=control_url) as server:
        server.wait()
        yield server.address


@contextmanager
def _starting_receiver(home: Path, *, control_url: str) -> Iterator[Starting]:
    port = _free_port()
    address = f"http://127.0.0.1:{port}"
    os.environ["CAPSTAN_PUBLIC_URL"] = address
    capstan = str(Path(sys.executable).with_name("capstan"))
    command = [capstan, "receiver", "serve", "--port", str(port), "--workers", "1"]
    number = {"number": SENDER, "sms_url": f"{address}/twilio/inbound", "segments_per_second": 20}
    requests.post(f"{control_url}config", json={"numbers": [number]}, timeout=60).raise_for_status()
    with (home / "receiver.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log)
        try:
            yield Starting(server, address, "/health", home / "receiver.log")
        finally:
            _stop(server)


@contextmanager
def prefect_server(home: Path, *, log_level: str = "WARNING") -> Iterator[str]:
    """A Prefect server with its own home, on a free port; gives the address of its pages.

    At the log level INFO `prefect-server.log` in `home` has a line for each request.
    """
    with _starting_prefect(home, log_level=log_level, settings={}) as server:
        server.wait()
        with _flushing_logs():
            yield server.address


@contextmanager
def _starting_prefect(home: Path, *, log_level: str, settings: Mapping[str, str]) -> Iterator[Starting]:
    port = _free_port()
    pages = f"http://127.0.0.1:{port}"
    # Nothing below leaves this machine: no analytics, and flows talk to this server only.
    os.environ |= {
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_API_URL": f"{pages}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        # The run pages show what the tasks logged; the terminal shows the summaries.
        "PREFECT_LOGGING_LEVEL": "INFO",
        "PREFECT_SERVER_LOGGING_LEVEL": log_level,
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": log_level,
    }
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with (home / "prefect-server.log").open("wb") as log:
        server = subprocess.Popen(
            command, stdout=log, stderr=subprocess.STDOUT, cwd=home, env={**os.environ, **settings}
        )
        try:
            yield Starting(server, pages, "/api/health", home / "prefect-server.log")
        finally:
            _stop(server)


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(timeout=20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


@contextmanager
def _flushing_logs() -> Iterator[None]:
    """Let Prefect's background threads finish while their server is still there; else they wait for it."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    try:
        yield
    finally:
        APILogWorker.drain_all(timeout=10)
        EventsWorker.drain_all(timeout=10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
