"""A small trial that writes to its participants through the sandbox, for tests of the flows of messages."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import requests
from live_study import LiveStudy, make_study
from trial_study import edit, enter

from capstan.message import MessageState
from capstan.store import Store, count_messages, load_keys
from studies.demo.generate import project_xml
from tests.unit.demo_project import TEXT_LOG

TODAY = date(2026, 6, 1)
# Randomized participants of the invented trial.
RECORDS = ("1", "2", "3", "5", "6", "7")
LOG = {"event": "6_month", **TEXT_LOG}
REMINDER = {
    "id": "reminder",
    "channel": "sms",
    "to": "[baseline_arm_1][part_mobile_number]",
    "when": "[baseline_arm_1][part_last_name] = 'Texted'",
    "event": "6_month",
    "consent": "[baseline_arm_1][part_text_ok] = '1'",
    "template": "reminder.txt.j2",
    "values": {"child": "[baseline_arm_1][part_first_name]"},
    "fallback": "letter",
    "log": LOG,
}
LETTER = {
    "id": "letter",
    "channel": "email",
    "to": "[baseline_arm_1][part_email]",
    "consent": "[baseline_arm_1][part_text_ok] = '1'",
    "subject": "Your visit",
    "template": "letter.txt.j2",
}
TEMPLATES = {"reminder.txt.j2": "A visit of {{ child }} is due.", "letter.txt.j2": "A visit is due."}
MESSAGING = {
    "live": True,
    "sms": {
        "account": {"env": "TWILIO_ACCOUNT_SID"},
        "token": {"env": "TWILIO_AUTH_TOKEN"},
        "sender": "+15005550006",
        "segments_per_second": 50,
    },
    "email": {
        "host": "127.0.0.1",
        "security": "none",
        "sender": "Trial <trial@example.org>",
        "per_minute": 6000,
    },
    "hours": {"opens": "00:00", "closes": "24:00"},
    "limits": {"minutes_between": 0},
    "mark": {"opted_out": {"event": "baseline_arm_1", "field": "part_text_ok", "value": "No"}},
}
ALLOWED = ["participant_info", "exam", *LOG["fields"].values(), "sms_survey_log_complete"]  # type: ignore[attr-defined]


class MessageStudy:
    """The study, its sandbox, and who of its participants has which phone."""

    def __init__(self, study: LiveStudy, addresses: dict[str, Any]) -> None:
        self.live, self.addresses = study, addresses

    def phone(self, record: str, number: str) -> None:
        """Let a participant be texted at a number such as `206-555-0160`."""
        values = {"part_mobile_number": number, "part_last_name": "Texted", "part_text_ok": "1"}
        values["part_email"] = f"family{record}-{self.live.project_id}@example.org"
        for field, value in values.items():
            edit(self.addresses, self.live, record, field, value)

    def log(self, event: str = "") -> list[dict[str, str]]:
        """The instances of the log that REDCap holds."""
        asked = {"forms": "sms_survey_log", "fields": "record_id"}
        rows = self.live.call(content="record", format="json", **asked).json()
        return [row for row in rows if row["redcap_repeat_instrument"] == "sms_survey_log"]

    def texts(self) -> Counter[str]:
        """How many texts each phone was sent by this study, as the sandbox counts them."""
        counts = requests.get(f"{self.addresses['control_url']}state", timeout=30).json()["counts"]
        ours = f"Trial {self.live.project_id}."
        return Counter({one["to"]: one["count"] for one in counts if one["body"].endswith(ours)})

    def texts_to(self, number: str) -> list[dict[str, Any]]:
        """The texts of this study to a phone, as the sandbox has them."""
        found = requests.get(f"{self.addresses['control_url']}state", timeout=30).json()["messages"]
        ours = f"Trial {self.live.project_id}."
        return [one for one in found if one["to"] == number and one["body"].endswith(ours)]

    def letters(self) -> list[dict[str, Any]]:
        """The letters to families of this study."""
        mails = requests.get(f"{self.addresses['control_url']}mails", timeout=30).json()
        return [one for one in mails["mails"] if f"-{self.live.project_id}@" in json.dumps(one)]

    def states(self) -> dict[MessageState, int]:
        """How many messages stand where."""
        with self.store() as store:
            return count_messages(store, study=self.live.name)

    def store(self) -> Store:
        """The study's store."""
        home = self.live.home
        return Store.open(f"sqlite:///{home / 'store.sqlite'}", load_keys(None, home=home))

    def let_time_pass(self, seconds: int = 60) -> None:
        """Advance the sandbox's clock, so that what it delivers has arrived."""
        url = f"{self.addresses['control_url']}clock/advance"
        requests.post(url, json={"seconds": seconds}, timeout=60).raise_for_status()

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to work on it."""
        return self.live.environment | twilio_environment(self.addresses)


def make_message_study(
    folder: Path,
    addresses: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    *,
    messages: list[dict[str, Any]] | None = None,
    **messaging: Any,
) -> MessageStudy:
    """Make the trial with its messages, in this process's environment; `messaging` changes the policy."""
    policy = MESSAGING | messaging
    policy["sms"] = {**policy["sms"], "url": addresses["twilio_url"]}  # type: ignore[dict-item]
    policy["email"] = {**policy["email"], "port": int(addresses["smtp"].rpartition(":")[2])}  # type: ignore[dict-item]
    parts = {
        "arms": {"shared": [1], "assigned_by": {"event": "baseline_arm_1", "field": "rand_color"}},
        "messaging": policy,
        "messages": [REMINDER, LETTER] if messages is None else messages,
        "writes": {"allow": ALLOWED, "limits": {"records": 1, "field_share": 0}},
    }
    body = "".join(f"{name}: {json.dumps(part)}\n" for name, part in parts.items())
    xml = project_xml(TODAY, participants=20)
    study = make_study(folder, name="trial", addresses=addresses, xml=xml, title="Trial", body=body)
    (study.folder / "templates").mkdir()
    for name, text in TEMPLATES.items():
        # So that texts of several tests to one phone are told apart.
        marked = f"{text} Trial {study.project_id}."
        (study.folder / "templates" / name).write_text(marked, encoding="utf-8")
    enter(study, monkeypatch)
    for name, value in twilio_environment(addresses).items():
        monkeypatch.setenv(name, value)
    return MessageStudy(study, addresses)


def twilio_environment(addresses: dict[str, Any]) -> dict[str, str]:
    """The sandbox's Twilio account."""
    return {
        "TWILIO_ACCOUNT_SID": addresses["twilio_account_sid"],
        "TWILIO_AUTH_TOKEN": addresses["twilio_auth_token"],
    }
