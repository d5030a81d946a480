"""A small study that texts and mails through the sandbox, and what its participants write to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import requests
from live_study import LiveStudy
from trial_study import edit, make_trial, visit_place

from capstan.store import Store, keep_incoming
from cli.stores import open_store_here

OURS, STAFF_PHONE, STAFF_MAIL = "+15005550006", "+12065550160", "staff@example.org"
PHONE = "+12065550100"
_SIDS = (f"SM{number:032x}" for number in count(1))
_BODY = """
arms: {{shared: [1], assigned_by: {{event: baseline_arm_1, field: rand_color}}}}
messaging:
  live: true
  sms:
    account: {{env: TRIAL_TWILIO_ACCOUNT}}
    token: {{env: TRIAL_TWILIO_TOKEN}}
    url: {twilio_url}
    sender: "{ours}"
    segments_per_second: 50
  email: {{host: {host}, port: {port}, security: none, sender: Trial <trial@example.org>}}
  hours: {{opens: "00:00", closes: "24:00"}}
  mark:
    opted_out: {{event: baseline_arm_1, field: part_text_ok, value: "0"}}
    bad_number: {{event: baseline_arm_1, field: part_text_ok, value: "0"}}
messages:
  - id: reminder
    channel: sms
    to: "[baseline_arm_1][part_mobile_number]"
    consent: "[baseline_arm_1][part_text_ok] = '1'"
    event: baseline_arm_1
    when: "[part_age] > 100"
    template: reminder.txt.j2
inbound:
  event: 6_month
  instrument: sms_survey_log
  fields: {{sender: txt_number, text: txt_message, received_at: txt_sent_at, sid: txt_twilio_sid}}
  keywords:
    - {{words: [RIDE], reply: ride.txt.j2, notify: true}}
    - {{words: [HERE], writes: {{event: baseline_arm_1, field: part_last_name, value: Arrived}}}}
    - {{words: [AWAY], writes: {{event: baseline_arm_1, field: part_last_name, value: Gone}}}}
  replies: {{help: help.txt.j2, distress: distress.txt.j2, unknown: thanks.txt.j2}}
notify:
  staff: {{email: [{mail}], sms: ["{phone}"], on: [failure, hold, summary, delivery, distress, question]}}
{more}
writes:
  allow: [participant_info, txt_number, txt_message, txt_twilio_sid, txt_sent_at]
"""
_TEMPLATES = {
    "reminder.txt.j2": "Please come.",
    "ride.txt.j2": "{{ study }}: a driver will call you.",
    "help.txt.j2": "{{ study }}: call 206-555-0100.",
    "distress.txt.j2": "Nobody reads this. In an emergency call 911.",
    "thanks.txt.j2": "{{ study }}: thank you, somebody will read it.",
}


@dataclass(frozen=True)
class Contact:
    """The study, the sandbox that it is in, and one of its participants, with a phone of their own."""

    study: LiveStudy
    addresses: Mapping[str, Any]
    record: str
    event: str

    def store(self) -> Store:
        """The study's store."""
        return open_store_here()

    def write(self, text: str, *, sender: str = PHONE, **fields: str) -> str:
        """Somebody texts to the study, and its webhook is kept; gives the text's sid."""
        sid = next(_SIDS)
        form = {"MessageSid": sid, "From": sender, "To": OURS, "Body": text, "NumMedia": "0", **fields}
        with self.store() as store:
            keep_incoming(store, form, now=datetime.now(UTC))
        return sid

    def rows(self) -> list[dict[str, str]]:
        """The replies that REDCap holds of the participant, in the order of instances."""
        found = self.study.call(content="record", format="json", records=self.record)
        return [row for row in found.json() if row["redcap_repeat_instrument"] == "sms_survey_log"]

    def texts(self, to: str = PHONE) -> list[str]:
        """What the sandbox's Twilio sent to a phone, oldest first."""
        messages = requests.get(f"{self.addresses['control_url']}state", timeout=30).json()["messages"]
        found = [one for one in messages if one["to"] == to and one["direction"] == "outbound-api"]
        return [one["body"] for one in sorted(found, key=lambda one: one["created"])]

    def mails(self) -> list[dict[str, Any]]:
        """The mails that the sandbox took, newest first."""
        mails = requests.get(f"{self.addresses['control_url']}mails", timeout=30).json()["mails"]
        return [one for one in mails if one["to"] == STAFF_MAIL]

    def give_phone(self, record: str, phone: str) -> None:
        """Write a participant's phone into REDCap."""
        edit(dict(self.addresses), self.study, record, "part_mobile_number", phone)


def make_contact(
    folder: Path, addresses: dict[str, Any], monkeypatch: pytest.MonkeyPatch, *, more: str = ""
) -> Contact:
    """Make the study, with more keys of the study file, in a sandbox whose messages are forgotten before."""
    control = addresses["control_url"]
    requests.post(f"{control}reset", timeout=30).raise_for_status()
    requests.delete(f"{control}mails", timeout=30).raise_for_status()
    monkeypatch.setenv("TRIAL_TWILIO_ACCOUNT", addresses["twilio_account_sid"])
    monkeypatch.setenv("TRIAL_TWILIO_TOKEN", addresses["twilio_auth_token"])
    host, _, port = addresses["smtp"].rpartition(":")
    known = {"twilio_url": addresses["twilio_url"], "host": host, "port": port, "ours": OURS}
    body = _BODY.format(**known, mail=STAFF_MAIL, phone=STAFF_PHONE, more=more)
    study = make_trial(folder, addresses, monkeypatch, body=body)
    templates = study.folder / "templates"
    templates.mkdir()
    for name, text in _TEMPLATES.items():
        (templates / name).write_text(text, encoding="utf-8")
    record, event = visit_place(study)
    contact = Contact(study, addresses, record, event)
    contact.give_phone(record, "(206) 555-0100")
    return contact
