"""Alarms: a switch and a webhook that answer on this machine hear what is wrong, and no address leaks."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from uuid import uuid4

import pytest
import yaml
from pydantic import SecretStr
from scheduled_study import scheduled_study
from store_cases import NOW

from capstan.errors import CapstanError, UsageError
from capstan.settings import load_settings
from cli.calling import call_here
from tasks.alarms.automations import automations, ending_dead_runs
from tasks.alarms.posting import post, secret_address
from tasks.alarms.trials import TRIED_WITHIN, look_at_alarm, note_trial
from tasks.connections import open_store

Heard = list[tuple[str, str]]


@contextmanager
def listening(status: int = 200) -> Iterator[tuple[str, Heard]]:
    """An address on this machine that answers with a status, and what it heard: paths and texts."""
    heard: Heard = []

    class Ear(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            heard.append((self.path, self.rfile.read(size).decode()))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Ear)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/planted-secret", heard
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation of its own, without a Prefect server and without studies that tell anybody."""
    for name in ("CAPSTAN_KEY", "CAPSTAN_STORE", "CAPSTAN_PUBLIC_URL", "PREFECT_API_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CAPSTAN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CAPSTAN_STUDIES", str(tmp_path / "studies"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_address_may_be_in_an_owner_only_file(tmp_path: Path) -> None:
    file = tmp_path / "switch"
    file.write_text("https://switch.example.org/a\n", encoding="utf-8")
    file.chmod(0o600)

    assert secret_address(SecretStr(f"file:{file}"), name="X") == "https://switch.example.org/a"


@pytest.mark.parametrize(
    "text", ["http://switch.example.org/planted", "planted", "https://[planted", "ftp://127.0.0.1/planted"]
)
def test_an_address_in_the_clear_is_refused_without_being_named(text: str) -> None:
    with pytest.raises(UsageError, match="CAPSTAN_X must be an https address") as caught:
        secret_address(SecretStr(text), name="CAPSTAN_X")

    assert "planted" not in str(caught.value)


def test_what_an_address_refuses_is_not_asked_for_again_and_what_fails_is() -> None:
    with listening(404) as (refusing, once), listening(500) as (failing, thrice):
        taken = post(refusing), post(failing)

    assert taken == (False, False)
    assert (len(once), len(thrice)) == (1, 3)


def test_a_redirect_is_not_followed_with_the_secret() -> None:
    with listening(302) as (url, heard):
        taken = post(url, text="a")

    assert not taken
    assert len(heard) == 1


def test_a_heartbeat_of_a_well_machine_reaches_the_switch(
    home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with listening() as (url, heard):
        monkeypatch.setenv("CAPSTAN_HEARTBEAT_URL", url)
        summary = call_here("send_heartbeat", {"studies": []})

    # The studies of this repository are found everywhere; whoever has staff must have tried the alarm.
    assert heard[0][0] in ("/planted-secret", "/planted-secret/fail")
    assert (heard[0][0] == "/planted-secret") == (summary["outcome"] == "done")
    assert "planted-secret" not in caplog.text + str(summary)


def test_a_store_that_cannot_be_used_is_told_to_the_switch(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAPSTAN_STORE", f"sqlite:///{home}/missing/folder/store.sqlite")
    with listening() as (url, heard):
        monkeypatch.setenv("CAPSTAN_HEARTBEAT_URL", url)
        summary = call_here("send_heartbeat", {})

    assert summary["outcome"] == "partly"
    assert heard == [
        (
            "/planted-secret/fail",
            "1 things are wrong; `capstan heartbeat --dry-run` names them",
        )
    ]


def test_a_switch_that_refuses_fails_the_run(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(404) as (url, _):
        monkeypatch.setenv("CAPSTAN_HEARTBEAT_URL", url)
        with pytest.raises(CapstanError, match="did not take the heartbeat") as caught:
            call_here("send_heartbeat", {})

    assert "planted" not in str(caught.value)


def test_without_a_switch_a_heartbeat_is_a_mistake(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CAPSTAN_HEARTBEAT_URL", raising=False)

    with pytest.raises(UsageError, match="Set CAPSTAN_HEARTBEAT_URL"):
        call_here("send_heartbeat", {})


def test_a_trial_counts_until_it_is_old(home: Path) -> None:
    study = scheduled_study()
    told = study.notify.model_copy(
        update={"staff": study.notify.staff.model_copy(update={"email": ("a@b",)})}
    )
    study = study.model_copy(update={"notify": told})
    with open_store(load_settings()) as store:
        (never,) = look_at_alarm(store, study, now=NOW)
        note_trial(store, study, now=NOW)
        (fresh,) = look_at_alarm(store, study, now=NOW + TRIED_WITHIN)
        (old,) = look_at_alarm(store, study, now=NOW + TRIED_WITHIN + timedelta(minutes=1))

    assert (never.verdict, fresh.verdict, old.verdict) == ("warn", "ok", "warn")
    assert "capstan run try_alarm --study demo" in never.said


def test_prefect_takes_every_automation_and_each_has_its_own_name() -> None:
    from prefect.events.schemas.automations import AutomationCore

    made = [AutomationCore.model_validate(one) for one in automations(uuid4())]

    assert len({one.name for one in made}) == len(made) == 7
    assert all(one.name.startswith("capstan: ") and one.actions for one in made)


def test_a_run_that_has_ended_is_never_made_to_crash_by_a_late_heartbeat() -> None:
    ending = list(ending_dead_runs())

    # Without force Prefect refuses to crash a run that has ended.
    assert [action["force"] for one in ending for action in one["actions"]] == [False, False]


def test_a_run_whose_worker_died_before_any_heartbeat_is_waited_for_from_its_beginning() -> None:
    after = [set(one["trigger"]["after"]) for one in ending_dead_runs()]

    assert {"prefect.flow-run.Running", "prefect.flow-run.heartbeat"} in after
    assert any({"prefect.flow-run.Pending", "prefect.flow-run.Submitting"} <= events for events in after)


def test_each_deployment_asks_for_the_heartbeats_by_which_a_dead_run_is_noticed() -> None:
    whole = yaml.safe_load((Path(__file__).resolve().parents[2] / "prefect.yaml").read_text(encoding="utf-8"))
    asked = [one["work_pool"]["job_variables"]["env"] for one in whole["deployments"]]

    assert asked
    assert all(one["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"] == "30" for one in asked)
