"""A small study with monitors, and a clock that tests move."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import requests
import yaml
from contact_study import Contact, make_contact

import flows.run_monitors
from capstan.delivery import Answer, Channel, Outcome
from capstan.message import PLANNED_COLUMNS, write_time
from capstan.sessions import SessionId
from capstan.store import (
    Caps,
    Claimed,
    MonitorWait,
    Pace,
    SessionKey,
    Source,
    add_session,
    claim_message,
    keep_incoming,
    list_waits,
    queue_messages,
    record_answer,
)
from capstan.study import Study, read_study
from capstan.triggers import Place
from cli.calling import call_flow
from tasks.messages.queueing import room_of
from tasks.monitors import open_monitors

IMAGING, PI = "imaging@example.org", "pi@example.org"
SESSION = "DTI01_CMH_H001_01_01"
START = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
PROBE = {"id": "archive", "root": "archive", "folder": "{site}/{session}/*.dcm"}
SCAN_DATA = {
    "id": "scan_data",
    "then": {"data": "archive"},
    "after": "48 hours",
    "remind": "24 hours",
    "escalate": {"after": "5 days", "to": ["pi"]},
    "give_up": "14 days",
    "notify": ["imaging"],
}
FOLLOW_UP = {
    "id": "follow_up",
    "of": {"form": "exam", "event": "6_month"},
    "then": {"form": "phone_follow_up"},
    "after": "48 hours",
}


class Clock:
    """What time the flow believes that it is."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


class Watched:
    """The study, the flow that watches it, and what its staff got."""

    def __init__(self, contact: Contact, clock: Clock) -> None:
        self.contact, self.clock = contact, clock
        self.name, self.folder = contact.study.name, contact.study.folder

    @property
    def study(self) -> Study:
        return read_study(self.folder)

    def change(self, **parts: Any) -> None:
        """Put parts into the study file, in the place of those that are there."""
        file = self.folder / "study.yaml"
        raw = yaml.safe_load(file.read_text(encoding="utf-8"))
        file.write_text(yaml.safe_dump(raw | parts), encoding="utf-8")

    def run(self, *, hours: float | None = None, **parameters: Any) -> dict[str, Any]:
        """Run the monitors, so many hours after the start."""
        if hours is not None:
            self.clock.now = START + timedelta(hours=hours)
        return call_flow("run_monitors", {"study": self.name, **parameters})

    def expect_data(self, label: str = SESSION, *, instance: str = "") -> bool:
        """A scan form came in, as ingest tells of it."""
        place = Place(self.contact.record, "baseline_arm_1", "exam", instance)
        with self.contact.store() as store:
            return open_monitors(
                store,
                self.study,
                monitor="scan_data",
                place=place,
                now=self.clock.now,
                session=label,
                site="CMH",
            )

    def add_session(self, label: str = SESSION) -> SessionKey:
        """There is a session of this name."""
        study, site, subject, timepoint, number = label.split("_")
        named = SessionId(study, site, subject, timepoint, number)
        with self.contact.store() as store:
            add_session(store, self.name, named, source=Source.REDCAP, now=self.clock.now)
        return SessionKey(self.name, named.name, named.number)

    def send_reminder(self, record: str, phone: str, *, occasion: str) -> None:
        """A reminder goes out to a participant."""
        room = room_of(self.study)
        row = {
            **dict.fromkeys(PLANNED_COLUMNS, ""),
            "message": "reminder",
            "record": record,
            "event": "baseline_arm_1",
            "occasion": occasion,
            "channel": "sms",
            "address": phone,
            "text": f"Please come, {occasion}.",
            "segments": "1",
            "zones": "UTC",
            "not_before": write_time(self.clock.now),
            "not_after": write_time(self.clock.now + timedelta(days=3)),
        }
        with self.contact.store() as store:
            queue_messages(store, pd.DataFrame([row]), room=room, run=occasion, now=self.clock.now)
            claimed = claim_message(
                store,
                room=room,
                channel=Channel.SMS,
                now=self.clock.now,
                pace=Pace("sms:+1", 1000),
                caps=Caps(minutes_between=0),
            )
            assert isinstance(claimed, Claimed)
            told = Answer(Outcome.ACCEPTED, sid=f"SM{record}{occasion}", status="queued")
            record_answer(store, claimed, told, now=self.clock.now)

    def answer(self, phone: str) -> None:
        """A participant texts back."""
        form = {"MessageSid": f"SM{phone}", "From": phone, "To": "+1", "Body": "Yes"}
        with self.contact.store() as store:
            keep_incoming(store, form, now=self.clock.now)

    def put_scan(self, label: str = SESSION) -> None:
        """Scan data arrive in the archive."""
        folder = self.folder / "archive" / "CMH" / label
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "1.dcm").write_bytes(b"scan")

    def save(
        self, form: str, *, status: str = "2", event: str = "", instance: int | None = None, record: str = ""
    ) -> None:
        """Somebody saves a form of the participant in REDCap; one that repeats, at an instance."""
        repeat = {"redcap_repeat_instrument": form, "redcap_repeat_instance": instance} if instance else {}
        row = {
            "record_id": record or self.contact.record,
            "redcap_event_name": event or self.contact.event,
            **repeat,
            f"{form}_complete": status,
        }
        answer = self.contact.study.call(
            content="record", action="import", format="json", type="flat", data=json.dumps([row])
        )
        assert answer.ok, answer.text

    def watch_forms(self, monitor: dict[str, Any]) -> None:
        """Watch forms too; of those that the project has already, all that must follow has followed."""
        self.change(monitors=[SCAN_DATA, monitor])
        self.run(hours=-1)
        self.run(hours=-0.5)
        assert set(self.states()) <= {"resolved"}

    def waits(self, **asked: Any) -> list[MonitorWait]:
        """The waits in the store, oldest first."""
        with self.contact.store() as store:
            return list(reversed(list_waits(store, self.name, **asked)))

    def states(self) -> list[str]:
        return [wait.standing.state.value for wait in self.waits()]

    def mails(self, to: str) -> list[str]:
        """What a person was mailed by monitors, oldest first."""
        url = f"{self.contact.addresses['control_url']}mails"
        mails = reversed(requests.get(url, timeout=30).json()["mails"])
        return [
            one["text"].strip()
            for one in mails
            if one["to"] == to and "something is missing" in one["subject"]
        ]


def make_watched(
    folder: Path, addresses: dict[str, Any], monkeypatch: pytest.MonkeyPatch, **parts: Any
) -> Watched:
    """A study with a monitor for scan data, imaging staff at one site, and a PI."""
    clock = Clock()
    monkeypatch.setattr(flows.run_monitors, "utc_now", clock)
    watched = Watched(make_contact(folder, addresses, monkeypatch), clock)
    roles = [
        {"name": "imaging", "sites": ["CMH"], "email": [IMAGING]},
        {"name": "pi", "email": [PI]},
    ]
    told = {"staff": {"email": ["staff@example.org"], "on": ["failure"]}, "roles": roles}
    watched.change(
        **{
            "sessions": {"sites": [{"site": "CMH", "code": "DTI01"}]},
            "triggers": [{"instrument": "exam", "expects": "scan_data"}],
            "monitors": [SCAN_DATA],
            "probes": [PROBE],
            "notify": told,
            **parts,
        }
    )
    (watched.folder / "archive").mkdir()
    return watched
