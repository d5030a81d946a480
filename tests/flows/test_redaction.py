"""What Twilio keeps of texts goes after the study's time: once, in both directions, and nothing sooner."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from message_study import MESSAGING, MessageStudy, make_message_study
from sqlalchemy import update

from capstan.store.outbox_tables import ATTEMPT
from cli.calling import call_here


def make(
    folder: Path,
    addresses: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    redact: str,
    *,
    after: str = "30 days",
) -> MessageStudy:
    sms = {**MESSAGING["sms"], "redact": redact, "redact_after": after}  # type: ignore[dict-item]
    return make_message_study(folder, addresses, monkeypatch, sms=sms)


def check() -> dict[str, Any]:
    return call_here("check_deliveries", {"study": "trial"})


def age(trial: MessageStudy, days: int) -> None:
    """Let all texts have ended so many days ago."""
    with trial.store() as store, store.write() as connection:
        connection.execute(update(ATTEMPT).values(changed_at=datetime.now(UTC) - timedelta(days=days)))


def kept_at_twilio(trial: MessageStudy, number: str) -> list[str]:
    """The texts to a number as Twilio's API gives them."""
    account, token = (trial.addresses[f"twilio_{name}"] for name in ("account_sid", "auth_token"))
    url = f"{trial.addresses['twilio_url']}/2010-04-01/Accounts/{account}/Messages.json"
    found = requests.get(url, params={"To": number}, auth=(account, token), timeout=30).json()
    return [one["body"] for one in found["messages"]]


def sent(trial: MessageStudy, phone: str) -> None:
    trial.phone("2", phone)
    call_here("send_messages", {"study": "trial"})
    trial.let_time_pass()
    check()


@pytest.mark.parametrize(("redact", "left"), [("texts", [""]), ("messages", [])])
def test_old_texts_are_redacted_once(
    redact: str, left: list[str], tmp_path: Path, addresses: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = make(tmp_path, addresses, monkeypatch, redact)
    number = {"texts": "180", "messages": "181"}[redact]
    sent(trial, f"206-555-0{number}")
    age(trial, 29)
    young = check()["redacted"]
    age(trial, 31)

    old, again = check(), check()

    assert [young, old["redacted"], again["redacted"]] == [{"at Twilio": count} for count in (0, 1, 0)]
    assert old["outcome"] == "done"
    assert kept_at_twilio(trial, f"+12065550{number}") == left
    assert [row["txt_twilio_status"] for row in trial.log()] == ["delivered"]


def test_texts_may_be_redacted_as_soon_as_they_have_ended(
    tmp_path: Path, addresses: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = make(tmp_path, addresses, monkeypatch, "texts", after="0 days")
    sent(trial, "206-555-0182")

    check()

    assert kept_at_twilio(trial, "+12065550182") == [""]


def test_a_text_on_its_way_is_left_alone(
    tmp_path: Path, addresses: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = make(tmp_path, addresses, monkeypatch, "messages")
    sent(trial, "206-555-0102")
    age(trial, 31)

    assert check()["redacted"] == {"at Twilio": 0}
    assert len(kept_at_twilio(trial, "+12065550102")) == 1
