"""The studies of the trial: projects in a sandbox, what people do to them, and what must come of it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
import requests
import yaml
from live_study import LiveStudy, make_study

from benchmarks.many_machines_servers import ROOT
from studies.demo.generate import project_xml
from tests.unit.demo_project import TEXT_LOG

MARK = "xplantedx"
BASELINE = "baseline_arm_1"
# Phones that end in 60 get their texts; each participant has an area of their own.
AREAS = ("206", "212", "213", "312", "415", "503")
FLOWS = ("poll_participants", "send_messages")
_HEAD = "record_id,redcap_event_name,part_first_name,part_last_name,part_guardian_name,"
_FIELDS = "part_mobile_number,part_text_ok,part_email\n"
_DUE = {"due": "vt_due", "opens": "vt_opens", "closes": "vt_closes", "status": "vt_status"}
_TRACKED = [*_DUE.values(), *TEXT_LOG["fields"].values(), "sms_survey_log_complete"]  # type: ignore[attr-defined]


@dataclass
class Site:
    """One study, the randomized participants whom people change, and the dates they were given last."""

    live: LiveStudy
    arms: dict[str, str]
    dates: dict[str, date] = field(default_factory=dict)

    def change(self, chance: Random) -> None:
        """Somebody gives a participant another date of randomization."""
        record = chance.choice(sorted(self.arms))
        day = date(2026, 1, 1) + timedelta(days=chance.randrange(300))
        row = {"record_id": record, "redcap_event_name": BASELINE, "rand_date": day.isoformat()}
        answer = self.live.call(content="record", action="import", format="json", data=json.dumps([row]))
        answer.raise_for_status()
        self.dates[record] = day

    def wrong_cells(self) -> int:
        """How many due dates are not what follows from the dates that people gave."""
        asked = {"fields": "record_id,vt_due", "format": "json"}
        rows = self.live.call(content="record", **asked).json()
        found = {
            row["record_id"]: row["vt_due"]
            for row in rows
            if row["redcap_event_name"] == f"6_month_arm_{self.arms.get(row['record_id'])}"
            and not row["redcap_repeat_instrument"]
        }
        due = {one: (pd.Timestamp(day) + pd.DateOffset(months=6)).date() for one, day in self.dates.items()}
        return sum(found.get(record) != day.isoformat() for record, day in due.items())

    def logged(self) -> int:
        """How many texts REDCap's log of the study holds."""
        rows = self.live.call(
            content="record", format="json", forms="sms_survey_log", fields="record_id"
        ).json()
        return sum(row["redcap_repeat_instrument"] == "sms_survey_log" for row in rows)


def make_sites(folder: Path, addresses: dict[str, Any], *, count: int) -> list[Site]:
    """Make projects with planted participants, and a study folder for each."""
    xml = project_xml(datetime.now(UTC).date(), participants=20)
    return [_site(folder, addresses, xml=xml, name=f"study{number:03}") for number in range(1, count + 1)]


def _site(folder: Path, addresses: dict[str, Any], *, xml: str, name: str) -> Site:
    body = "".join(f"{key}: {json.dumps(part)}\n" for key, part in _parts(addresses).items())
    live = make_study(folder, name=name, addresses=addresses, xml=xml, title=f"Trial {name}", body=body)
    (live.folder / "templates").mkdir()
    text = f"A visit of {{{{ child }}}} is due. Trial {live.project_id}."
    (live.folder / "templates" / "reminder.txt.j2").write_text(text, encoding="utf-8")
    fields = "record_id,rand_color,rand_date"
    rows = live.call(content="record", format="json", fields=fields, events=BASELINE).json()
    arms = {row["record_id"]: row["rand_color"] for row in rows if row["rand_color"] and row["rand_date"]}
    site = Site(live, dict(list(arms.items())[: len(AREAS)]))
    planted = "".join(_planted(record, area) for record, area in zip(site.arms, AREAS, strict=False))
    data = _HEAD + _FIELDS + planted
    live.call(content="record", action="import", format="csv", data=data).raise_for_status()
    return site


def _planted(record: str, area: str) -> str:
    names = ",".join(f"{MARK}{word}" for word in ("first", "Texted", "parent"))
    return f"{record},{BASELINE},{names},{area}-555-0160,1,{MARK}{record}@example.org\n"


def _parts(addresses: Mapping[str, Any]) -> dict[str, Any]:
    sms = {
        "account": {"env": "TWILIO_ACCOUNT_SID"},
        "token": {"env": "TWILIO_AUTH_TOKEN"},
        "url": addresses["twilio_url"],
        "sender": "+15005550006",
        "segments_per_second": 50,
    }
    email = {
        "host": "127.0.0.1",
        "port": int(addresses["smtp"].rpartition(":")[2]),
        "security": "none",
        "sender": "Trial <trial@example.org>",
        "per_minute": 6000,
    }
    message = {
        "id": "reminder",
        "channel": "sms",
        "to": "[baseline_arm_1][part_mobile_number]",
        "when": f"[baseline_arm_1][part_last_name] = '{MARK}Texted'",
        "event": "6_month",
        "consent": "[baseline_arm_1][part_text_ok] = '1'",
        "template": "reminder.txt.j2",
        "values": {"child": "[baseline_arm_1][part_first_name]"},
        "limits": {"per_participant": 1},
        "log": {"event": "6_month", **TEXT_LOG},
    }
    visit = {
        "name": "6 month",
        "event": "6_month",
        "anchor": "[baseline_arm_1][rand_date]",
        "after": "6 months",
        "window": ["-14d", "+30d"],
        "done_when": "[exam_complete] = '2'",
        "write": _DUE,
    }
    return {
        "arms": {"shared": [1], "assigned_by": {"event": BASELINE, "field": "rand_color"}},
        "messaging": {
            "live": True,
            "sms": sms,
            "email": email,
            "hours": {"opens": "00:00", "closes": "24:00"},
            # The same phones are in every study, and a phone's limits are for all studies together.
            "limits": {"minutes_between": 0, "participant_per_day": 1000, "participant_per_week": 1000},
        },
        "messages": [message],
        "visits": [visit],
        "notify": {"staff": {"email": ["staff@example.org"]}},
        "writes": {
            "allow": _TRACKED,
            "limits": {"records": 1000, "share": 1, "blanked": 1000, "field_share": 1},
        },
    }


def environment_of(sites: list[Site], addresses: Mapping[str, Any]) -> dict[str, str]:
    """What a worker needs to work on all studies, but for its homes and the store."""
    tokens = {f"TOKEN_{site.live.name.upper()}": site.live.token for site in sites}
    return tokens | {
        "CAPSTAN_STUDIES": str(sites[0].live.folder.parent),
        "TWILIO_ACCOUNT_SID": addresses["twilio_account_sid"],
        "TWILIO_AUTH_TOKEN": addresses["twilio_auth_token"],
    }


def deploy(sites: list[Site], file: Path, *, environment: Mapping[str, str], every: int) -> int:
    """Deploy the studies' flows, each study at seconds of its own; gives how many schedules there are."""
    names = [site.live.name for site in sites]
    program = str(Path(sys.executable).with_name("capstan"))
    command = [program, "deployments", *names, "--out", str(file)]
    subprocess.run(command, check=True, capture_output=True, env={**environment}, cwd=ROOT, timeout=300)
    whole = yaml.safe_load(file.read_text(encoding="utf-8"))
    chosen = [one for one in whole["deployments"] if one["entrypoint"].rpartition(".")[2] in FLOWS]
    begin = datetime.now(UTC) + timedelta(seconds=30)
    for place, one in enumerate(chosen):
        start = begin + timedelta(seconds=place * every / len(chosen))
        one["schedules"] = [{"interval": every, "anchor_date": start.isoformat(), "slug": "trial"}]
    file.write_text(yaml.safe_dump({**whole, "deployments": chosen}), encoding="utf-8")
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(file)]
    subprocess.run(command, check=True, capture_output=True, env={**environment}, cwd=ROOT, timeout=600)
    return len(chosen)


def texts(addresses: Mapping[str, Any], sites: list[Site]) -> Counter[tuple[str, str]]:
    """How many texts each phone got from each study, as the sandbox counts them."""
    counts = requests.get(f"{addresses['control_url']}state", timeout=60).json()["counts"]
    ends = {f"Trial {site.live.project_id}.": site.live.name for site in sites}
    found: Counter[tuple[str, str]] = Counter()
    for one in counts:
        if name := next((name for end, name in ends.items() if one["body"].endswith(end)), None):
            found[name, one["to"]] += one["count"]
    return found
