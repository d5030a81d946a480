"""Against a real Prefect server: blocks keep secrets for studies, and doctor sees what is deployed and alive."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect_servers import PrefectServer, own_prefect, read_tables

from capstan.errors import IdentityError, UsageError
from capstan.study import Study, read_study
from capstan.study.parts import TokenSource
from flows.check_eligibility import check_eligibility
from tasks.blocks import RedcapConnection, TwilioAccount
from tasks.examining_prefect import look_at_prefect
from tasks.finding import Finding
from tasks.token_sources import read_token

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "FEDCBA9876543210FEDCBA9876543210"
ADDRESS = "https://redcap.example.org"
NOWHERE = Path("/nowhere")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    with (
        own_prefect(tmp_path_factory.mktemp("prefect")) as running,
        temporary_settings({PREFECT_API_URL: f"{running.pages}/api"}),
    ):
        yield running


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch) -> Study:
    values = {"REDCAP_URL": ADDRESS, "REDCAP_PROJECT_ID": "14", "TWILIO_URL": "", "SMTP_PORT": "25"}
    return read_study(ROOT / "studies" / "demo", environment={**os.environ, **values})


def looked(study: Study) -> dict[str, Finding]:
    return {finding.what: finding for finding in look_at_prefect(study, now=datetime.now(UTC))}


def test_one_command_makes_all_blocks_known(server: PrefectServer) -> None:
    command = [sys.executable, "-m", "prefect", "block", "register", "--module", "tasks.blocks"]
    done = subprocess.run(
        command, cwd=ROOT, env=server.environment, capture_output=True, text=True, timeout=120
    )

    known = {one["slug"] for one in server.ask("block_types/filter")}
    assert done.returncode == 0, done.stderr
    assert {"redcap-connection", "twilio-account", "mail-server"} <= known


def test_a_study_finds_the_parts_of_a_block(server: PrefectServer) -> None:
    TwilioAccount(account_sid="AC1", auth_token=TOKEN).save("demo", overwrite=True)

    found = [
        read_token(TokenSource(block=place), folder=NOWHERE)
        for place in ("twilio-account/demo/account_sid", "twilio-account/demo")
    ]

    assert found == ["AC1", TOKEN]
    with pytest.raises(UsageError, match="has no api_key; fill it in"):
        read_token(TokenSource(block="twilio-account/demo/api_key"), folder=NOWHERE)
    with pytest.raises(UsageError, match="Prefect has no block twilio-account/other"):
        read_token(TokenSource(block="twilio-account/other"), folder=NOWHERE)


def test_a_token_of_a_block_goes_to_its_own_address_only(server: PrefectServer) -> None:
    RedcapConnection(url=ADDRESS, token=TOKEN).save("demo", overwrite=True)
    source = TokenSource(block="redcap-connection/demo")

    assert read_token(source, folder=NOWHERE, url=f"{ADDRESS}/api/") == TOKEN
    with pytest.raises(IdentityError, match="another address") as caught:
        read_token(source, folder=NOWHERE, url="https://elsewhere.example.org/api/")
    assert TOKEN not in str(caught.value)


def test_prefect_keeps_the_secrets_of_blocks_sealed(server: PrefectServer) -> None:
    RedcapConnection(url=ADDRESS, token=TOKEN).save("sealed", overwrite=True)

    kept = [value for _, _, value in read_tables(server.home / "prefect.db") if isinstance(value, bytes)]

    assert any(b"sealed" in value for value in kept)
    assert not any(TOKEN.encode() in value for value in kept)


def test_doctor_says_what_a_study_lacks_at_prefect_step_by_step(server: PrefectServer, study: Study) -> None:
    bare = looked(study)
    with get_client(sync_client=True) as client:
        client.create_work_pool(WorkPoolCreate(name="clinic", type="process"))
        flow = client.create_flow(check_eligibility)
        client.create_deployment(
            flow,
            "demo",
            entrypoint="flows.check_eligibility.check_eligibility",
            parameters={"study": "demo"},
            work_pool_name="clinic",
        )
        idle = looked(study)
        client.send_worker_heartbeat("clinic", "one", heartbeat_interval_seconds=30)
        alive = looked(study)
        client.update_work_pool("clinic", WorkPoolUpdate(is_paused=True))
        paused = looked(study)

    assert bare["prefect"].verdict == bare["clock"].verdict == "ok"
    assert bare["schedules"].said.startswith("nothing is deployed; run `capstan deployments demo")
    assert idle["worker"].said.startswith("none is alive on work pool clinic; run `prefect worker start")
    assert "not deployed: " in idle["schedules"].said
    assert alive["worker"] == Finding("worker", "ok", "1 alive on work pool clinic")
    assert paused["worker"].said.startswith("work pool clinic is paused")


@pytest.mark.parametrize(
    ("address", "verdict", "said"),
    [("", "warn", "no server is configured"), ("http://127.0.0.1:9/api", "fail", "nothing answers")],
)
def test_doctor_says_that_no_server_is_there(address: str, verdict: str, said: str, study: Study) -> None:
    with temporary_settings({PREFECT_API_URL: address or None}):
        found = looked(study)

    assert found["prefect"].verdict == verdict
    assert found["prefect"].said.startswith(said)
