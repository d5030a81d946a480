"""What `capstan doctor` finds in a study's channels, against the sandbox's Twilio and mail server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sandbox_clients import control
from scripted_mail import mail_server
from scripted_server import Reply, serving

from capstan.study import Study
from sandbox.server import Running
from tasks.finding import Finding
from tasks.messages.examining import look_at_channels

TWILIO = """
  sms: {account: {env: MESSAGES_ACCOUNT}, token: {env: MESSAGES_TOKEN}, sender: "%(sender)s", url: "%(url)s"}
"""
MAIL = """
  email: {host: 127.0.0.1, port: %(port)s, security: %(security)s, sender: trial@study.org}
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    with Running(smtp_port=0) as running:
        yield running


@pytest.fixture(autouse=True)
def _environment(sandbox: Running, monkeypatch) -> None:
    addresses = sandbox.addresses()
    monkeypatch.setenv("MESSAGES_ACCOUNT", str(addresses["twilio_account_sid"]))
    monkeypatch.setenv("MESSAGES_TOKEN", str(addresses["twilio_auth_token"]))
    monkeypatch.setenv("CAPSTAN_PUBLIC_URL", "http://127.0.0.1:9000")


def study(
    sandbox: Running,
    *,
    sender: str = "+15005550006",
    url: str | None = None,
    port: str = "",
    security: str = "none",
    extra: str = "",
) -> Study:
    url = str(sandbox.addresses()["twilio_url"]) if url is None else url
    port = port or str(sandbox.smtp).rpartition(":")[2]
    parts = TWILIO % {"sender": sender, "url": url} + MAIL % {"port": port, "security": security}
    text = f"""
study: demo
title: Demo
redcap:
  url: {sandbox.redcap_url}
  token: {{env: MESSAGES_REDCAP}}
  project: {{id: 1, title: Demo, status: development}}
messaging:
{extra}{parts}"""
    return Study.from_text(text, source="study.yaml", environment={})


def findings(mine: Study, folder: Path) -> dict[str, Finding]:
    return {finding.what: finding for finding in look_at_channels(mine, folder=folder)}


def test_what_is_right_is_ok_and_a_study_that_is_not_live_is_told(sandbox, tmp_path) -> None:
    found = findings(study(sandbox), tmp_path)

    assert {what: finding.verdict for what, finding in found.items()} == {
        "contact": "warn",
        "texts": "ok",
        "clock": "ok",
        "sender": "ok",
        "callbacks": "ok",
        "mail": "ok",
    }
    assert "test_addresses (0)" in found["contact"].said


def test_a_live_study_is_ok(sandbox, tmp_path) -> None:
    assert findings(study(sandbox, extra="  live: true"), tmp_path)["contact"].verdict == "ok"


def test_a_study_that_contacts_nobody_has_nothing_to_look_at(sandbox, tmp_path) -> None:
    silent = study(sandbox).model_copy(update={"messaging": Study.model_fields["messaging"].default})

    assert findings(silent, tmp_path) == {}


def test_a_mix_of_practice_and_the_real_thing_hides_the_rest(sandbox, tmp_path) -> None:
    found = findings(study(sandbox, url=""), tmp_path)

    assert [finding.verdict for finding in found.values()] == ["fail"]
    assert "nobody was texted" in found["contact"].said


CLOCKS = [
    ("Thu, 15 Oct 2020 20:12:31 GMT", "fail", "time server"),
    ("Thu, 15 Oct 2020 20:12:31 GMT, Thu, 15 Oct 2020 20:12:31 GMT", "warn", "not compared"),
    ("", "warn", "not compared"),
]


@pytest.mark.parametrize(("date", "verdict", "said"), CLOCKS)
def test_this_machines_clock_is_compared(sandbox, tmp_path, date: str, verdict: str, said: str) -> None:
    with serving(Reply('{"status": "active"}', headers={"Date": date})) as server:
        finding = findings(study(sandbox, url=server.url.removesuffix("/api/")), tmp_path)["clock"]

    assert (finding.verdict, said in finding.said) == (verdict, True)


@pytest.mark.parametrize("status", ["suspended", "closed"])
def test_an_account_that_is_not_active_is_found(sandbox, tmp_path, status: str) -> None:
    body = f'{{"sid": "AC{"0" * 32}", "status": "{status}"}}'
    control(sandbox, "faults", [{"status": 200, "body": body, "method": "GET"}])

    assert status in findings(study(sandbox), tmp_path)["texts"].said


def test_a_wrong_token_is_found_and_not_repeated(sandbox, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("MESSAGES_TOKEN", "f" * 32)
    found = findings(study(sandbox), tmp_path)

    assert found["texts"].verdict == "fail"
    assert "20003" in found["texts"].said
    assert "f" * 32 not in str(found)


@pytest.mark.parametrize(
    ("sender", "verdict", "said"),
    [
        ("+12065550199", "fail", "no such number"),
        ("55500", "ok", "own"),
        ("Our Study", "warn", "cannot answer"),
    ],
)
def test_the_sender_is_looked_at(sandbox, tmp_path, sender: str, verdict: str, said: str) -> None:
    finding = findings(study(sandbox, sender=sender), tmp_path)["sender"]

    assert (finding.verdict, said in finding.said) == (verdict, True)


@pytest.mark.parametrize(
    ("address", "verdict"), [("", "warn"), ("https://our_study.example.org", "fail"), ("https://a.org", "ok")]
)
def test_the_address_for_callbacks_is_looked_at(sandbox, tmp_path, monkeypatch, address, verdict) -> None:
    monkeypatch.setenv("CAPSTAN_PUBLIC_URL", address)

    assert findings(study(sandbox), tmp_path)["callbacks"].verdict == verdict


def test_a_mail_server_without_encryption_is_found(sandbox, tmp_path) -> None:
    with mail_server() as server:
        finding = findings(study(sandbox, security="starttls", port=str(server.port)), tmp_path)["mail"]

    assert finding.verdict == "fail"
    assert "offers no encryption" in finding.said


@pytest.mark.parametrize(("greeting", "said"), [("554 no", "code 554"), ("421 busy", "quarter of an hour")])
def test_a_mail_server_that_refuses_us_is_found(sandbox, tmp_path, greeting: str, said: str) -> None:
    with mail_server(greeting=greeting) as server:
        finding = findings(study(sandbox, port=str(server.port)), tmp_path)["mail"]

    assert (finding.verdict, said in finding.said) == ("fail", True)
